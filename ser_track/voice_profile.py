"""What is known of one participant's voice: running statistics of how they sounded so far, and nothing else.

Voices, microphones and rooms move a model's embedding by more than emotions do. Taking each participant's own mean and
deviation off makes results on unheard people and languages much better (`training/README.md`); both come from the past
alone, begin at the population's, and are forgotten with the stream. No audio and no text can be got back from them.
"""

from typing import Final

import numpy as np

from ser_track.chunk import FloatArray

MEAN_SHRINKAGE: Final = 4.0
"""For the mean, the population counts as much as this many segments; training shrinks with the same weight."""
DEVIATION_SHRINKAGE: Final = 16.0
"""For the deviation: it takes more segments to know it."""
_MAX_SEGMENTS: Final = 64.0


class VoiceProfile:
    """Mean and deviation of standardised embeddings ``[size]``; the population's are 0 and 1.

    >>> profile = VoiceProfile(size=2)
    >>> profile.update(np.array([1.0, -1.0], np.float32))
    >>> profile.mean  # drawn towards the population's while only little was heard
    array([ 0.2, -0.2], dtype=float32)
    """

    __slots__ = ("_squares", "_total", "segments")

    def __init__(self, size: int) -> None:
        self.segments = 0.0
        """Segments that count; older ones fade once there are 64, so that a new microphone is learnt too."""
        self._total = np.zeros(size, np.float64)
        self._squares = np.zeros(size, np.float64)

    def update(self, embedding: FloatArray) -> None:
        """Take in one finished segment."""
        kept = min(1.0, (_MAX_SEGMENTS - 1) / max(self.segments, 1.0))
        self.segments = kept * self.segments + 1
        self._total = kept * self._total + embedding
        self._squares = kept * self._squares + np.square(embedding, dtype=np.float64)

    @property
    def mean(self) -> FloatArray:
        """``[size]``, shrunk to 0."""
        return np.asarray(self._total / (self.segments + MEAN_SHRINKAGE), np.float32)

    @property
    def deviation(self) -> FloatArray:
        """``[size]``, shrunk to 1; around `mean`."""
        mean = self._total / (self.segments + MEAN_SHRINKAGE)
        spread = self._squares - 2 * mean * self._total + self.segments * mean**2
        return np.asarray(np.sqrt((DEVIATION_SHRINKAGE + spread) / (self.segments + DEVIATION_SHRINKAGE)), np.float32)
