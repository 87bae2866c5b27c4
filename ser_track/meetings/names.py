"""One rule for names in every meeting: the allowed characters, and the maximum length."""

import unicodedata
from typing import Final

from ser_track.errors import BadRequestError

_NOT_TEXT: Final = ("Cc", "Cs", "Zl", "Zp")
_FORMAT: Final = "Cf"
_JOINERS: Final = "\u200c\u200d"
"""Zero-width non-joiner and joiner: Persian names and many emoji need them. Other format characters hide or reorder."""
_TAGS: Final = range(0xE0020, 0xE0080)
"""Emoji tags: flags of regions need them."""


def check_name(what: str, name: str, max_length: int) -> None:
    """Return if ``name`` may be shown unchanged; ``what`` says what it names, for the message.

    Raises:
        BadRequestError: it is empty, too long, or contains a character that is not text.
    """
    if not 1 <= len(name.strip()) <= max_length:
        raise BadRequestError(f"the {what} must have 1 to {max_length} characters, not {len(name.strip())}")
    if wrong := next((c for c in name if not _is_text(c)), None):
        raise BadRequestError(f"the {what} contains the control character U+{ord(wrong):04X}; remove it")


def clean_name(name: str, max_length: int) -> str:
    """A name from another server, made safe to show: characters that `check_name` refuses are replaced; never empty."""
    shown = "".join(c if _is_text(c) else " " for c in name[: 10 * max_length])
    return " ".join(shown.split())[:max_length] or "someone"


def _is_text(c: str) -> bool:
    category = unicodedata.category(c)
    if category == _FORMAT:
        return c in _JOINERS or ord(c) in _TAGS
    return category not in _NOT_TEXT
