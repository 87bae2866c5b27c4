"""Reads offers: refuses those that cannot be heard, and completes those that aiortc would misunderstand.

aiortc ignores ports, and fails on sections of unknown kinds and on those without a transport of their own
(`a=bundle-only`). So it gets only the sections that can be used; its answer then gets the others back, rejected.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiortc.codecs import CODECS
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.sdp import MediaDescription, SessionDescription

from ser_track.errors import BadRequestError, brief

_MAX_SECTIONS: Final = 8
_MAX_CANDIDATES: Final = 100
"""Of all sections; an offer with more of them is refused. `candidates.py` says how many are used."""
_MAX_NAMES: Final = 40
"""Candidates that are names (mDNS): each is asked for in the local network."""
_SECTION: Final = re.compile(r"^(?=m=)", re.MULTILINE)
_BUNDLE: Final = re.compile(r"^a=group:BUNDLE\b.*\r?\n", re.MULTILINE)
_DIRECTION: Final = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\r?$", re.MULTILINE)
_TRANSPORT: Final = re.compile(r"^a=(?:ice-ufrag|ice-pwd|fingerprint|setup):.*\r?\n", re.MULTILINE)
_HEX_DIGITS: Final = {"sha-256": 64, "sha-384": 96, "sha-512": 128}
"""The digits of a fingerprint, by the algorithms that aiortc can verify."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer, as aiortc can take it."""

    text: str
    """The offer without the sections that are rejected."""
    rejected: Mapping[int, str]
    """The section of the answer for each section that is rejected, by its place."""

    def complete(self, answer: str) -> str:
        """aiortc's ``answer`` to `text` as one to the whole offer: rejected sections have port 0 (RFC 3264, 6)."""
        head, *sections = _SECTION.split(answer)
        for place in sorted(self.rejected):
            sections.insert(place, self.rejected[place])
        return "".join([head, *sections])


def check_offer(sdp: str) -> None:
    """Refuse an offer that brings no voice, before a connection is touched.

    Raises:
        BadRequestError: ``sdp`` cannot be used, or none of its audio sections can be heard.
    """
    described = _parsed(sdp)
    audio = [media for media in described.media if media.kind == "audio"]
    if not audio:
        kinds = ", ".join(media.kind for media in described.media) or "nothing"
        raise BadRequestError(
            f"the offer has no audio section (it has: {kinds}); add an audio transceiver, sendonly, "
            "with or without a track"
        )
    texts = _SECTION.split(sdp)
    reasons = [
        _deaf(media, texts[0], texts[place + 1]) for place, media in enumerate(described.media) if media.kind == "audio"
    ]
    if all(reasons):
        raise BadRequestError(f"the offer cannot be answered: its audio {reasons[0]}; send what createOffer() gives")
    read_offer(sdp)


def read_offer(sdp: str) -> Offer:
    """What aiortc gets of the offer ``sdp``, and how the rest is answered.

    Raises:
        BadRequestError: it is not valid SDP, or has no section that can be used.
    """
    described = _parsed(sdp)
    _check_bundle(described)
    head, *texts = _SECTION.split(sdp)
    rejected = {
        place: _rejection(texts[place])
        for place, media in enumerate(described.media)
        if _is_rejected(media, texts[place], described.media[:place])
    }
    kept = [place for place in range(len(texts)) if place not in rejected]
    if not kept:
        raise BadRequestError(
            "the offer cannot be answered: it has no section that can be used; send what createOffer() gives"
        )
    mids = [mid for mid in _bundled(described) if any(described.media[place].rtp.muxId == mid for place in kept)]
    tagged = next((texts[place] for place in kept if mids and described.media[place].rtp.muxId == mids[0]), "")
    sections = [_filled(texts[place], head, tagged) for place in kept]
    for place, media in zip(kept, _parsed("".join([head, *sections])).media, strict=True):
        if (reason := _unsafe(media)) is not None:
            raise BadRequestError(
                f"section {place + 1} of the offer ({media.kind}) {reason}; send what createOffer() gives"
            )
    group = f"a=group:BUNDLE {' '.join(mids)}\r\n" if mids else ""
    return Offer("".join([_BUNDLE.sub(lambda _: group, head), *sections]), rejected)


def _parsed(sdp: str) -> SessionDescription:
    try:
        if not sdp.startswith("v=0"):
            raise ValueError("it does not begin with v=0")
        described = SessionDescription.parse(sdp)
        if len(described.media) != len(_SECTION.split(sdp)) - 1:
            raise ValueError("its lines do not end in CR LF or LF")
    except Exception as error:  # the parser asserts, splits and converts: it can raise anything
        raise BadRequestError(f"the offer is not valid SDP ({brief(error)}); send what createOffer() gives") from error
    candidates = [each.ip for media in described.media for each in media.ice_candidates]
    named = sum(name.lower().rstrip(".").endswith(".local") for name in candidates)
    if len(described.media) > _MAX_SECTIONS or len(candidates) > _MAX_CANDIDATES or named > _MAX_NAMES:
        raise BadRequestError(
            f"the offer has over {_MAX_SECTIONS} sections, {_MAX_CANDIDATES} candidates or {_MAX_NAMES} of them with "
            "names; offer one audio, one data"
        )
    return described


