"""Sends everybody's packets when they are due, over a simulated network."""

import asyncio
import heapq
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.caller import Caller
from bench.packets import PACKET_S

_SLICES: Final = 10
"""Parts of a packet time; in each, one tenth of the callers send."""


@dataclass(frozen=True)
class Network:
    """Simulated loss, jitter and reordering of packets."""

    loss: float = 0.0
    jitter_s: float = 0.0
    reorder: float = 0.0
    """Share of packets that arrive after their successor."""

    def delay_s(self) -> float | None:
        """The delay of the next packet; None if it is lost."""
        if self.loss and random.random() < self.loss:
            return None
        held_back = 1.5 * PACKET_S if self.reorder and random.random() < self.reorder else 0.0
        return held_back + (random.uniform(0, self.jitter_s) if self.jitter_s else 0.0)


def _send_next(caller: Caller, network: Network) -> tuple[bytes, float] | None:
    """Send the next packet of ``caller``; `None` unless it is delayed, and must be delivered later."""
    if (packet := caller.next_packet()) is None or (delay_s := network.delay_s()) is None:
        return None
    if caller.first_turn is None:
        caller.first_turn = len(caller.sent_at) - 1
    if delay_s:
        return packet, delay_s
    caller.deliver(packet)
    return None


async def send_all(callers: Sequence[Caller], seconds: float, network: Network | None = None) -> float:
    """Send one packet per caller every 20 ms for ``seconds``, evenly spread; return the sender's greatest delay."""
    for caller in callers:
        caller.prepare(round(seconds / PACKET_S))
    network = network or Network()
    begun, worst = time.monotonic(), 0.0
    groups = [callers[start::_SLICES] for start in range(_SLICES)]
    flying: list[tuple[float, int, Caller, bytes]] = []
    for tick in range(round(seconds / PACKET_S) * _SLICES):
        now = tick * PACKET_S / _SLICES
        for number, caller in enumerate(groups[tick % _SLICES]):
            if (sent := _send_next(caller, network)) is not None:
                packet, delay_s = sent
                heapq.heappush(flying, (now + delay_s, tick * len(callers) + number, caller, packet))
        while flying and flying[0][0] <= now:
            _, _, caller, packet = heapq.heappop(flying)
            caller.deliver(packet)
        wait = begun + now + PACKET_S / _SLICES - time.monotonic()
        worst = max(worst, -wait)
        await asyncio.sleep(max(0.0, wait))
    for _, _, caller, packet in sorted(flying, key=lambda each: each[:2]):
        caller.deliver(packet)
    return worst
