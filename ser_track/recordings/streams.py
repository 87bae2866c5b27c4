"""What a container says of its audio streams, and where FFmpeg's word is not enough."""

from collections.abc import Sequence
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

_UNTIMED: Final = ("aac", "ac3", "dts", "eac3", "loas", "mlp", "mp3", "truehd")
_SILENT_TYPES: Final = {"amrnb": range(8, 16), "amrwb": range(9, 16)}
"""AMR's frame types without speech (RFC 4867, 4.3.2): comfort noise and "no data" in pauses (DTX)."""
_MAX_AMR_BYTES: Final = 64


def name_of(stream: AudioStream, number: int) -> str:
    """Return the track's title; its language is not a person."""
    return stream.metadata.get("title", "").strip() or f"track-{number}"


def language_remark(streams: Sequence[AudioStream]) -> str | None:
    """Say that tracks may be the same conversation dubbed; continues a sentence after the file's name."""
    languages = [stream.language for stream in streams if stream.language not in (None, "und")]
    if len(set(languages)) < 2:
        return None
    named = ", ".join(map(str, languages))
    return f"has tracks in several languages ({named}); if they are translations, the same people are in each"


def has_timestamps(container: InputContainer) -> bool:
    """Whether the timestamps are the recorder's.

    If not, FFmpeg derives them from the rate of the first frame, and they are wrong where the rate changes.
    """
    return container.format.name not in _UNTIMED


def stands_for_a_pause(packet: "av.Packet[Stream]") -> bool:
    """Whether ``packet`` says that nobody speaks. FFmpeg's decoders of AMR take such packets for damage."""
    types = _SILENT_TYPES.get(packet.stream.codec_context.name) if packet.stream.type == "audio" else None
    if types is None or not 0 < packet.size <= _MAX_AMR_BYTES:
        return False
    return bytes(packet)[0] >> 3 & 15 in types
