"""Janus's .mjr: the RTP packets of one track of one participant, each with its arrival time.

The format was read from Janus 1.1's recorder: ``MJR00002``, a length of 16 bits and JSON about the track; then for each
packet ``MEET``, milliseconds since the first (32 bits), a length (16 bits) and the packet. All numbers big-endian.
"""

import json
import re
from collections.abc import Iterator
from struct import Struct
from typing import Any, BinaryIO, Final

from ser_track.errors import AudioError, brief
from ser_track.recordings.packets.payload_types import HEARD
from ser_track.rtp.header import read_header, read_packet
from ser_track.rtp.packet_reader import RecordedPacket

MAGIC: Final = b"MJR00002"
OLD_MAGICS: Final = (b"MJR00001", b"MEETECHO")
"""The format until August 2019 (janus-gateway, pull request 1719), without arrival times."""
_FRAME: Final = Struct("!4sIH")
_AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_US: Final = 1e-6
_LATEST_US: Final = 1 << 60
_MAX_CODEC: Final = 40
_MAX_DIGITS: Final = 3
"""Of the number of a header extension, 1 to 255 (RFC 8285)."""
_VIDEOROOM: Final = re.compile(r"videoroom-.+-user-(.+)-\d+-audio(-\d+)?")
"""The VideoRoom's file names: only they contain the publisher's id."""


class Mjr:
    """One participant's packets."""

    def __init__(self, file: BinaryIO, stem: str) -> None:
        """Read the header of ``file``; ``stem`` is its name without folder and suffix, used for the participant's name.

        Raises:
            AudioError: it is not a recording of audio that can be decoded.
        """
        self.problems: list[str] = []
        self.keyed: set[str] = set()
        self._file = file
        named = _VIDEOROOM.fullmatch(stem)
        self._name = f"user-{named[1]}" if named else stem
        about = _about(file)
        self._begun_s = about["u"] * _US
        self._codec = about["c"]
        self._red_type = about.get("or")
        extensions = about.get("x")
        numbers = extensions if isinstance(extensions, dict) else {}
        self._level_id = next((int(n) for n, uri in numbers.items() if uri == _AUDIO_LEVEL and _is_number(n)), None)
        self._first_frame = file.tell()

    def packets(self) -> Iterator[RecordedPacket]:
        """See `PacketReader.packets`."""
        self.problems = []
        self._file.seek(self._first_frame)
        while head := self._file.read(_FRAME.size):
            if len(head) == _FRAME.size and head[:4] != b"MEET":
                self.problems = [f"is damaged at byte {self._file.tell() - len(head)}, and was read up to there"]
                return
            _, after_ms, length = _FRAME.unpack(head.ljust(_FRAME.size, b"\0"))
            packet = self._file.read(length)
            if len(head) < _FRAME.size or len(packet) < length:
                self.problems = ["is cut off in the middle of a packet"]
                return
            if (header := read_header(packet)) is not None:
                arrival = read_packet(header, packet, self._level_id, self._begun_s + after_ms / 1000)
                kind = header.payload_type & 127
                codec = "red" if kind == self._red_type else self._codec
                yield RecordedPacket("", self._name, kind, arrival, codec)


def _about(file: BinaryIO) -> dict[str, Any]:
    file.seek(len(MAGIC))
    text = file.read(int.from_bytes(file.read(2)))
    try:
        about: dict[str, Any] = json.loads(text)
        kind, codec = about["t"], about["c"]
        if not isinstance(about["u"], int) or not 0 <= about["u"] < _LATEST_US:
            raise ValueError("'u' is not a time")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise AudioError(f"has a damaged .mjr header ({brief(error)}); copy it again") from error
    if kind != "a":
        raise AudioError("has no audio: Janus records each track in its own file; give the file of the audio track")
    if str(codec) not in HEARD:
        known = "only Opus, G.711 and G.722 can be decoded"
        raise AudioError(f"has audio as {str(codec)[:_MAX_CODEC]}, but {known}; convert it with janus-pp-rec")
    if about.get("e"):
        raise AudioError("is end-to-end encrypted; only the participants have the keys")
    return about


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MAX_DIGITS
