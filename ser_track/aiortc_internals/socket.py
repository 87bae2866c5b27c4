"""Reads the packets of a connected peer connection from its socket, in place of aioice and aiortc.

For each packet, aiortc does work on the event loop (a wake-up, four queues and tasks, a parser, statistics) that costs
several times what is needed. Here the tick thread reads everything that arrived since its last tick. Anything that is
not Opus in RTP (STUN, DTLS, RTCP, other codecs), and the first packet of each source, is passed on to aiortc unchanged.
So is everything that arrives from another address. aiortc still sends the receiver reports; packets are counted here.

This module holds all the private names that it needs. If a release changes one, `tests/aiortc_internals/test_socket.py`
fails and names it. Then, or where the system has no such sockets, `packets.py` does the work alone.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Final

from aioice.ice import Connection, StunProtocol
from aiortc import RTCRtpReceiver
from pylibsrtp import Session

from ser_track.aiortc_internals import udp_batches
from ser_track.aiortc_internals.aiortc_side import AiortcSide, Source
from ser_track.aiortc_internals.srtp import SharedSession
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival, Header, read_header, read_packet
from ser_track.rtp.red import unpack

log = logging.getLogger(__name__)
_CODECS: Final = "_RTCRtpReceiver__codecs"
_STATISTICS: Final = "_RTCRtpReceiver__remote_streams"
_SESSION: Final = "_rx_srtp"
_ICE: Final = "_connection"
_PAIRS: Final = "_nominated"
_RTP_COMPONENT: Final = 1
_MAX_SOURCES: Final = 64
"""The most SSRCs of one connection: SRTP, aiortc and this module remember each of them."""


def missing_parts(receiver: RTCRtpReceiver) -> list[str]:
    """The private names of aiortc, aioice and pylibsrtp that a connected receiver lacks; empty if all are there."""
    dtls = receiver.transport
    ice = getattr(dtls.transport, _ICE, None)
    pair = getattr(ice, _PAIRS, {}).get(_RTP_COMPONENT)
    wanted = (
        (_CODECS, receiver, dict),
        (_STATISTICS, receiver, dict),
        (_SESSION, dtls, (Session, SharedSession)),
        (_ICE, dtls.transport, Connection),
        (_PAIRS, ice, dict),
        ("protocol", pair, StunProtocol),
        ("remote_addr", pair, tuple),
    )
    return [name for name, holder, kind in wanted if not isinstance(getattr(holder, name, None), kind)]


def take_socket(
    receiver: RTCRtpReceiver, level_id: int | None, make: "MakeSocket | None" = None
) -> "MediaSocket | None":
    """The socket of a connected ``receiver``, on the event loop's thread; None if aiortc should keep it.

    ``level_id`` is the id of the audio level extension in this connection's RTP headers, if it has one. ``make`` makes
    another kind of `MediaSocket`.
    """
    if not udp_batches.available():
        return None
    if missing := missing_parts(receiver):
        log.warning("aiortc no longer has %s: aiortc itself receives, which costs more CPU time", ", ".join(missing))
        return None
    dtls = receiver.transport
    pair = getattr(dtls.transport, _ICE)._nominated[_RTP_COMPONENT]
    first = pair.protocol.transport.get_extra_info("socket")
    if first is None:  # through a TURN server: aioice must unwrap the packets
        return None
    try:
        own = udp_batches.second_socket(first, pair.remote_addr)
    except OSError as error:
        log.warning("a connection's socket cannot be shared (%s): aiortc receives, which costs more CPU time", error)
        return None
    session = SharedSession(getattr(dtls, _SESSION))
    setattr(dtls, _SESSION, session)
    known = getattr(receiver, _CODECS), getattr(receiver, _STATISTICS)
    return (make or MediaSocket)(
        own, session, level_id, AiortcSide(asyncio.get_running_loop(), pair.protocol, pair.remote_addr, *known)
    )


_Encrypted = tuple[Header, bytes, float]
_Run = tuple[Source, list[_Encrypted]]


class MediaSocket:
    """One participant's connection, read by the tick thread."""

    max_sources = _MAX_SOURCES

    def __init__(self, own: socket.socket, session: SharedSession, level_id: int | None, rest: AiortcSide) -> None:
        self._heard_as: tuple[StreamKey, float] | None = None
        self.packets = 0
        """Opus packets received so far."""
        self._socket = own
        self._session = session
        self._level_id = level_id
        self._rest = rest
        self._known: dict[tuple[int, int], Source] = {}
        self._sources: set[int] = set()

    @property
    def key(self) -> StreamKey | None:
        """The stream that this audio belongs to."""
        return None if self._heard_as is None else self._heard_as[0]

    def hear_as(self, key: StreamKey | None, since: float) -> None:
        """Assign audio that arrives after ``since`` (monotonic seconds) to ``key``; None: discard it unanalysed."""
        self._heard_as = None if key is None else (key, since)

    def is_of(self, streams: Container[StreamKey]) -> bool:
        """Whether the audio belongs to any of ``streams``."""
        return self.key in streams

    def take_by_stream(
        self, datagrams: Sequence[tuple[bytes, float]], clock_offset_s: float
    ) -> Iterable[tuple[StreamKey, list[Arrival]]]:
        """As `take`, with the stream that the packets belong to."""
        key, arrivals = self.key, self.take(datagrams, clock_offset_s) if datagrams else []
        return ((key, arrivals),) if key is not None and arrivals else ()

    @property
    def rest(self) -> AiortcSide:
        """Aiortc's side of the connection."""
        return self._rest

    def fileno(self) -> int:
        """The socket's file descriptor, for a `DatagramReader`; negative once the socket is closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop: later packets reach aiortc as usual."""
        self._socket.close()

    def take(self, datagrams: Iterable[tuple[bytes, float]], clock_offset_s: float) -> list[Arrival]:
        """The Opus packets among ``datagrams``, each with its time of arrival; `hand_over` gives aiortc the rest."""
        runs, rest = self._sorted(datagrams)
        if rest:
            self._rest.set_aside(rest)
        arrivals = list[Arrival]()
        for source, packets in runs:
            arrivals += self._decrypted(source, packets, clock_offset_s)
        self.packets += len(arrivals)
        if self._heard_as is None:
            return []
        _, since = self._heard_as
        # Packets that waited in the socket before they agreed must not be analysed.
        if arrivals and arrivals[0].now < since:
            return [arrival for arrival in arrivals if arrival.now >= since]
        return arrivals

    def _sorted(self, datagrams: Iterable[tuple[bytes, float]]) -> tuple[list[_Run], list[bytes]]:
        """Packets of sources that aiortc has accepted, in their order, and what is left for aiortc."""
        runs, rest, known = list[_Run](), list[bytes](), self._known
        latest: Source | None = None
        for datagram, now in datagrams:
            header = read_header(datagram)
            source = None if header is None else known.get((header[4], header[1] & 127)) or self._source_of(header)
            if header is None or source is None:
                if header is None or not self._one_too_many(header):
                    rest.append(datagram)
                continue
            if source is not latest:
                latest = source
                runs.append((source, []))
            runs[-1][1].append((header, datagram, now))
        return runs, rest

    def _decrypted(self, source: Source, packets: list[_Encrypted], clock_offset_s: float) -> list[Arrival]:
        decrypt, level_id = self._session.decrypt, self._level_id
        arrivals = list[Arrival]()
        with self._session.lock:
            for header, datagram, now in packets:
                if (packet := decrypt(datagram)) is not None:  # else it is forged, a duplicate, or too long
                    arrivals.append(read_packet(header, packet, level_id, now))
        source.counted.count_all(arrivals, clock_offset_s)
        if source.opus_inside is None:
            return arrivals
        return [each for arrival in arrivals for each in unpack(arrival, source.opus_inside)]

    def _source_of(self, header: Header) -> Source | None:
        """The source of an Opus packet, if aiortc has accepted that source; otherwise None."""
        key = header.ssrc, header.payload_type & 127
        if (source := self._rest.accepted(*key)) is not None:
            self._known[key] = source
        return source

    def _one_too_many(self, header: Header) -> bool:
        """Whether a packet comes from a new source although the connection has more sources than any client needs."""
        self._sources.add(header.ssrc)
        if len(self._sources) <= self.max_sources:
            return False
        self._sources.discard(header.ssrc)
        return True


MakeSocket = Callable[[socket.socket, SharedSession, int | None, AiortcSide], MediaSocket]
