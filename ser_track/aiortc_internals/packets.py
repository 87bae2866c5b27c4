"""Takes a remote track's Opus packets from aiortc before its jitter buffer and its decoder, which lose audio and time.

aiortc has no public way to encoded packets. Each receiver checks and counts its packets (its receiver reports stay
right) and hands them to its own jitter buffer. This module replaces that buffer, and holds all the private names that
this takes. If one is missing, nothing is replaced: decoded frames come from ``track.recv()`` as usual, and a log line
says so. If an aiortc release changes one, `tests/aiortc_internals/test_packets.py` fails and names it.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from ser_track.aiortc_internals.red import is_opus, opus_inside
from ser_track.rtp.header import Arrival
from ser_track.rtp.red import unpack

log = logging.getLogger(__name__)
_BUFFER: Final = "_RTCRtpReceiver__jitter_buffer"
_CODECS: Final = "_RTCRtpReceiver__codecs"
_STATISTICS: Final = "_RTCRtpReceiver__remote_streams"
_MAX_REPORTED: Final = 16
_SILENT_SAMPLE: Final = {"pcmu": b"\xff", "pcma": b"\xd5", "g722": b"\xfa"}
PushPacket = Callable[[Arrival], None]
"""Takes one packet with Opus; must not block."""
Learn = Callable[[int, str | None], None]
"""Takes the SSRC and the MID of a packet, just before the packet itself; must not block."""


def missing_parts(receiver: RTCRtpReceiver) -> list[str]:
    """The private names of aiortc that this module needs and cannot find; empty if all are there."""
    wanted = ((_BUFFER, JitterBuffer), (_CODECS, dict), (_STATISTICS, dict))
    return [name for name, kind in wanted if not isinstance(getattr(receiver, name, None), kind)]


def take_packets(receiver: RTCRtpReceiver, push: PushPacket, learn: Learn | None = None) -> bool:
    """Give ``push`` the Opus packets of ``receiver``, in RED too; false if this aiortc does not allow it.

    Packets of any other codec are decoded by aiortc, and their frames come from the track. ``learn`` gets the MID of
    each packet, for connections with several tracks.
    """
    if missing := missing_parts(receiver):
        log.warning("this aiortc has no %s: its own decoder is used, with gaps under loss", ", ".join(missing))
        return False
    setattr(receiver, _STATISTICS, _Latest(getattr(receiver, _STATISTICS)))
    setattr(receiver, _BUFFER, _Diversion(getattr(receiver, _BUFFER), getattr(receiver, _CODECS), push, learn))
    return True


class _Latest(dict[int, Any]):
    """Statistics of the latest sources: a receiver report has room for 31 (RFC 3550, 6.4.2); aiortc's fails at 256."""

    def __setitem__(self, ssrc: int, statistics: Any) -> None:
        """Drop the oldest entry when a new one needs room."""
        if ssrc not in self and len(self) >= _MAX_REPORTED:
            del self[next(iter(self))]
        super().__setitem__(ssrc, statistics)


class _Diversion:
    """Replaces the receiver's jitter buffer, and never has a frame ready."""

    def __init__(self, original: JitterBuffer, codecs: dict[int, Any], push: PushPacket, learn: Learn | None) -> None:
        self._original = original
        self._codecs = codecs
        self._push = push
        self._learn = learn

    def add(self, packet: RtpPacket) -> Any:
        """aiortc calls this with each packet; it expects the pair "ask for a key frame?", "a complete frame"."""
        kind, now = packet.payload_type, time.monotonic()
        level = _level(packet)
        if self._learn is not None:
            self._learn(packet.ssrc, packet.extensions.mid)
        arrival = Arrival(packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload, now, level)
        if is_opus(self._codecs, kind):
            self._push(arrival)
        elif (audio_type := opus_inside(self._codecs, kind)) is not None:
            for each in unpack(arrival, audio_type):
                self._push(each)
        else:
            return self._original.add(_with_sound(packet, self._codecs[kind].name.lower()))
        return False, None


def _level(packet: RtpPacket) -> int | None:
    """The level in the header; aiortc gives a pair of it, "voice?" and the level, where it was negotiated."""
    given = packet.extensions.audio_level
    return None if given is None else int(given[1])


def _with_sound(packet: Any, codec: str) -> RtpPacket:
    """``packet`` with at least one sample: FFmpeg takes a packet without for the end, and refuses all later ones."""
    if not packet._data:
        packet._data = _SILENT_SAMPLE.get(codec, b"")
    return packet  # type: ignore[no-any-return]  # `Any`, because aiortc adds the field to it later
