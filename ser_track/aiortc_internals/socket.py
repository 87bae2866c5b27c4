"""Takes the packets of a peer connection at its socket, once it is connected, in place of aioice and aiortc.

What aiortc does with each packet on the event loop (a wake-up, four queues and tasks, a parser, statistics) costs
several times what is needed; here the thread that ticks reads all that came since its last tick. Everything that is no
Opus in RTP (STUN, DTLS, RTCP, other codecs), and the first packet of each source, is handed on to aiortc as it came;
so is all that arrives from another address. Receiver reports stay aiortc's, over packets that are counted here.

The private names are all in this module; `tests/aiortc_internals/test_socket.py` fails, with the name of what
moved, when a release changes under us. Then, or where the system has no such sockets, `packets.py` does the work alone.
"""

import asyncio
import logging
import socket
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from aioice.ice import Connection, StunProtocol
from aiortc import RTCRtpReceiver
from aiortc.rtcrtpreceiver import StreamStatistics
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from ser_track.aiortc_internals import udp_batches
from ser_track.aiortc_internals.receiver_stats import ReceiverStats
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival, Header, read_header, read_packet

log = logging.getLogger(__name__)
_CODECS: Final = "_RTCRtpReceiver__codecs"
_STATISTICS: Final = "_RTCRtpReceiver__remote_streams"
_SESSION: Final = "_rx_srtp"
_ICE: Final = "_connection"
_PAIRS: Final = "_nominated"
_RTP_COMPONENT: Final = 1
_MAX_SOURCES: Final = 64
"""SSRCs of one connection: each is remembered by SRTP, by aiortc and here."""
_MAX_WAITING: Final = 64
_AT_ONCE: Final = 8


def missing_parts(receiver: RTCRtpReceiver) -> list[str]:
    """What of aiortc, aioice and pylibsrtp is not where this module needs it, of a connected receiver."""
    dtls = receiver.transport
    ice = getattr(dtls.transport, _ICE, None)
    pair = getattr(ice, _PAIRS, {}).get(_RTP_COMPONENT)
    wanted = (
        (_CODECS, receiver, dict),
        (_STATISTICS, receiver, dict),
        (_SESSION, dtls, (Session, _SharedSession)),
        (_ICE, dtls.transport, Connection),
        (_PAIRS, ice, dict),
        ("protocol", pair, StunProtocol),
        ("remote_addr", pair, tuple),
    )
    return [name for name, holder, kind in wanted if not isinstance(getattr(holder, name, None), kind)]


def take_socket(receiver: RTCRtpReceiver, level_id: int | None) -> "MediaSocket | None":
    """The socket of a connected ``receiver``, on the event loop's thread; None if it is better left to aiortc.

    ``level_id`` is the number of the audio level in this connection's RTP headers, if it has one.
    """
    if not udp_batches.available():
        return None
    if missing := missing_parts(receiver):
        log.warning("aiortc has no %s any more: its own way of receiving is used, which costs more", ", ".join(missing))
        return None
    dtls = receiver.transport
    pair = getattr(dtls.transport, _ICE)._nominated[_RTP_COMPONENT]
    first = pair.protocol.transport.get_extra_info("socket")
    if first is None:  # through a TURN server: what comes is wrapped, and aioice unwraps it
        return None
    try:
        own = udp_batches.second_socket(first, pair.remote_addr)
    except OSError as error:
        log.warning("a connection's socket cannot be shared (%s): aiortc receives, which costs more", error)
        return None
    session = _SharedSession(getattr(dtls, _SESSION))
    setattr(dtls, _SESSION, session)
    known = getattr(receiver, _CODECS), getattr(receiver, _STATISTICS)
    return MediaSocket(
        own, session, level_id, _Aiortc(asyncio.get_running_loop(), pair.protocol, pair.remote_addr, *known)
    )


