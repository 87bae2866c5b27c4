"""Mixes all voices into one Opus track, small enough to embed in a page."""

import io
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.audio.stream import AudioStream

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.shortages import naming

MAX_BYTES: Final = 16_000_000
"""Limit for the sound in a page; encoded as text it takes a third more."""
BEST_BPS: Final = 24_000
MIN_BPS: Final = 8_000
"""Below this rate, speech is hard to follow."""
MAX_S: Final = 8 * MAX_BYTES / MIN_BPS
_BLOCK_SAMPLES: Final = 10 * SAMPLE_RATE_HZ
_LOUDEST: Final = 0.98


class Mix:
    """The sum of all voices, in an unnamed temporary file that is deleted on close.

    It is on disk because the tracks of a recording may follow one another: then mixing needs the whole recording.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._peak = 0.0
        self.samples = 0

    def add(self, at: int, samples: FloatArray) -> None:
        """Add ``samples`` ``[n]`` at index ``at``."""
        mixed = self._read(at, len(samples)) + samples
        self._file.seek(2 * at)
        # Two bytes per sample, as for integers, but a sum of several voices does not clip.
        with naming(f"the temporary folder {tempfile.gettempdir()}"):
            self._file.write(mixed.astype("<f2").tobytes())
        self._peak = max(self._peak, float(np.abs(mixed).max(initial=0)))
        self.samples = max(self.samples, at + len(samples))

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the mix in blocks, attenuated if it would clip."""
        gain = np.float32(min(1.0, _LOUDEST / self._peak) if self._peak else 1.0)
        for at in range(0, self.samples, _BLOCK_SAMPLES):
            yield gain * self._read(at, min(_BLOCK_SAMPLES, self.samples - at))

    def _read(self, at: int, count: int) -> FloatArray:
        self._file.seek(2 * at)
        stored = np.frombuffer(self._file.read(2 * count), "<f2")
        samples = np.zeros(count, np.float32)
        samples[: len(stored)] = stored
        return samples

    def __enter__(self) -> Self:
        """Return this object; the file is already open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the file."""
        self._file.close()


def bit_rate_bps(duration_s: float) -> int:
    """Return the highest rate at which ``duration_s``, at most `MAX_S`, stays within `MAX_BYTES`."""
    return min(BEST_BPS, int(8 * MAX_BYTES / max(duration_s, 1.0)))


def encode_webm(blocks: Iterable[FloatArray], rate_bps: int) -> bytes:
    """Encode ``blocks`` at 16 kHz as Opus in WebM, which browsers can play and seek."""
    file = io.BytesIO()
    # Frames of 60 ms: at these rates the container would otherwise take a third of the bytes.
    options = {"application": "voip", "frame_duration": "60", "vbr": "on", "compression_level": "3"}
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE_HZ, options=options, layout="mono")
        assert isinstance(stream, AudioStream)
        stream.bit_rate = rate_bps
        at = 0
        for samples in blocks:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, at, Fraction(1, SAMPLE_RATE_HZ)
            container.mux(stream.encode(frame))
            at += len(samples)
        container.mux(stream.encode(None))
    return file.getvalue()
