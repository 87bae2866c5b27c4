"""What our answers ask for, and what they agree on, beside what aiortc writes into them."""

import re

from ser_track.chunk import SAMPLE_RATE_HZ

_OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r?\n", re.IGNORECASE | re.MULTILINE)
_SECTION = re.compile(r"^(?=m=)", re.MULTILINE)
_WISHES = {"useinbandfec": 1, "maxplaybackrate": SAMPLE_RATE_HZ, "maxaveragebitrate": 24_000}
"""The bit rate is what speech needs at that bandwidth; browsers would take 20 kbit/s of themselves."""
_AUDIO_LEVEL = re.compile(r"^a=extmap:(\d{1,5})(?:/\w+)? urn:ietf:params:rtp-hdrext:ssrc-audio-level\b", re.MULTILINE)

_MID = re.compile(r"^a=extmap:(\d{1,5})(?:/\w+)? urn:ietf:params:rtp-hdrext:sdes:mid\b", re.MULTILINE)


def ask_for_speech(sdp: str) -> str:
    """``sdp`` with what we want of Opus (RFC 7587, 6.1), which aiortc leaves out, unless it says something else.

    Forward error correction: once receiver reports show loss, senders repeat each packet in the next one. And no
    sound above 8 kHz, because models hear at 16 kHz: senders then need less bandwidth, and decoding half the time.
    """
    # Each section numbers its payload types anew.
    return "".join(_with_wishes(section) for section in _SECTION.split(sdp))


def _with_wishes(section: str) -> str:
    for payload_type in _OPUS.findall(section):
        parameters = re.search(rf"^a=fmtp:{payload_type} (.*?)\r?$", section, re.MULTILINE)
        if parameters is None:
            named = re.compile(rf"^(a=rtpmap:{payload_type} .*\n)", re.MULTILINE)
            wishes = ";".join(f"{name}={value}" for name, value in _WISHES.items())
            section = named.sub(rf"\g<1>a=fmtp:{payload_type} {wishes}\r\n", section, count=1)
        else:
            missing = [f";{name}={value}" for name, value in _WISHES.items() if name not in parameters[1]]
            end = parameters.end(1)
            section = f"{section[:end]}{''.join(missing)}{section[end:]}"
    return section


def audio_level_id(sdp: str) -> int | None:
    """Id of the audio level extension (RFC 6464) in RTP headers, if the description has it."""
    found = _AUDIO_LEVEL.search(sdp)
    return int(found[1]) if found else None


def mid_id(sdp: str) -> int | None:
    """Id of the MID extension (RFC 8843, 15) in RTP headers, if the description has it."""
    found = _MID.search(sdp)
    return int(found[1]) if found else None