class MediaSocket:
    """One participant's connection, for the thread that ticks."""

    def __init__(self, own: socket.socket, session: "_SharedSession", level_id: int | None, rest: "_Aiortc") -> None:
        self._heard_as: tuple[StreamKey, float] | None = None
        self.packets = 0
        """Opus packets so far."""
        self._socket = own
        self._session = session
        self._level_id = level_id
        self._rest = rest
        self._counted: dict[tuple[int, int], ReceiverStats] = {}
        self._sources: set[int] = set()

    @property
    def key(self) -> StreamKey | None:
        """Whose audio this is."""
        return None if self._heard_as is None else self._heard_as[0]

    def hear_as(self, key: StreamKey | None, since: float) -> None:
        """Whose audio it is that comes after ``since`` (monotonic seconds); None: nobody's, thrown away unheard."""
        self._heard_as = None if key is None else (key, since)

    def fileno(self) -> int:
        """Of the socket, to be read with a `DatagramReader`; below zero once it is closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Leave: what comes from now on reaches aiortc as ever."""
        self._socket.close()

    def take(self, datagrams: Iterable[tuple[bytes, float]], clock_offset_s: float) -> list[Arrival]:
        """The Opus packets among ``datagrams``, which came at these times; the rest goes to aiortc."""
        arrivals, rest = [], []
        for datagram, now in datagrams:
            header = read_header(datagram)
            counted = None if header is None else self._source_of(header)
            if header is None or counted is None:
                if header is None or not self._one_too_many(header):
                    rest.append(datagram)
                continue
            try:
                packet = self._session.unprotect(datagram)
            except (SrtpError, ValueError):  # forged, sent twice, or too long
                continue
            counted.count(header.sequence, header.timestamp, now - clock_offset_s)
            arrivals.append(read_packet(header, packet, self._level_id, now))
        if rest:
            self._rest.pass_on(rest)
        self.packets += len(arrivals)
        if self._heard_as is None:
            return []
        _, since = self._heard_as
        # What waited in the socket while they had not agreed yet is not theirs to be heard.
        return [arrival for arrival in arrivals if arrival.now >= since]

    def _source_of(self, header: Header) -> ReceiverStats | None:
        """Statistics of the source of an Opus packet, if aiortc has accepted it; None of all else."""
        source = header.ssrc, header.payload_type & 127
        counted = self._counted.get(source)
        if counted is None and (counted := self._rest.accepted(*source)) is not None:
            self._counted[source] = counted
        return counted

    def _one_too_many(self, header: Header) -> bool:
        """Whether a packet is of yet another source, after so many that no voice has."""
        self._sources.add(header.ssrc)
        if len(self._sources) <= _MAX_SOURCES:
            return False
        self._sources.discard(header.ssrc)
        return True


class _Aiortc:
    """What stays on the event loop's thread, reached from the tick's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: StunProtocol,
        remote: tuple[str, int],
        codecs: dict[int, Any],
        statistics: dict[int, StreamStatistics],
    ) -> None:
        self._loop = loop
        self._protocol = protocol
        self._remote = remote
        self._codecs = codecs
        self._statistics = statistics
        self._waiting: deque[bytes] = deque()

    def pass_on(self, datagrams: list[bytes]) -> None:
        """Let aioice have datagrams as if they had come from its own socket, which would not hold more either."""
        room = _MAX_WAITING - len(self._waiting)
        if room > 0 and not self._loop.is_closed():
            self._waiting.extend(datagrams[:room])
            self._loop.call_soon_threadsafe(self._receive)

    def _receive(self) -> None:
        """A few, then others have their turn."""
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            try:
                self._protocol.datagram_received(self._waiting.popleft(), self._remote)
            except Exception:  # a datagram that aioice cannot take, as from its own socket
                log.debug("a datagram was not understood", exc_info=True)
        if self._waiting:
            self._loop.call_soon(self._receive)

    def accepted(self, ssrc: int, payload_type: int) -> ReceiverStats | None:
        """Statistics of an Opus source that aiortc has routed to this receiver: its own, and counted in here too."""
        codec, known = self._codecs.get(payload_type), self._statistics.get(ssrc)
        if known is None or codec is None or codec.name.lower() != "opus":
            return None
        if not isinstance(known, ReceiverStats):
            # The entry exists, so the dictionary keeps its size while aiortc walks through it.
            known = self._statistics[ssrc] = ReceiverStats(known)
        return known


class _SharedSession:
    """An SRTP session for two threads: aiortc's for RTCP and what comes from elsewhere, the tick's for the packets."""

    def __init__(self, session: Any) -> None:
        self._session: Session = session
        self._lock = threading.Lock()

    def unprotect(self, packet: bytes) -> bytes:
        """See `Session.unprotect`."""
        with self._lock:
            decrypted: bytes = self._session.unprotect(packet)
            return decrypted

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """See `Session.unprotect_rtcp`."""
        with self._lock:
            decrypted: bytes = self._session.unprotect_rtcp(packet)
            return decrypted
