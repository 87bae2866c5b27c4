"""What RTP's payload types mean: the static ones by RFC 3551, all others by what their packets look like."""

from typing import Final, Literal

Content = Literal["opus", "red", "pcmu", "pcma", "g722", "nothing heard", "video", "other"]
"""``nothing heard``: comfort noise (RFC 3389) and a telephone's keys (RFC 4733), which count for the order only."""

HEARD: Final[dict[str, Content]] = {"opus": "opus", "red": "red", "pcmu": "pcmu", "pcma": "pcma", "g722": "g722"}
"""What can be decoded, by the name that a file gives it."""
TELEPHONE: Final[dict[int, Content]] = {0: "pcmu", 8: "pcma", 9: "g722"}
COMFORT_NOISE: Final = (13, 19)
_AUDIO: Final = {
    0: "PCMU", 3: "GSM", 4: "G.723", 5: "DVI4", 6: "DVI4", 7: "LPC", 8: "PCMA", 9: "G.722", 10: "L16", 11: "L16",
    12: "QCELP", 14: "MPEG audio", 15: "G.728", 16: "DVI4", 17: "DVI4", 18: "G.729",
}  # fmt: skip
_VIDEO: Final = (25, 26, 28, 31, 32, 33, 34)
_DYNAMIC: Final = (*range(35, 64), *range(96, 128))
"""The dynamic payload types, and those that WebRTC uses since it has too few of them (RED is 63 in Chromium)."""


def is_dynamic(payload_type: int) -> bool:
    """Whether the number means nothing by itself."""
    return payload_type in _DYNAMIC


def is_audio(payload_type: int) -> bool:
    """Whether the number stands for a codec of audio by itself."""
    return payload_type in _AUDIO


def is_video(payload_type: int) -> bool:
    """Whether the number stands for video by itself."""
    return payload_type in _VIDEO


def described(payload_type: int) -> str:
    """The number, with the codec's name if that is known."""
    name = _AUDIO.get(payload_type)
    return f"payload type {payload_type} ({name})" if name else f"payload type {payload_type}"
