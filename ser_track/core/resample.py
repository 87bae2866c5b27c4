"""Any rate to 16 kHz, piece by piece, with the same result however the pieces are cut."""

import av
import numpy as np

from ser_track.types import SAMPLE_RATE_HZ, FloatArray


class Resampler:
    """FFmpeg's resampler for one mono stream; input at 16 kHz passes through untouched."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._resampler = (
            None
            if self._rate_hz == SAMPLE_RATE_HZ
            # Mono in, mono out: mixing is done before, because this resampler mixes floats to mono 3 dB too loud.
            else av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        )

    def push(self, samples: FloatArray) -> FloatArray:
        """What can be said at 16 kHz after ``samples``; the filter holds back a millisecond or two."""
        if self._resampler is None or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None], format="flt", layout="mono")
        frame.sample_rate = self._rate_hz
        return _join(self._resampler.resample(frame))

    def flush(self) -> FloatArray:
        """The samples that the filter held back; the next push begins a new stream."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        tail = _join(self._resampler.resample(None))
        self.reset()
        return tail


def _join(frames: list[av.AudioFrame]) -> FloatArray:
    pieces = [frame.to_ndarray()[0] for frame in frames]
    return np.concatenate(pieces).astype(np.float32, copy=False) if pieces else np.zeros(0, np.float32)
