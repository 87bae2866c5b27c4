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
_RTP_AT: Final = _ETHERNET_BYTES + 20 + 8
_UDP: Final = 17
_RTCP: Final = range(192, 224)
_LONG_S: Final = 0.15
"""Delays of the machine that are told: they are none of the network's."""


@dataclass
class Way:
    """One direction."""

    dice: random.Random
    lost: float
    delay_ms: float
    jitter_ms: float
    early: float
    twice: float

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


def is_rtp(frame: bytes) -> bool:
    """Whether it is a packet of the voice: only the participant sends any."""
    return is_udp(frame) and len(frame) > _RTP_AT + 1 and frame[_RTP_AT] >> 6 == 2 and frame[_RTP_AT + 1] not in _RTCP


def is_udp(frame: bytes) -> bool:
    """Whether it is UDP over IPv4."""
    return frame[12:14] == b"\x08\x00" and frame[23] == _UDP


def without_checksum(frame: bytes) -> bytes:
    """The UDP checksum is 0, not used (RFC 768): the sender's kernel left it to hardware, and there is none."""
    if not is_udp(frame):
        return frame
    at = _ETHERNET_BYTES + 4 * (frame[_ETHERNET_BYTES] & 15) + 6
    return frame[:at] + b"\0\0" + frame[at + 2 :]


class Cable:
    """Both directions, and how well this machine keeps up."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sent_at: float | None = None

    def pass_on(self, source: socket.socket, sink: socket.socket, way: Way) -> None:
        """Take one frame, and schedule its arrival."""
        frame, (_, _, kind, _, _) = source.recvfrom(_MAX_BYTES)
        if kind == socket.PACKET_OUTGOING:
            return  # one that we sent
        now = self._loop.time()
        if is_rtp(frame):  # they come every 20 ms
            pause_s, self._sent_at = now - (self._sent_at or now), now
            if pause_s > _LONG_S:
                print(f"a pause of {pause_s:.2f} s", flush=True)
        for delay_s in way.delays_s():
            self._loop.call_later(delay_s, self._send, sink, without_checksum(frame), now + delay_s)

    def _send(self, sink: socket.socket, frame: bytes, due: float) -> None:
        if (late_s := self._loop.time() - due) > _LONG_S:
            print(f"late by {late_s:.2f} s", flush=True)
        sink.send(frame)


async def main(one: str, other: str, *numbers: str) -> None:
    """Until the program is ended."""
    links, loop, cable = [link(one), link(other)], asyncio.get_running_loop(), Cable()
    for seed, (source, sink) in enumerate((links, links[::-1])):
        way = Way(random.Random(seed), *map(float, numbers))
        loop.add_reader(source, partial(cable.pass_on, source, sink, way))
    print("passing frames on", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
