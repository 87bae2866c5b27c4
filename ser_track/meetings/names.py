"""One rule for names in every meeting: what may be shown, and what would pass somebody off as another.

In our own rooms people can choose another name, so one that breaks the rule is refused. A name from another server
is marked. Look-alikes are marked everywhere: people can have nearly the same name.
"""
# ruff: noqa: RUF001  # letters that look alike are what this module is about

import re
import unicodedata
from collections.abc import Iterable
from itertools import count
from typing import Final

from ser_track.errors import BadRequestError

BOT_NAME: Final = "ser_track emotion analysis"
"""The bot's name on our own pages."""
_NOT_TEXT: Final = ("Cc", "Cs", "Zl", "Zp")
_FORMAT: Final = "Cf"
_JOINERS: Final = "\u200c\u200d"
"""Zero-width non-joiner and joiner: Persian names and many emoji need them. Other format characters hide or reorder."""
_TAGS: Final = range(0xE0020, 0xE0080)
"""Emoji tags: flags of regions need them."""
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Characters that count as letters or symbols but show nothing: the fillers of Hangul, the empty Braille pattern, …"""
_INVISIBLE_MARKS: Final = frozenset(
    map(chr, [0x034F, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)
"""Variation selectors and the like. They show nothing themselves, but emoji need some."""
_OF_PAGES: Final = re.compile(r"[(\[{<]\s*(you|me)\s*[)\]}>]", re.IGNORECASE)
"""What our pages put behind the name of the person who looks at them."""
_DIGITS: Final = str.maketrans("01I|", "olll")
_LETTERS: Final = {
    "a": "аαɑ", "b": "вβ", "c": "сϲ", "d": "ԁ", "e": "еε", "g": "ɡց", "h": "нһηհ", "i": "іιı", "j": "јϳ", "k": "кκ",
    "l": "ӏ", "m": "мμ", "n": "ոν", "o": "оοօ", "p": "рρ", "q": "ԛ", "s": "ѕ", "t": "тτ", "u": "υս", "v": "ѵ", "w": "ԝ",
    "x": "хχ", "y": "уγ", "z": "ζ",
}  # fmt: skip
_ALIKE: Final = str.maketrans({other: latin for latin, others in _LETTERS.items() for other in others})
"""Small letters of other alphabets that look like Latin ones, or whose capitals do."""


def check_name(what: str, name: str, max_length: int) -> None:
    """Return if ``name`` may be shown unchanged; ``what`` says what it names, for the message.

    Raises:
        BadRequestError: it is empty, invisible, too long, or contains a character that is not text.
    """
    if not 1 <= len(name.strip()) <= max_length:
        raise BadRequestError(f"the {what} must have 1 to {max_length} characters, not {len(name.strip())}")
    if wrong := next((c for c in name if not _is_text(c)), None):
        raise BadRequestError(f"the {what} contains the control character U+{ord(wrong):04X}; remove it")
    if not _is_visible(name):
        raise BadRequestError(f"the {what} contains nothing that can be seen; add a letter")


def check_person(name: str, max_length: int, bot: str) -> None:
    """Return if a person may be called ``name``, where ``bot`` is the configured name of the bot.

    Raises:
        BadRequestError: `check_name` refuses it, or it is the bot's name, or looks like what our pages add to names.
    """
    check_name("name", name, max_length)
    if _is_of_bot(name, bot):
        raise BadRequestError("the name is that of the analysis bot; choose another")
    if (found := _OF_PAGES.search(unicodedata.normalize("NFKC", name))) is not None:
        raise BadRequestError(f"the name contains '{found[0]}', which pages add to names themselves; remove it")


def clean_name(name: str, max_length: int, bot: str) -> str:
    """A name from another server, made safe to show; never empty.

    Characters that `check_name` refuses are replaced. What `check_person` refuses is marked.
    """
    shown = " ".join("".join(c if _is_text(c) else " " for c in name[: 10 * max_length]).split())
    if _OF_PAGES.search(unicodedata.normalize("NFKC", shown)) is not None:
        shown = _OF_PAGES.sub(r"\1", unicodedata.normalize("NFKC", shown))
    if not _is_visible(shown[:max_length]):
        return "someone"
    return _with_mark(shown, "not this bot", max_length) if _is_of_bot(shown, bot) else shown[:max_length]


def distinct_name(name: str, others: Iterable[str], max_length: int) -> str:
    """``name``, with a number if one of ``others`` looks like it but is spelled differently."""
    spelled = {*others}
    taken = {skeleton(other) for other in spelled}
    if name in spelled or skeleton(name) not in taken:
        return name
    numbered = (_with_mark(name, str(number), max_length) for number in count(2))
    return next(each for each in numbered if skeleton(each) not in taken)


def skeleton(name: str) -> str:
    """What a reader sees of ``name``: names with the same skeleton look alike. It is for comparing, not for showing."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", name) if c not in _INVISIBLE_MARKS)
    seen = "".join(" " if c in _BLANK else c for c in seen if unicodedata.category(c) != _FORMAT)
    return " ".join(seen.translate(_DIGITS).casefold().translate(_ALIKE).split())


def _with_mark(name: str, mark: str, max_length: int) -> str:
    suffix = f" ({mark})"
    return name[: max(1, max_length - len(suffix))].rstrip() + suffix


def _is_of_bot(name: str, bot: str) -> bool:
    letters = _letters(name)
    return letters in ("bot", "sertrack", _letters(bot)) or _letters(BOT_NAME) in letters


def _letters(name: str) -> str:
    return "".join(c for c in skeleton(name) if c.isalnum())


def _is_visible(name: str) -> bool:
    # Of the categories, C shows nothing, M only together with a letter, and Z is space.
    return any(c not in _BLANK and unicodedata.category(c)[0] not in "CMZ" for c in name)


def _is_text(c: str) -> bool:
    category = unicodedata.category(c)
    if category == _FORMAT:
        return c in _JOINERS or ord(c) in _TAGS
    return category not in _NOT_TEXT
