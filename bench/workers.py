"""Rooms over several worker processes: `python -m bench.workers --workers 2`; prints one JSON object.

The server runs with ``server.workers`` over 1: a front, and workers that have the rooms. Its CPU is that of all of its
processes. Callers and server share all cores of the machine, so latencies are those of a machine under load, and the
time that callers take is given beside the server's.
"""

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from bench.caller import Caller, Sending, join_all, prepare_all
from bench.latencies import Period, latencies
from bench.meeting import (
    MAX_PARTICIPANTS,
    SETTLE_S,
    allow_many_sockets,
    leave,
    machine,
    make_callers,
    make_observers,
    warm_up,
)
from bench.sender import send_all
from bench.server_process import ServerProcess, serving


def main() -> None:
    args = parse_arguments()
    allow_many_sockets()
    overrides = {
        "rooms": {"max_rooms": args.rooms + 1, "max_participants": MAX_PARTICIPANTS},
        "server": {"workers": args.workers},
    }
    callers = make_callers(args.rooms * args.participants, Sending(levels=args.levels), args.rooms)
    with serving(core=None, overrides=overrides) as server:
        record = asyncio.run(measure(server, callers, args.seconds))
    cores = os.cpu_count()
    setting = {"machine": machine(), "workers": args.workers, "rooms": args.rooms, "levels": args.levels}
    note = f"callers and workers share {cores} cores"
    print(json.dumps(setting | {"participants": len(callers), "seconds": args.seconds, "note": note} | record))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rooms", type=int, default=4)
    parser.add_argument("--participants", type=int, default=15, help="of each room")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--levels", action="store_true", help="headers carry audio levels (RFC 6464), as in browsers")
    return parser.parse_args()


async def measure(server: ServerProcess, callers: list[Caller], seconds: float) -> dict[str, Any]:
    """All rooms at once: the CPU of each process, and whether every event arrived."""
    observers = make_observers(callers, 1)
    async with ClientSession() as http:
        await warm_up(http, server, "warm-up")
        handled_before = server.scrape().value("ser_track_packets")
        await join_all(observers, http, server.url)
        await join_all(callers, http, server.url)
        await prepare_all(callers, SETTLE_S + seconds)
        await send_all(callers, SETTLE_S)
        before, own_s, begun = cpu_by_process(server), time.process_time(), time.monotonic()
        late_s = await send_all(callers, seconds)
        after, own_s, period = cpu_by_process(server), time.process_time() - own_s, Period(begun, time.monotonic())
        await asyncio.sleep(1)
        scrape = server.scrape()
        rooms = scrape.by_label("ser_track_rooms", "worker") if len(before) > 1 else None
        handled = scrape.value("ser_track_packets") - handled_before
        await leave(observers + callers)
    spent = {name: after[name] - before[name] for name in after}
    heard = latencies(callers, observers, period)
    per_participant_s = 1000 / seconds / len(callers)
    return {
        "cpu_ms_per_participant_s": round(sum(spent.values()) * per_participant_s, 2),
        "cores_busy_by_process": {name: round(cpu_s / seconds, 3) for name, cpu_s in spent.items()},
        "cores_busy_callers": round(own_s / seconds, 3),
        "sender_late_ms_max": round(1000 * late_s, 1),
        "rooms_by_worker": rooms,
        "packets_handled": round(handled),
        "packets_sent": sum(caller.arrived for caller in callers),
        "events_complete": heard["events_final"] == heard["events_final_expected"] and not heard["faults"],
        **heard,
    }


def cpu_by_process(server: ServerProcess) -> dict[str, float]:
    """CPU seconds so far of each process of the server: with one worker, there is only one."""
    first, *below = server.family()
    names = Counter[str]()
    found = {"front" if below else "server": server.cpu_s(first)}
    for pid in below:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        kind = "tracker" if b"resource_tracker" in command else "worker"
        names[kind] += 1
        found[f"{kind} {names[kind]}"] = server.cpu_s(pid)
    return found


if __name__ == "__main__":
    main()
