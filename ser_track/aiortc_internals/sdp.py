"""Session descriptions: which offers are refused, and what our answers ask for."""

import re

from aiortc.sdp import SessionDescription

from ser_track.errors import BadRequestError, brief

_MAX_SECTIONS = 8
_MAX_CANDIDATES = 100
_OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r?\n", re.IGNORECASE | re.MULTILINE)
_SECTION = re.compile(r"^(?=m=)", re.MULTILINE)
_AUDIO_LEVEL = re.compile(r"^a=extmap:(\d+)(?:/\w+)? urn:ietf:params:rtp-hdrext:ssrc-audio-level\b", re.MULTILINE)


def ask_for_correction(sdp: str) -> str:
    """``sdp`` with a request for Opus's in-band forward error correction (RFC 7587, 6.1), which aiortc leaves out.

    Once receiver reports show loss, senders then repeat each packet in the next one, at a lower bit rate.
    """
    # Each section numbers its payload types anew.
    return "".join(_with_correction(section) for section in _SECTION.split(sdp))


def _with_correction(section: str) -> str:
    for payload_type in _OPUS.findall(section):
        parameters = re.search(rf"^a=fmtp:{payload_type} (.*?)\r?$", section, re.MULTILINE)
        if parameters is None:
            named = re.compile(rf"^(a=rtpmap:{payload_type} .*\n)", re.MULTILINE)
            section = named.sub(rf"\g<1>a=fmtp:{payload_type} useinbandfec=1\r\n", section, count=1)
        elif "useinbandfec" not in parameters[1]:
            end = parameters.end(1)
            section = f"{section[:end]};useinbandfec=1{section[end:]}"
    return section


def audio_level_id(sdp: str) -> int | None:
    """Id of the audio level extension (RFC 6464) in RTP headers, if the description has it."""
    found = _AUDIO_LEVEL.search(sdp)
    return int(found[1]) if found else None


def check_offer(sdp: str) -> None:
    """Refuse an unusable offer before a connection is touched.

    Raises:
        BadRequestError: ``sdp`` cannot be parsed, or has no audio section.
    """
    try:
        if not sdp.startswith("v=0"):
            raise ValueError("it does not begin with v=0")
        sections = SessionDescription.parse(sdp).media
    except Exception as error:  # the parser asserts, splits and converts: it can raise anything
        raise BadRequestError(f"the offer is not valid SDP ({brief(error)}); send what createOffer() gives") from error
    kinds = [media.kind for media in sections]
    if len(kinds) > _MAX_SECTIONS or sum(len(media.ice_candidates) for media in sections) > _MAX_CANDIDATES:
        raise BadRequestError(
            f"the offer has over {_MAX_SECTIONS} sections or {_MAX_CANDIDATES} candidates; offer one audio, one data"
        )
    if "audio" not in kinds:
        raise BadRequestError(
            f"the offer has no audio section (it has: {', '.join(kinds) or 'nothing'}); add an audio transceiver, "
            "sendonly, with or without a track"
        )
