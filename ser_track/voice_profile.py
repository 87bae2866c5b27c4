"""One participant's voice profile: running statistics of how they have sounded so far, and nothing else.

Voices, microphones and rooms change a model's embedding more than emotions do. Standardising by each participant's own
mean and deviation makes results on unseen people and languages much better (`training/README.md`). Both come only from
the past, start at the population's values, and are forgotten with the stream. They cannot be turned back into audio or
text.

Most calls are mostly neutral, but not every person is. So a segment's embedding is stored less a part of what its
emotion adds, and counts for less if it is hardly neutral (the model computes both: `VoiceEvidence`). A voice whose
segments all sound like one emotion is not adapted to: it could be the voice, or the emotion.
"""

from typing import Final, NamedTuple

import numpy as np

from ser_track.chunk import FloatArray

MEAN_SHRINKAGE: Final = 4.0
"""For the mean, the population counts as much as this many segments; training uses the same weight."""
DEVIATION_SHRINKAGE: Final = 16.0
"""The same for the deviation, which takes more segments to estimate."""
ONE_SIDED: Final = (0.45, 0.6)
"""Mean probability of the strongest emotion other than neutral, judged without adaptation: from the first value on, the
profile counts for less, and from the second on for nothing (`training/adaptation.py` compares the choices)."""
_MAX_SEGMENTS: Final = 64.0


class VoiceEvidence(NamedTuple):
    """What one finished segment says about its voice.

    >>> evidence = VoiceEvidence(np.array([1.0, -1.0], np.float32), weight=0.5)
    >>> profile = VoiceProfile(size=2)
    >>> profile.update(*evidence)
    >>> profile.segments
    0.5
    """

    embedding: FloatArray
    """``[size]``, standardised; our files give it less half of what the guessed emotion adds."""
    weight: float = 1.0
    """How much it counts, 0 … 1."""
    unadapted: FloatArray | None = None
    """``[k]``: the probabilities of the emotions other than neutral, without adaptation, if the model gives them."""


class VoiceProfile:
    """Mean and deviation of standardised embeddings ``[size]``; the population's are 0 and 1.

    >>> profile = VoiceProfile(size=2)
    >>> profile.update(np.array([1.0, -1.0], np.float32))
    >>> profile.mean  # close to the population's while there is little speech
    array([ 0.2, -0.2], dtype=float32)
    >>> profile.known
    0.2
    """

    __slots__ = ("_guessed", "_guesses", "_squares", "_total", "segments")

    def __init__(self, size: int) -> None:
        self.segments = 0.0
        """Effective number of segments; older ones fade after 64, so that the profile adapts to a new microphone."""
        self._total = np.zeros(size, np.float64)
        self._squares = np.zeros(size, np.float64)
        self._guesses = np.zeros(1, np.float64)  # of as many emotions as the model gives
        self._guessed = 0.0

    def update(self, embedding: FloatArray, weight: float = 1.0, unadapted: FloatArray | None = None) -> None:
        """Add one finished segment: the fields of its `VoiceEvidence`."""
        kept = min(1.0, (_MAX_SEGMENTS - weight) / max(self.segments, 1.0))
        self.segments = kept * self.segments + weight
        self._total = kept * self._total + weight * np.asarray(embedding, np.float64)
        self._squares = kept * self._squares + weight * np.square(embedding, dtype=np.float64)
        if unadapted is not None:
            self._guesses = kept * self._guesses + unadapted
            self._guessed = kept * self._guessed + 1.0

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
        return np.asarray(self._trust * self._mean, np.float32)

    @property
    def deviation(self) -> FloatArray:
        """``[size]``, shrunk to 1; around `mean`."""
        mean = self._mean
        spread = self._squares - 2 * mean * self._total + self.segments * mean**2
        variance = (DEVIATION_SHRINKAGE + spread) / (self.segments + DEVIATION_SHRINKAGE)
        return np.asarray(variance ** (self._trust / 2), np.float32)

    @property
    def _mean(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.asarray(self._total / (self.segments + MEAN_SHRINKAGE))

    @property
    def _trust(self) -> float:
        """0 if the segments all sound like one emotion other than neutral, else 1."""
        if not self._guessed:
            return 1.0
        strongest = float(self._guesses.max() / self._guessed)
        return 1.0 - float(np.clip((strongest - ONE_SIDED[0]) / (ONE_SIDED[1] - ONE_SIDED[0]), 0.0, 1.0))
