"""Resamples any rate to 16 kHz in pieces; the result does not depend on how the pieces are cut."""

import av
import numpy as np

from ser_track.audio.dc_offset import DcOffset
from ser_track.audio.limits import require_usual
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray


class Resampler:
    """FFmpeg's resampler for one mono stream; input at 16 kHz passes through. A constant offset is taken out."""

    def __init__(self, rate_hz: int) -> None:
        """Take samples at ``rate_hz``.

        Raises:
            AudioError: speech is not recorded at such a rate.
        """
        require_usual(rate_hz, 1)
        self._rate_hz = rate_hz
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._offset = DcOffset()
        self._begin()

    def _begin(self) -> None:
        self._resampler = (
            None
            if self._rate_hz == SAMPLE_RATE_HZ
            # Mono in, mono out: mixing is done before, because this resampler mixes floats to mono 3 dB too loud.
            else av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        )

    def push(self, samples: FloatArray) -> FloatArray:
        """Return the samples at 16 kHz after ``samples``; the filter holds back a millisecond or two."""
        return self._offset.remove(self._resampled(samples))

    def _resampled(self, samples: FloatArray) -> FloatArray:
        if self._resampler is None or not len(samples):
            return samples
        # Write directly to the frame's memory: PyAV's array conversions cost as much as the resampling itself.
        frame = av.AudioFrame(format="flt", layout="mono", samples=len(samples))
        frame.planes[0].update(np.ascontiguousarray(samples, np.float32))  # type: ignore[arg-type]  # takes any buffer
        frame.sample_rate = self._rate_hz
        return _join(self._resampler.resample(frame))

    def flush(self) -> FloatArray:
        """The samples that the filter held back (none of streams under 4 ms); the next push begins a new filter."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        tail = self._offset.remove(_join(self._resampler.resample(None)))
        self._begin()
        return tail


def _join(frames: list[av.AudioFrame]) -> FloatArray:
    pieces = [np.frombuffer(memoryview(frame.planes[0]), np.float32, frame.samples) for frame in frames]
    return pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros(0, np.float32), *pieces])
