"""Reads UDP sockets in batches: one system call for all waiting datagrams, each with its time of arrival.

An event loop reads each datagram with its own call, and Python's loop allocates 256 kB for it. At 50 packets a second
from hundreds of people, that alone costs more than decryption. Linux has `recvmmsg` (2) and `SO_TIMESTAMPNS`
(socket (7)).
"""

import contextlib
import ctypes
import errno
import os
import socket
import sys
from struct import Struct
from typing import Final

_SO_TIMESTAMPNS: Final = 35
_RECEIVE_BUFFER_BYTES: Final = 1 << 19
"""The kernel counts about a kilobyte per packet, so this holds over five seconds of speech."""
_BATCH: Final = 32
_MAX_BYTES: Final = 2048
_LENGTHS: Final = Struct("@56xI4x").iter_unpack  # struct mmsghdr: only the length of each is needed
_TIMES: Final = Struct("@16xqq").iter_unpack  # struct cmsghdr, struct timespec
_CONTROL_BYTES: Final = 32
"""Room for exactly one timestamp: the kernel leaves the buffer sizes unchanged, so nothing has to be reset."""


class _Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """``struct msghdr`` of recvmsg (2)."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("parts", ctypes.c_void_p),
        ("n_parts", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """``struct mmsghdr`` of recvmmsg (2)."""

    _fields_ = (("header", _Header), ("received", ctypes.c_uint))


_MESSAGE_BYTES: Final = ctypes.sizeof(_Message)
_STARTS: Final = range(0, _BATCH * _MAX_BYTES, _MAX_BYTES)


class DatagramReader:
    """Buffers for one batch. One thread can use them for any number of sockets."""

    batch: Final = _BATCH
    """The most that `read` returns at once."""

    def __init__(self) -> None:
        """Allocate the buffers. Call it only where `available` is true."""
        # PyDLL keeps the GIL: the call never blocks.
        self._receive = ctypes.PyDLL(None, use_errno=True).recvmmsg
        self._bytes = bytearray(_BATCH * _MAX_BYTES)
        self._control = bytearray(_BATCH * _CONTROL_BYTES)
        self._headers = bytearray(_BATCH * ctypes.sizeof(_Message))
        self._messages = (_Message * _BATCH).from_buffer(self._headers)
        self._parts = (_Part * _BATCH)()
        data = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))
        control = ctypes.addressof(ctypes.c_char.from_buffer(self._control))
        for number, (message, part) in enumerate(zip(self._messages, self._parts, strict=True)):
            part.base, part.length = data + number * _MAX_BYTES, _MAX_BYTES
            header = message.header
            header.parts, header.n_parts = ctypes.addressof(part), 1
            header.control, header.control_length = control + number * _CONTROL_BYTES, _CONTROL_BYTES

    def read(self, fd: int, clock_offset_s: float, now: float) -> list[tuple[bytes, float]]:
        """The datagrams that wait in the socket ``fd``, at most one batch, each with its time of arrival.

        The list is empty if none wait. The socket comes from `second_socket`, which turns the timestamps on.

        ``clock_offset_s`` is the caller's clock minus the wall clock; ``now`` is the time of the caller's clock.

        Raises:
            OSError: the socket cannot be read, now or later.
        """
        count = self._receive(fd, self._messages, _BATCH, socket.MSG_DONTWAIT, None)
        if count < 0:
            return self._nothing()
        view = memoryview(self._bytes)
        sizes = _LENGTHS(memoryview(self._headers)[: count * _MESSAGE_BYTES])
        times = _TIMES(memoryview(self._control)[: count * _CONTROL_BYTES])
        return [
            (bytes(view[at : at + size]), min(now, seconds + nanoseconds * 1e-9 + clock_offset_s))
            for at, (size,), (seconds, nanoseconds) in zip(_STARTS, sizes, times, strict=False)
        ]

    @staticmethod
    def _nothing() -> list[tuple[bytes, float]]:
        code = ctypes.get_errno()
        # Refused: a packet of ours reached a closed port. That concerns the other side; the socket still works.
        if code in (errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH):
            return []
        raise OSError(code, os.strerror(code))


def available() -> bool:
    """Whether sockets can be read this way: on 64-bit Linux."""
    return sys.platform == "linux" and sys.maxsize > 1 << 32 and hasattr(ctypes.CDLL(None), "recvmmsg")


def second_socket(first: socket.socket, remote: tuple[str, int]) -> socket.socket:
    """A socket with the address of ``first``, which from now on receives everything from ``remote`` in its place.

    The kernel gives a datagram to the socket that is connected to its sender, if there is one (udp (7)). Datagrams from
    anywhere else still reach ``first``.

    Raises:
        OSError: the system does not allow it.
    """
    second = socket.socket(first.family, socket.SOCK_DGRAM)
    try:
        for each in (first, second):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        second.setblocking(False)
        second.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        second.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        second.bind(first.getsockname())
        second.connect(remote)
        _empty(second)
    except OSError:
        second.close()
        raise
    finally:  # only for that moment: no other program should be able to bind here
        for each in (first, second):
            if each.fileno() >= 0:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return second


def _empty(new: socket.socket) -> None:
    """Drop datagrams that arrived between `bind` and `connect`: anyone could have sent them. Senders repeat theirs."""
    with contextlib.suppress(BlockingIOError):
        while True:
            new.recv(_MAX_BYTES)
