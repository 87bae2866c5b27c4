"""Where the frames of a track lie in time: counted samples, moved only where the timestamps really jump."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_TOLERANCE_S: Final = Fraction(5, 1000)
"""Timestamps that are off by less than this are rounding in the container."""
_LASTING_S: Final = 1
_LASTING_FRAMES: Final = 16
_MAX_LASTING_S: Final = 10
"""An offset is real if all timestamps of the next second have it: of more than a second if frames are long."""
_CLEAR_S: Final = Fraction(1, 10)
"""At the end of a track fewer timestamps follow: if earlier ones wobbled, only an offset of this much is believed."""
_RESTART_S: Final = 1
"""A timestamp that falls back by more than this begins a new clock."""


@dataclass(frozen=True, slots=True)
class _Frame(Generic[Item]):
    item: Item
    counted_s: Fraction
    """When it begins if nothing was lost since the first frame."""
    offset_s: Fraction
    """How much later its timestamp is."""


class SteadyClock(Generic[Item]):
    """Gives each frame of a track its time.

    Recorders write timestamps that wobble around sound without a gap: the ticks of a timer, the moment at which a
    program was woken up. So samples are counted. A frame whose timestamp differs waits until those of the next second
    tell what happened. If one of them agrees with the count, or lies on its other side, it was wobble. If all
    differ, it is a gap (or an overlap), as large as the smallest difference among them. Frames that agree never wait.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Frame[Item]] = deque()
        self._counted_s = Fraction(0)
        self._shift_s: Fraction | None = None
        """How much later than counted the frames are at present."""
        self._wobbles = False

    def put(self, item: Item, begin_s: Fraction | None, duration_s: Fraction) -> Iterator[tuple[Item, Fraction]]:
        """Take the next frame; yield each frame that is decided, in order, with the time at which it begins.

        begin_s: its timestamp; ``None`` if it follows the frame before it.
        """
        shift_s = self._shift_s or Fraction(0)
        offset_s = shift_s if begin_s is None else begin_s - self._counted_s
        if self._shift_s is None:
            self._shift_s = offset_s
        self._waiting.append(_Frame(item, self._counted_s, offset_s))
        self._counted_s += duration_s
        yield from self._decided(ended=False)

    def skip(self, duration_s: Fraction) -> None:
        """Leave a gap: a frame of this duration was damaged, and the timestamps do not tell."""
        self._counted_s += duration_s

    def flush(self) -> Iterator[tuple[Item, Fraction]]:
        """Yield the frames that still wait: no more will come."""
        yield from self._decided(ended=True)

    def _decided(self, ended: bool) -> Iterator[tuple[Item, Fraction]]:
        while self._waiting:
            head, shift_s = self._waiting[0], self._shift_s or Fraction(0)
            if abs(head.offset_s - shift_s) > _TOLERANCE_S:
                certain = self._long_enough(head)
                if not certain and not ended:
                    return
                if certain or not self._wobbles or abs(head.offset_s - shift_s) > _CLEAR_S:
                    self._shift_s = self._followed(head.offset_s, shift_s)
                    self._wobbles |= self._shift_s == shift_s
            self._waiting.popleft()
            yield head.item, head.counted_s + (self._shift_s or Fraction(0))

    def _long_enough(self, head: _Frame[Item]) -> bool:
        waited_s = self._counted_s - head.counted_s
        return waited_s >= _MAX_LASTING_S or (waited_s >= _LASTING_S and len(self._waiting) >= _LASTING_FRAMES)

    def _followed(self, offset_s: Fraction, shift_s: Fraction) -> Fraction:
        """Return the shift from the first waiting frame on, whose timestamp is ``offset_s`` later than counted."""
        sign = 1 if offset_s > shift_s else -1
        least = sign * (offset_s - shift_s)
        for each in self._waiting:
            least = min(least, sign * (each.offset_s - shift_s))
            if least <= _TOLERANCE_S:
                return shift_s
        restarted = offset_s < shift_s - _RESTART_S
        return offset_s if restarted else shift_s + sign * least
