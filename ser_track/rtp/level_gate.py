"""Decides from the audio levels in packets (RFC 6464) which of them may contain a voice, before any is decoded.

It has no clock: time is that of the packets, so a recording gives the same decisions as the call.
"""

from collections import deque
from typing import Final, NamedTuple

from ser_track.rtp.header import RTP_CLOCK_HZ, SILENT_LEVEL

_BLOCK: Final = RTP_CLOCK_HZ
"""The noise floor is measured anew after each second."""
_LOUD_SHARE: Final = 0.95
_FIRST: Final = 2 * RTP_CLOCK_HZ
"""A stream is heard for this long before its levels decide anything."""
_NOT_GIVEN_S: Final = 10.0
"""After a packet without a level, everything is heard for this long."""


class GateSettings(NamedTuple):
    """Levels are negative, in dBov. `bench.levels` measures what these numbers cost and miss."""

    remembered_s: int = 10
    """The noise floor is that of this time."""
    floor_share: float = 0.2
    """It is the level that this share of the time is not louder than."""
    margin_db: int = 6
    """Anything louder than the floor by this is sound."""
    surely_db: int = -45
    """Anything louder than this is sound whatever the floor is, unless it is steady."""
    never_db: int = -70
    """Anything quieter than this is not sound: no voice detector finds a voice in it."""
    steady_db: int = 8
    """Sound is steady if its loud and quiet parts are closer than this. In speech without pauses, they are not."""
    fall_db: int = 4
    """A packet that is quieter than the last one by more than this is not sound: clicks and keys fade so fast."""
    confirmed_s: float = 0.05
    """The gate opens when sound has lasted this long."""
    hold_s: float = 0.7
    """It closes this long after the last sound: half a second of silence ends a segment, and the detector lags."""


DEFAULT: Final = GateSettings()


class LevelGate:
    """Give it the level of each packet of one source, in order.

    It is open at first, and while levels are loud and never differ.
    """

    def __init__(self, settings: GateSettings = DEFAULT) -> None:
        self._settings = settings
        self._counts = [0] * (SILENT_LEVEL + 1)
        """How many packets of the remembered time had each level."""
        self._blocks: deque[bytearray] = deque()
        """The levels of each remembered second."""
        self._block, self._block_left = bytearray(), _BLOCK
        self._sound_at = self._surely = -settings.surely_db
        """The quietest level that is sound."""
        self._sound = 0
        """How long sound has lasted, at most until it is confirmed; it shrinks while there is none."""
        self._last = SILENT_LEVEL
        self._fall = settings.fall_db
        self._confirmed = round(settings.confirmed_s * RTP_CLOCK_HZ)
        self._hold = round(settings.hold_s * RTP_CLOCK_HZ)
        self._open_for = _FIRST

    def hears(self, level: int | None, length: int) -> bool:
        """Take in a packet's level (-dBov, 0 … 127) and length (48 kHz), and return whether the gate is open."""
        if level is None:
            self.open_for(_NOT_GIVEN_S)
            return True
        self._block.append(level)
        self._block_left -= length
        if level <= self._sound_at and level - self._last <= self._fall:
            self._sound += length
            if self._sound >= self._confirmed:
                self._sound = self._confirmed
                if self._open_for < self._hold:
                    self._open_for = self._hold
        elif self._sound > 0:
            self._sound -= length
        self._last = level
        if self._block_left <= 0:
            self._adapt()
        if self._open_for <= 0:
            return False
        self._open_for -= length
        return True

    def open_for(self, seconds: float) -> None:
        """Stay open for this long, whatever the levels are."""
        self._open_for = max(self._open_for, round(seconds * RTP_CLOCK_HZ))

    def pass_open(self, length: int) -> None:
        """Let so much time pass, in which the gate is open."""
        self._open_for -= length

    def _adapt(self) -> None:
        """Measure the noise floor of the remembered time."""
        counts, settings = self._counts, self._settings
        for level in self._block:
            counts[level] += 1
        self._blocks.append(self._block)
        if len(self._blocks) > settings.remembered_s:
            for level in self._blocks.popleft():
                counts[level] -= 1
        self._block, self._block_left = bytearray(), _BLOCK
        count = sum(map(len, self._blocks))
        if max(counts[: self._surely + 1]) == count:  # loud, and never different: nobody measured that
            self._sound_at = SILENT_LEVEL
            return
        floor, loud = self._percentile(settings.floor_share * count), self._percentile(_LOUD_SHARE * count)
        sound_db = floor + settings.margin_db
        if loud - floor >= settings.steady_db or len(self._blocks) < settings.remembered_s:
            sound_db = min(sound_db, settings.surely_db)
        self._sound_at = -max(sound_db, settings.never_db)

    def _percentile(self, n: float) -> int:
        """Return the level in dBov, negative, that ``n`` of the remembered packets are not louder than."""
        for level in range(SILENT_LEVEL, 0, -1):
            n -= self._counts[level]
            if n < 0:
                return -level
        return 0
