"""What is held of one sender, whatever they send."""

import socket
import sys
from collections.abc import Container

import pytest

from ser_track.event_types import StreamKey
from ser_track.live.media_sockets import MediaSockets
from ser_track.live.turns import Turns
from ser_track.rtp.header import Arrival

MAX_HELD_S = 2.0
SO_TIMESTAMPNS = 35
SHORT, LONG = b"\x48" + b"x" * 40, b"\x7b\x06" + b"x" * 40  # 20 ms, and six times that


@pytest.fixture
def sockets() -> MediaSockets:
    return MediaSockets(MAX_HELD_S, Turns(1))


def waiting(payload: bytes, count: int, each_s: float, now: float = 100.0) -> list[Arrival]:
    return [Arrival(1, n, n * 960, payload, now - (count - n) * each_s) for n in range(count)]


def test_two_seconds_are_held_and_the_oldest_goes_first(sockets: MediaSockets) -> None:
    kept = sockets._held(waiting(SHORT, 150, 0.02), 100.0)
    assert [arrival.sequence for arrival in kept] == list(range(50, 150))
    assert sockets.dropped_samples == 50 * 320


def test_packets_that_last_long_are_fewer(sockets: MediaSockets) -> None:
    kept = sockets._held(waiting(LONG, 100, 0.0001), 100.0)
    assert len(kept) == 16
    assert sockets.dropped_samples == 84 * 1920


def test_what_is_no_opus_is_held_by_its_age_alone(sockets: MediaSockets) -> None:
    assert len(sockets._held(waiting(b"", 120, 0.001), 100.0)) == 120
    assert sockets.dropped_samples == 0


class Datagrams:
    """A stand-in for a connection: it takes what is in a real socket, and decrypts nothing."""

    def __init__(self, name: str) -> None:
        self.key = StreamKey("m", name, "1")
        self.received = socket.socket(type=socket.SOCK_DGRAM)
        self.received.bind(("127.0.0.1", 0))
        self.received.setblocking(False)
        self.received.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sender = socket.socket(type=socket.SOCK_DGRAM)
        self.sender.connect(self.received.getsockname())

    def fileno(self) -> int:
        return self.received.fileno()

    def is_of(self, streams: Container[StreamKey]) -> bool:
        return self.key in streams

    def take_by_stream(
        self, datagrams: list[tuple[bytes, float]], offset_s: float
    ) -> list[tuple[StreamKey, list[Arrival]]]:
        arrivals = [Arrival(1, n, n * 960, datagram, now) for n, (datagram, now) in enumerate(datagrams)]
        return [(self.key, arrivals)] if arrivals else []

    @property
    def rest(self) -> bool:
        return False

    def close(self) -> None:
        self.received.close()
        self.sender.close()


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are read like this on Linux only")
def test_the_silent_are_read_in_their_turn_and_those_who_speak_at_once() -> None:
    turns = Turns(4)
    sockets = MediaSockets(MAX_HELD_S, turns)
    people = [Datagrams(f"p{n}") for n in range(40)]
    for each in people:
        sockets.add(each)  # type: ignore[arg-type]  # a stand-in
    speaking = {people[3].key, people[35].key}
    read = list[set[str]]()
    for _ in range(4):
        for each in people:
            each.sender.send(SHORT)
        due = [*sockets.of(speaking), *sockets.in_turn(speaking)]
        read.append({key.participant for key, _ in sockets.read(1e9, due)})
        turns.pass_ticks(1)
    first, second, *rest = read
    assert first == {f"p{n}" for n in range(32)} | {"p35"}
    assert second == {f"p{n}" for n in range(32, 40)} | {"p3"}
    assert rest == [{"p3", "p35"}] * 2
    waiting = {key.participant: len(arrivals) for key, arrivals in sockets.read(1e9, sockets.everyone())}
    assert (waiting["p0"], waiting["p33"]) == (3, 2)
    assert not waiting.keys() & {"p3", "p35"}
    sockets.close()
