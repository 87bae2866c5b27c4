"""What people in meetings elsewhere read of us, and what we make of the names that they have there."""

import unicodedata
from typing import Final

from ser_track.events import Consent

_NO_TEXT: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")


def clean_name(name: str, longest: int) -> str:
    """A name from elsewhere as it may be shown: without control characters, not too long, never empty."""
    shown = "".join(" " if unicodedata.category(c) in _NO_TEXT else c for c in name[: 10 * longest])
    return " ".join(shown.split())[:longest] or "someone"


def notice_text(consent: Consent, url: str, recorded: bool) -> str:
    """What people in the meeting are told, with the link where they answer."""
    what = "A bot analyses which emotion is in each voice and shows it to everyone here; it often errs. "
    what += "It does not know what anybody feels. "
    what += "The voices of those who are analysed are recorded." if recorded else "Nothing is stored."
    if consent == "required":
        return f"{what} Nobody is analysed who has not agreed. To agree: {url}"
    return f"{what} To refuse, at any time: {url}"
