"""Damages inputs: hypothesis draws the edits, so that what fails is shrunk to the fewest edits that fail."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from hypothesis import strategies as st

MAX_BYTES: Final = 1 << 16
_MAX_EDITS: Final = 6
_WIDTHS: Final = (1, 2, 4, 8)
_DIGITS: Final = re.compile(rb"-?\d+(?:\.\d+)?")
_NUMBERS: Final = (
    b"0",
    b"-1",
    b"1e999",
    b"1e-999",
    b"NaN",
    b"4294967296",
    b"9" * 400,
    b"9" * 5000,
    b"0x10",
    b"1_0",
    b"",
)

Edit = Callable[[st.DrawFn, bytearray, int], None]
"""Changes the data at a place."""


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """One of ``seeds`` with a few edits; ``words`` are pieces that mean something to the parser."""
    data = bytearray(draw(st.sampled_from(seeds)))
    edits: list[Edit] = [*_EDITS, *([partial(_word, words)] if words else [])]
    for _ in range(draw(st.integers(1, _MAX_EDITS))):
        edit = draw(st.sampled_from(edits))
        edit(draw, data, draw(st.integers(0, len(data))))
    return bytes(data[:MAX_BYTES])


def _overwrite(draw: st.DrawFn, data: bytearray, at: int) -> None:
    piece = draw(st.binary(min_size=1, max_size=8))
    data[at : at + len(piece)] = piece


def _insert(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at:at] = draw(st.binary(min_size=1, max_size=16))


def _delete(draw: st.DrawFn, data: bytearray, at: int) -> None:
    del data[at : at + draw(st.integers(1, 64))]


def _repeat(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at:at] = data[at : at + draw(st.integers(1, 64))] * draw(st.sampled_from((1, 2, 30, 1000)))


def _number(draw: st.DrawFn, data: bytearray, at: int) -> None:
    """A length, a count or a time at its limits, in either byte order."""
    width = draw(st.sampled_from(_WIDTHS))
    top = 1 << 8 * width
    value = draw(st.sampled_from((0, 1, 2, top // 2 - 1, top // 2, top // 2 + 1, top - 2, top - 1)))
    data[at : at + width] = value.to_bytes(width, draw(st.sampled_from(("big", "little"))))


def _digits(draw: st.DrawFn, data: bytearray, at: int) -> None:
    """A number that is written in digits."""
    if found := _DIGITS.search(data, at):
        data[found.start() : found.end()] = draw(st.sampled_from(_NUMBERS))


def _cut(draw: st.DrawFn, data: bytearray, at: int) -> None:
    del data[at:]


def _word(words: Sequence[bytes], draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at:at] = draw(st.sampled_from(words))


_EDITS: Final[tuple[Edit, ...]] = (_overwrite, _insert, _delete, _repeat, _number, _digits, _cut)
