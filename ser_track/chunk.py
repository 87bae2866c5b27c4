"""The unit of audio: samples with the media time of the first one, and the internal sample rate."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 16_000
"""Rate of all audio inside the engine; the rate both models were trained at."""
WINDOW_SAMPLES: Final = 512
"""One VAD window, 32 ms at 16 kHz: Silero's fixed input length."""


class Chunk(NamedTuple):
    """Mono audio of one stream, of any length; at 16 kHz, except where a capture device has another rate.

    >>> chunk = Chunk(at=8_000, samples=np.zeros(512, np.float32))
    >>> chunk.at / SAMPLE_RATE_HZ, len(chunk.samples)  # begins half a second into the stream
    (0.5, 512)
    """

    at: int
    """Media time of the first sample: its index in the stream, from 0."""
    samples: FloatArray
    """``[n]``, finite. A chunk without samples means silence up to ``at``."""

    @property
    def end(self) -> int:
        """Media time right after the last sample."""
        return self.at + len(self.samples)


class ParticipantChunk(NamedTuple):
    """A chunk of one of several participants, as recordings and microphones give them."""

    participant: str
    chunk: Chunk
