"""Real sockets on the loopback: batches, times of arrival, and who gets what."""

import socket
import sys
import time
from collections.abc import Iterator

import pytest

from ser_track.aiortc_internals import udp_batches

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="recvmmsg is Linux's")
LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture
def ours() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as each:
        each.bind(LOOPBACK)
        yield each


@pytest.fixture
def theirs(ours: socket.socket) -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as each:
        each.bind(LOOPBACK)
        each.connect(ours.getsockname())
        yield each


def read(at: socket.socket) -> list[tuple[bytes, float]]:
    return udp_batches.DatagramReader().read(at.fileno(), _clock_offset_s(), time.monotonic())


def _clock_offset_s() -> float:
    """From the wall clock to the monotonic one; between the two readings another process may run."""
    for _ in range(1000):
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
        if after - before < 0.001:
            break
    return before - wall


def stamped(second: socket.socket, theirs: socket.socket) -> bool:
    """Whether the kernel notes when a datagram comes: asked to, it begins with it a moment later."""
    theirs.send(b"probe")
    sent = time.monotonic()
    time.sleep(0.05)
    ((_, came),) = read(second)
    return came < sent + 0.03


def test_what_waits_comes_in_order_with_the_time_it_came(ours: socket.socket, theirs: socket.socket) -> None:
    with udp_batches.second_socket(ours, theirs.getsockname()) as second:
        assert any(stamped(second, theirs) for _ in range(100))
        sent = []
        for n in range(5):
            before = time.monotonic()
            theirs.send(bytes([n]) * (n + 1))
            sent.append((before, time.monotonic()))
            time.sleep(0.02)
        datagrams = read(second)
        assert [datagram for datagram, _ in datagrams] == [bytes([n]) * (n + 1) for n in range(5)]
        # When they came, not when they were looked at, up to 0.1 s later.
        for (_, came), (before, after) in zip(datagrams, sent, strict=True):
            assert before - 0.015 < came < after + 0.015
        assert read(second) == []


def test_more_than_a_batch_is_not_lost(ours: socket.socket, theirs: socket.socket) -> None:
    with udp_batches.second_socket(ours, theirs.getsockname()) as second:
        for n in range(udp_batches.DatagramReader.batch + 3):
            theirs.send(bytes([n]))
        assert [len(read(second)), len(read(second)), len(read(second))] == [udp_batches.DatagramReader.batch, 3, 0]


def test_only_what_comes_from_that_sender_goes_to_the_second(ours: socket.socket, theirs: socket.socket) -> None:
    ours.settimeout(5)
    with (
        udp_batches.second_socket(ours, theirs.getsockname()) as second,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        other.sendto(b"other", ours.getsockname())
        theirs.send(b"theirs")
        assert ours.recv(99) == b"other"
        assert [datagram for datagram, _ in read(second)] == [b"theirs"]
    theirs.send(b"again")
    assert ours.recv(99) == b"again", "closed, it leaves the first as it was"


def test_nobody_else_can_bind_there(ours: socket.socket, theirs: socket.socket) -> None:
    with udp_batches.second_socket(ours, theirs.getsockname()), socket.socket(type=socket.SOCK_DGRAM) as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            intruder.bind(ours.getsockname())


def test_where_it_cannot_be_shared_nothing_is_left_open(ours: socket.socket) -> None:
    with pytest.raises(PermissionError):
        udp_batches.second_socket(ours, ("255.255.255.255", 9))
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 0


def test_a_sender_that_is_gone_is_no_fault_of_the_socket(ours: socket.socket, theirs: socket.socket) -> None:
    with udp_batches.second_socket(ours, theirs.getsockname()) as second:
        theirs.close()
        second.send(b"anybody?")
        assert read(second) == []
        assert read(second) == []


def test_a_closed_socket_is_one() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        udp_batches.DatagramReader().read(-1, 0.0, 0.0)
