"""The colours and symbols of labels. Pages, report, plot and notebook all take them from here.

Symbols distinguish labels without colour; with more than eight labels, symbol and colour together do.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)


class Colour(NamedTuple):
    """A colour for each background, as ``#rrggbb``."""

    light: str
    dark: str
    print: str
    """Our own colours are from Okabe and Ito's palette: distinct with any kind of colour blindness."""


class Symbol(NamedTuple):
    """A mark that can be recognised without its colour."""

    path: str
    """SVG path in a box of 16 by 16, filled by the even-odd rule."""
    marker: str
    """The nearest matplotlib marker."""
    hatch: str
    """A matplotlib hatch: fills areas, on paper and on screen."""


SYMBOLS: Final[Mapping[str, Symbol]] = {
    "triangle": Symbol("M8 1.2 15.4 14.4H.6Z", "^", "////"),
    "burst": Symbol(
        "M8 .6 9.8 3.7 13.2 2.8 12.3 6.2 15.4 8 12.3 9.8 13.2 13.2 9.8 12.3 8 15.4 6.2 12.3 2.8 13.2 3.7 9.8 .6 8"
        " 3.7 6.2 2.8 2.8 6.2 3.7Z",
        "*",
        "....",
    ),
    "drop": Symbol("M8 .6C10.4 4 13.4 7.2 13.4 10.2a5.4 5.2 0 0 1-10.8 0C2.6 7.2 5.6 4 8 .6Z", "v", "----"),
    "bar": Symbol("M1.2 5.4h13.6v5.2H1.2Z", "s", ""),
    "plus": Symbol("M5.6 1.4h4.8v4.2h4.2v4.8h-4.2v4.2H5.6v-4.2H1.4V5.6h4.2Z", "P", "++++"),
    "diamond": Symbol("M8 .8 15.2 8 8 15.2.8 8Z", "D", "\\\\\\\\"),
    "hexagon": Symbol("M4.4 1.8h7.2L15.2 8l-3.6 6.2H4.4L.8 8Z", "h", "oo"),
    "cross": Symbol(
        "M3.2.8 8 5.6 12.8.8 15.2 3.2 10.4 8 15.2 12.8 12.8 15.2 8 10.4 3.2 15.2.8 12.8 5.6 8 .8 3.2Z", "X", "xxxx"
    ),
    "question": Symbol(
        "M4.4 5.4C4.4 2.9 6 1.4 8.1 1.4S11.8 2.9 11.8 5C11.8 7.6 9 7.8 9 10.2H7C7 6.9 9.7 6.7 9.7 5 9.7 4 9 3.4 8.1 3.4"
        "S6.5 4 6.5 5.4ZM6.9 12h2.2v2.4H6.9Z",
        "$?$",
        "||||",
    ),
    "hourglass": Symbol("M2.6 .8h10.8v2.8L9.4 8l4 4.4v2.8H2.6v-2.8L6.6 8l-4-4.4Z", "d", "//"),
}
"""Symbols by name, as models refer to them."""

_PALETTE: Final = (
    Colour("#c2361b", "#ff8a6b", "#D55E00"),
    Colour("#946200", "#f0bd4a", "#F0E442"),
    Colour("#2360c4", "#86b4ff", "#56B4E9"),
    Colour("#5a6878", "#b3bfcd", "#FFFFFF"),
    Colour("#0d7d4d", "#53d397", "#009E73"),
    Colour("#7b3fb5", "#c9a2f5", "#CC79A7"),
    Colour("#0b7285", "#5ccfe0", "#0072B2"),
    Colour("#7a4a1e", "#d9a679", "#E69F00"),
)
STATE_COLOURS: Final = {"unsure": ("#536073", "#a6b2c1"), "learning_voice": ("#8f3f6b", "#e3a5c6")}
STATE_SYMBOLS: Final = {"unsure": "question", "learning_voice": "hourglass"}
"""Looks of what is shown in place of a label; no label gets them unless a model asks for it."""
_SIGNS: Final = tuple(name for name in SYMBOLS if name not in STATE_SYMBOLS.values())
_OURS: Final = {"anger": 0, "happiness": 1, "sadness": 2, "neutral": 3, "disgust": 4, "fear": 5}
"""Fixed places in the palette: our emotions look the same in every set."""


def symbols_of(names: Sequence[str], given: Mapping[str, str]) -> dict[str, Symbol]:
    """Return each name's symbol: the ``given`` one, else an unused one while there are any.

    Raises:
        ValueError: a symbol is unknown, or given to two labels.
    """
    for name, sign in given.items():
        if sign not in SYMBOLS:
            raise ValueError(f"{sign!r} is not a symbol; give {name!r} one of {', '.join(SYMBOLS)}")
        if other := next((other for other in given if other != name and given[other] == sign), None):
            raise ValueError(f"{name!r} and {other!r} have the same symbol; give them different ones")
    ours = {name: _SIGNS[_OURS[name]] for name in names if name in _OURS}
    chosen = {name: sign for name, sign in ours.items() if sign not in given.values()} | dict(given)
    unused = [sign for sign in _SIGNS if sign not in chosen.values()]
    rest = [name for name in names if name not in chosen]
    again = (_SIGNS[(place + place // len(_SIGNS)) % len(_SIGNS)] for place in range(len(_SIGNS), 2**10))
    chosen |= dict(zip(rest, chain(unused, again), strict=False))
    return {name: SYMBOLS[chosen[name]] for name in names}


def colours_of(names: Sequence[str], given: Mapping[str, str | Sequence[str]]) -> dict[str, Colour]:
    """Return each name's colour: the ``given`` one (``#rrggbb``, or one per background), else one of the palette.

    Raises:
        ValueError: a colour does not have this form.
    """
    chosen = {name: _colour(name, value) for name, value in given.items()}
    chosen = {name: _PALETTE[_OURS[name]] for name in names if name in _OURS} | chosen
    unused = [colour for colour in _PALETTE if colour not in chosen.values()]
    rest = [name for name in names if name not in chosen]
    chosen |= dict(zip(rest, chain(unused, _PALETTE * len(names)), strict=False))
    return {name: chosen[name] for name in names}


def _colour(name: str, given: str | Sequence[str]) -> Colour:
    both = (given, given) if isinstance(given, str) else tuple(given)
    if len(both) != 2 or not all(isinstance(each, str) and _HEX.fullmatch(each) for each in both):
        remedy = "give '#rrggbb', or two of them, for light and dark backgrounds"
        raise ValueError(f"the colour of {name!r} is {given!r}; {remedy}")
    return Colour(both[0], both[1], both[0])
