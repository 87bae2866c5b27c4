"""Notices tracks that are so quiet that results are poor, although the sound can be read."""

from collections.abc import Iterator
from heapq import heappush, heappushpop
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray

_BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ // 10
_LOUD_BLOCKS: Final = 5
"""The level of half a second in all counts: not that of one click."""
_QUIET_DB: Final = -50.0
"""RMS relative to full scale. At 10 dB less, the voice detector finds almost nothing."""
_SILENT_DB: Final = -85.0
"""Below this there is only the noise of converters and rounding."""
_USUAL_DB: Final = -20.0


class QuietTracks:
    """The loudest moments of each participant's sound."""

    def __init__(self) -> None:
        self._loudest: dict[str, list[float]] = {}

    def hear(self, participant: str, chunk: Chunk) -> None:
        """Take the next samples of ``participant``."""
        heap = self._loudest.setdefault(participant, [])
        for power in _powers(chunk.samples).tolist():
            if len(heap) < _LOUD_BLOCKS:
                heappush(heap, power)
            elif power > heap[0]:
                heappushpop(heap, power)

    def remarks(self) -> Iterator[str]:
        """What to say of quiet tracks; each text continues a sentence after the file's name."""
        for participant, powers in self._loudest.items():
            level_db = 10 * log10(max(powers[0], 1e-20)) if powers else _SILENT_DB
            if _SILENT_DB < level_db < _QUIET_DB:
                gain_db = round(_USUAL_DB - level_db)
                yield (
                    f"is very quiet in '{participant}' ({level_db:.0f} dBFS at its loudest), so that speech may not be "
                    f"found; make it louder, for example with ffmpeg -i FILE -af volume={gain_db}dB LOUDER.wav"
                )


def _powers(samples: FloatArray) -> NDArray[np.float64]:
    """Return the mean square of each tenth of a second of ``samples``, or of less."""
    if not len(samples):
        return np.zeros(0)
    starts = np.arange(0, len(samples), _BLOCK_SAMPLES)
    sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    return np.asarray(sums / np.diff(starts, append=len(samples)), np.float64)
