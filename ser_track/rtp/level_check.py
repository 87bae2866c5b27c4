"""Checks whether the levels that a sender gives are those of its audio: some are made up, or belong to other audio."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.rtp.undecoded import PlacedPacket

_FIRST_EVERY: Final = SAMPLE_RATE_HZ
_MAX_EVERY: Final = 10 * SAMPLE_RATE_HZ
"""How often a packet is checked, of the time in which nothing is decoded: often at first, then more and more rarely."""
_RARER: Final = 1.1
_LARGE: Final = 1.1
"""A packet that is larger than usual by this factor says more, so a check waits for one, for half of its time."""
_OFF_DB: Final = 10.0
"""Rounding, the encoder and the channels' mix make up less than this."""
_INAUDIBLE_DB: Final = -60.0
_FIRST_DISTRUST_S: Final = 60.0
_MAX_DISTRUST_S: Final = 3600.0
_LONGER: Final = 4
_NEWEST: Final = 0.02
"""Share of the newest packet in the usual size."""
_TINY_BYTES: Final = 10
"""With a variable bit rate, a packet this small has no voice."""


class LevelCheck:
    """Says when one of the packets that are not decoded should be decoded after all, and what follows from it."""

    def __init__(self) -> None:
        self._every = self._left = float(_FIRST_EVERY)
        self._usual_bytes = 0.0
        self._distrust_s = _FIRST_DISTRUST_S

    def first_due(self, packets: Sequence[PlacedPacket]) -> int | None:
        """Take in packets that are not decoded, up to the first that is to be checked, and return its place."""
        left, usual, sure_from = self._left, self._usual_bytes, -self._every / 2
        found = None
        for place, packet in enumerate(packets):
            size = len(packet.payload)
            before, usual = usual, usual + (size - usual) * _NEWEST
            left -= packet.samples
            if left <= 0 and size > _TINY_BYTES and (size > _LARGE * before or left <= sure_from):
                found = place
                break
        self._left, self._usual_bytes = left, usual
        return found

    def distrust_s(self, level: int, samples: FloatArray) -> float:
        """Return for how long levels must not be believed: 0 unless ``samples`` are much louder than ``level``.

        ``level`` is the loudest that the sender gives for them and for what is right before them, in -dBov.
        """
        self._every = min(_MAX_EVERY, self._every * _RARER)
        self._left = self._every
        power = float(np.dot(samples, samples)) / max(1, len(samples))
        decoded_db = 10 * np.log10(power + 1e-13)
        if decoded_db < max(_INAUDIBLE_DB, _OFF_DB - level):
            return 0.0
        distrust_s = self._distrust_s
        self._distrust_s = min(_MAX_DISTRUST_S, distrust_s * _LONGER)
        return distrust_s
