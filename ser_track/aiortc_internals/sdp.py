"""What our answers ask for, and what they agree on, beside what aiortc writes into them."""

import re

_OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r?\n", re.IGNORECASE | re.MULTILINE)
_SECTION = re.compile(r"^(?=m=)", re.MULTILINE)
_AUDIO_LEVEL = re.compile(r"^a=extmap:(\d{1,5})(?:/\w+)? urn:ietf:params:rtp-hdrext:ssrc-audio-level\b", re.MULTILINE)


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
