"""Passes frames on between two links, badly: ``python -m tests.helpers.frame_forwarder LINK LINK LOST DELAY …``.

See `Impairment` of `tests.helpers.bad_network` for the numbers. It does what netem does, where the kernel has no netem.
"""

import asyncio
import random
import socket
import sys
from dataclasses import dataclass
from functools import partial
from typing import Final

_ALL: Final = 0x0003  # ETH_P_ALL, linux/if_ether.h
_RECEIVE_BUFFER_FORCE: Final = 33  # SO_RCVBUFFORCE, which root may use
_BUFFER_BYTES: Final = 8 << 20
_MAX_BYTES: Final = 65_536
_ETHERNET_BYTES: Final = 14
_UDP: Final = 17


@dataclass
class Way:
    """One direction."""

    lost: float
    delay_ms: float
    jitter_ms: float
    early: float
    twice: float
    dice: random.Random

    def delays_s(self) -> list[float]:
        """When the next frame arrives; never, once, or twice."""
        if self.dice.random() < self.lost:
            return []
        times = 2 if self.dice.random() < self.twice else 1
        return [self._delay_s() for _ in range(times)]

    def _delay_s(self) -> float:
        if self.dice.random() < self.early:
            return 0.0
        return max(0.0, self.delay_ms + self.dice.uniform(-self.jitter_ms, self.jitter_ms)) / 1000


def link(name: str) -> socket.socket:
    """All frames of one link."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    # On a busy machine this program waits for its turn, and nothing else is to be lost than what it loses.
    opened.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER_FORCE, _BUFFER_BYTES)
    opened.bind((name, 0))
    opened.setblocking(False)
    return opened


def without_checksum(frame: bytes) -> bytes:
    """The UDP checksum is 0, not used (RFC 768): the sender's kernel left it to hardware, and there is none."""
    if frame[12:14] != b"\x08\x00" or frame[23] != _UDP:
        return frame
    at = _ETHERNET_BYTES + 4 * (frame[_ETHERNET_BYTES] & 15) + 6
    return frame[:at] + b"\0\0" + frame[at + 2 :]


def pass_on(source: socket.socket, sink: socket.socket, way: Way) -> None:
    """Take one frame, and schedule its arrival."""
    frame, (_, _, kind, _, _) = source.recvfrom(_MAX_BYTES)
    if kind == socket.PACKET_OUTGOING:
        return  # one that we sent
    for delay_s in way.delays_s():
        asyncio.get_running_loop().call_later(delay_s, sink.send, without_checksum(frame))


async def main(one: str, other: str, *numbers: str) -> None:
    """Until the program is ended."""
    links, loop = [link(one), link(other)], asyncio.get_running_loop()
    for seed, (source, sink) in enumerate((links, links[::-1])):
        lost, delay_ms, jitter_ms, early, twice = map(float, numbers)
        way = Way(lost, delay_ms, jitter_ms, early, twice, random.Random(seed))
        loop.add_reader(source, partial(pass_on, source, sink, way))
    print("passing frames on", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
