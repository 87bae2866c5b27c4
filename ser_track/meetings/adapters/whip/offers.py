"""What WHIP's SDP needs beyond that of browsers: offers of FFmpeg, and fragments with candidates (RFC 8840)."""

import re
from dataclasses import dataclass
from typing import Final

from ser_track.errors import BadRequestError

_MAX_CANDIDATES: Final = 40
_BUNDLE: Final = re.compile(r"^a=group:BUNDLE\b(.*?)(\r?)$", re.MULTILINE)
_MID: Final = re.compile(r"^a=mid:(\S+)", re.MULTILINE)
_ICE_NAME: Final = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^a=candidate:(.+?)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment of SDP with what was found after the offer."""

    ice_name: str
    """The user name fragment that it is for; empty if it does not say."""
    candidates: tuple[str, ...]
    """Values of ``a=candidate``."""


def without_missing_sections(offer: str) -> str:
    """``offer`` without names in BUNDLE that no section has: without video, FFmpeg 8.0 names its section anyway."""
    there = _MID.findall(offer)

    def kept(line: "re.Match[str]") -> str:
        return f"a=group:BUNDLE {' '.join(mid for mid in line[1].split() if mid in there)}{line[2]}"

    return _BUNDLE.sub(kept, offer)


def ice_name(offer: str) -> str:
    """The ICE user name fragment of the first section."""
    found = _ICE_NAME.search(offer)
    return found[1] if found else ""


def is_of_ffmpeg(offer: str) -> bool:
    """Whether FFmpeg's muxer made it."""
    return "\no=FFmpeg " in offer


def read_fragment(text: str) -> Fragment:
    """The candidates in a body of `application/trickle-ice-sdpfrag`.

    Raises:
        BadRequestError: it is not such a fragment, or has too many candidates.
    """
    candidates = tuple(_CANDIDATE.findall(text))
    if not candidates and not re.search(r"^(m=|a=(ice-|mid:|end-of-candidates))", text, re.MULTILINE):
        raise BadRequestError("the body is not an SDP fragment; send a=ice-ufrag, a=ice-pwd, m=, a=mid and a=candidate")
    if len(candidates) > _MAX_CANDIDATES:
        raise BadRequestError(f"the fragment has {len(candidates)} candidates; send at most {_MAX_CANDIDATES} at once")
    return Fragment(ice_name(text), candidates)
