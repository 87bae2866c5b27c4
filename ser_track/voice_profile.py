"""One participant's voice profile: running statistics of how they have sounded so far, and nothing else.

Voices, microphones and rooms change a model's embedding more than emotions do. Standardising by each participant's own
mean and deviation makes results on unseen people and languages much better (`training/README.md`). Both come only from
the past, start at the population's values, and are forgotten with the stream. They cannot be turned back into audio or
text.
"""

from typing import Final

import numpy as np

from ser_track.chunk import FloatArray

MEAN_SHRINKAGE: Final = 4.0
"""For the mean, the population counts as much as this many segments; training uses the same weight."""
DEVIATION_SHRINKAGE: Final = 16.0
"""The same for the deviation, which takes more segments to estimate."""
_MAX_SEGMENTS: Final = 64.0


class VoiceProfile:
    """Mean and deviation of standardised embeddings ``[size]``; the population's are 0 and 1.

    >>> profile = VoiceProfile(size=2)
    >>> profile.update(np.array([1.0, -1.0], np.float32))
    >>> profile.mean  # close to the population's while there is little speech
    array([ 0.2, -0.2], dtype=float32)
    """

    __slots__ = ("_squares", "_total", "segments")

    def __init__(self, size: int) -> None:
        self.segments = 0.0
        """Effective number of segments; older ones fade after 64, so that the profile adapts to a new microphone."""
        self._total = np.zeros(size, np.float64)
        self._squares = np.zeros(size, np.float64)

    def update(self, embedding: FloatArray) -> None:
        """Add one finished segment."""
        kept = min(1.0, (_MAX_SEGMENTS - 1) / max(self.segments, 1.0))
        self.segments = kept * self.segments + 1
        self._total = kept * self._total + embedding
        self._squares = kept * self._squares + np.square(embedding, dtype=np.float64)

    @property
    def known(self) -> float:
        """How well the voice is known, 0 … 1: the share of the speaker's own segments in the mean; 0.5 after four.

        >>> profile = VoiceProfile(size=1)
        >>> for _ in range(4):
        ...     profile.update(np.zeros(1, np.float32))
        >>> profile.known
        0.5
        """
        return self.segments / (self.segments + MEAN_SHRINKAGE)

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