def _check_bundle(described: SessionDescription) -> None:
    mids = [media.rtp.muxId for media in described.media if media.rtp.muxId]
    if len({*mids}) < len(mids):
        raise BadRequestError("two sections of the offer have the same mid; give each its own")
    groups = [group for group in described.group if group.semantic == "BUNDLE"]
    if len(groups) > 1:
        raise BadRequestError("the offer has several BUNDLE groups; put all sections into one")
    named = Counter(_bundled(described))
    if foreign := [mid for mid in named if mid not in mids]:
        raise BadRequestError(f"BUNDLE names the mid '{foreign[0][:40]}', which no section of the offer has; remove it")
    if twice := [mid for mid, times in named.items() if times > 1]:
        raise BadRequestError(f"BUNDLE names the mid '{twice[0][:40]}' twice; name it once")


def _bundled(described: SessionDescription) -> list[str]:
    return [str(mid) for group in described.group if group.semantic == "BUNDLE" for mid in group.items]


def _is_rejected(media: MediaDescription, text: str, before: list[MediaDescription]) -> bool:
    """Whether the section is answered with port 0: the offer gives it up itself, or aiortc cannot use it."""
    if media.port == 0 and not _is_bundle_only(text):
        return True
    if media.kind == "application":
        return "SCTP" not in media.profile or any(other.kind == "application" for other in before)
    return media.kind not in ("audio", "video") or not _has_known_codec(media)


def _is_bundle_only(text: str) -> bool:
    """Whether port 0 means that the section uses the transport of another one (RFC 8843, 6)."""
    return re.search(r"^a=bundle-only\r?$", text, re.MULTILINE) is not None


def _has_known_codec(media: MediaDescription) -> bool:
    return bool(find_common_codecs(CODECS[media.kind], media.rtp.codecs))


def _deaf(media: MediaDescription, head: str, text: str) -> str | None:
    """Why the audio section ``media`` brings no voice, if it does not."""
    if media.port == 0 and not _is_bundle_only(text):
        return "has port 0, which means that it is rejected"
    if (direction := _direction(head, text)) not in ("sendonly", "sendrecv"):
        return f"is {direction}, so that nothing is sent (it must be sendonly or sendrecv)"
    return None if _has_known_codec(media) else "has no codec that is known here, such as Opus"


def _direction(head: str, text: str) -> str:
    """The direction of a section: its own, or that of the whole offer, or sendrecv (RFC 8866, 6.7)."""
    found = _DIRECTION.search(text) or _DIRECTION.search(head)
    return "sendrecv" if found is None else found[1]


def _filled(text: str, head: str, tagged: str) -> str:
    """A section with what aiortc needs to find in it: its direction, and its transport if it is that of ``tagged``."""
    lines = text if text.endswith("\n") else f"{text}\r\n"
    if not lines.startswith("m=application") and not _DIRECTION.search(text):
        lines += f"a={_direction(head, text)}\r\n"
    return (
        lines if _TRANSPORT.search(text) or not _is_bundle_only(text) else lines + "".join(_TRANSPORT.findall(tagged))
    )


def _unsafe(media: MediaDescription) -> str | None:
    """Why a section can never be connected, if it cannot."""
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        return "has no ICE username fragment or password (a=ice-ufrag, a=ice-pwd)"
    if media.dtls is None:
        return "does not say who begins DTLS (a=setup)"
    if not any(_is_usable(each.algorithm, each.value) for each in media.dtls.fingerprints):
        return f"has no usable fingerprint (a=fingerprint with {', '.join(_HEX_DIGITS)})"
    return None


def _is_usable(algorithm: str, value: str) -> bool:
    digits = value.replace(":", "")
    return len(digits) == _HEX_DIGITS.get(algorithm.lower()) and re.fullmatch(r"[0-9A-Fa-f]+", digits) is not None


def _rejection(text: str) -> str:
    """The answer's section for a rejected one: the same kind, profile and formats, with port 0."""
    kind, _, profile, formats = text.splitlines()[0].split(" ", 3)
    mid = re.search(r"^a=mid:.*$", text, re.MULTILINE)
    lines = [f"{kind} 0 {profile} {formats}", "c=IN IP4 0.0.0.0", *([mid[0].rstrip()] if mid else []), "a=inactive", ""]
    return "\r\n".join(lines)
