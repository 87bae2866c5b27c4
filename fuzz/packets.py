"""What arrives from the network in datagrams: RTP on its way to the decoder, and what is handed on to aioice."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from aioice.candidate import Candidate
from aioice.ice import Connection, StunProtocol
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from pylibsrtp import Policy, Session

from ser_track.aiortc_internals.aiortc_side import MAX_WAITING, AiortcSide
from ser_track.aiortc_internals.aiortc_side import hand_over as hand_to_aiortc
from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.aiortc_internals.srtp import SharedSession
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival, read_header, read_packet
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.red import RedUnpacker, read_red, unpack
from tests.helpers.packets import SSRC

KEY: Final = bytes(range(30))
"""Of the SRTP sessions at both ends; no secret, but what the seeds were made with."""
USERNAME, PASSWORD = "user", "a22LetterPasswordOfOurs"
REMOTE: Final = ("192.0.2.7", 40_002)
_LEVEL_ID: Final = 1
_OPUS_TYPE: Final = 111
_RED_TYPE: Final = 63
_TICK_MS: Final = 32
_MAX_PER_TICK_S: Final = 65.0
"""One time of day may pass between two packets (16 bits of milliseconds)."""


def join(datagrams: list[tuple[int, bytes]]) -> bytes:
    """An input: each datagram after milliseconds since the one before, and its length (16 bits each)."""
    return b"".join(after_ms.to_bytes(2) + len(datagram).to_bytes(2) + datagram for after_ms, datagram in datagrams)


def split(data: bytes) -> Iterator[tuple[float, bytes]]:
    """Seconds since the beginning, and the datagram; the inverse of `join` that makes something of any bytes."""
    at, now_ms = 0, 0
    while at + 4 <= len(data):
        now_ms += int.from_bytes(data[at : at + 2])
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4])
        yield now_ms / 1000, data[at + 4 : end]
        at = end


def red(data: bytes) -> None:
    """RED is unpacked into packets and copies that are no longer than it, and heard as `stream` says."""
    _blocks(data)
    stream(data, in_red=True)


def _unpacked(arrival: Arrival) -> list[Arrival]:
    found = unpack(arrival)
    assert sum(len(each.payload) for each in found) <= len(arrival.payload)
    assert not found or (not found[0].redundant and all(each.redundant for each in found[1:]))
    return found


def stream(data: bytes, in_red: bool = False) -> None:
    """Packets of one source become samples in order, not more than time passed."""
    heard = OpusStream()
    passed_s, begun_s, samples, end = 0.0, None, 0, 0
    for now_s, datagram in split(data):
        passed_s = now_s
        if (header := read_header(datagram)) is not None:
            arrival = read_packet(header, datagram, _LEVEL_ID, now_s)
            assert len(arrival.payload) < len(datagram)
            begun_s = now_s if begun_s is None else begun_s
            for each in _unpacked(arrival) if in_red else (arrival,):
                heard.put(each)
        for chunk in heard.take(now_s):
            assert chunk.at >= 0
            assert np.isfinite(chunk.samples).all()
            samples, end = samples + len(chunk.samples), max(end, chunk.end)
    for chunk in heard.flush():
        assert np.isfinite(chunk.samples).all()
        samples, end = samples + len(chunk.samples), max(end, chunk.end)
    assert samples <= end + 16_000 * 8, "the same time was heard again and again"
    assert end <= (passed_s - (begun_s or 0) + 60) * 16_000, "media time ran far ahead of the clock"


def _blocks(data: bytes) -> None:
    """Packets that may be RED: what is inside fits into them, and the packet's own audio comes first."""
    by_guess = RedUnpacker()
    for now_s, datagram in split(data):
        if (header := read_header(datagram)) is None:
            continue
        arrival = read_packet(header, datagram, _LEVEL_ID, now_s)
        blocks = read_red(arrival.payload) or []
        assert sum(len(block.payload) for block in blocks) <= len(arrival.payload)
        for unpacked in (unpack(arrival), unpack(arrival, _OPUS_TYPE), by_guess.unpack(arrival)):
            for number, each in enumerate(unpacked):
                assert each.redundant == (number > 0)
                assert each.sequence == arrival.sequence
                assert 0 <= each.timestamp < 1 << 32
                assert len(each.payload) <= len(arrival.payload)


class _Wire:
    """Stands for the network: nothing gets out of a fuzzed process."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        self.sent.append(data)


class _NoSocket:
    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        """There is nothing to close."""


def hand_over(data: bytes) -> None:
    """Whatever is not accepted Opus reaches aioice unchanged and in order; no datagram ends the tick."""
    asyncio.run(_hand_over([datagram for _, datagram in split(data)]))


async def _hand_over(datagrams: list[bytes]) -> None:
    protocol, passed = _aioice()
    loop = asyncio.get_running_loop()
    opus = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=_OPUS_TYPE)
    inside: dict[str, int | str | None] = {f"{_OPUS_TYPE}/{_OPUS_TYPE}": None}
    red = RTCRtpCodecParameters(
        mimeType="audio/red", clockRate=48_000, channels=2, payloadType=_RED_TYPE, parameters=inside
    )
    codecs = {_OPUS_TYPE: opus, _RED_TYPE: red}
    rest = AiortcSide(loop, protocol, REMOTE, codecs, {SSRC: StreamStatistics(48_000)})
    session = SharedSession(Session(Policy(KEY, ssrc_type=Policy.SSRC_ANY_INBOUND)))
    unread: Any = _NoSocket()  # datagrams are given to `take`: no socket is read
    media = MediaSocket(unread, session, _LEVEL_ID, rest)
    media.hear_as(StreamKey("room", "ann", "s1"), 0.0)
    heard = 0
    for first in range(0, len(datagrams), MAX_WAITING):
        batch = datagrams[first : first + MAX_WAITING]
        before = len(passed)
        for arrival in media.take([(datagram, 1.0) for datagram in batch], 0.0):
            heard += not arrival.redundant
            assert arrival.ssrc == SSRC
        hand_to_aiortc([media.rest])
        while rest:  # noqa: ASYNC110  # the loop itself empties it, a few at each turn, and sets no event
            await asyncio.sleep(0)
        handed = iter(batch)
        assert all(datagram in handed for datagram in passed[before:]), "changed, or out of order"
    assert heard + len(passed) <= len(datagrams)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()  # checks of connections, which aioice begins when it is asked


def _aioice() -> tuple[StunProtocol, list[bytes]]:
    """A real end of ICE, and the datagrams that it gets."""
    connection = Connection(ice_controlling=False, local_username=USERNAME, local_password=PASSWORD)
    connection.remote_username, connection.remote_password = "other", "a22LetterPasswordOfThem"
    protocol = StunProtocol(connection)
    wire: Any = _Wire()
    protocol.connection_made(wire)
    protocol.local_candidate = Candidate("1", 1, "udp", 1, "192.0.2.1", 5004, "host")
    passed: list[bytes] = []
    receive = protocol.datagram_received

    def note(data: bytes | str, address: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        passed.append(data)
        receive(data, address)

    vars(protocol)["datagram_received"] = note
    return protocol, passed
