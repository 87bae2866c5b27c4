"""The live path: N participants over real peer connections into the real server, on one core.

    uv run python -m bench.live --participants 250 --seconds 30

All are in one meeting (500 and more in several, because a room holds 500 with its observers); one in eight speaks at a
time, the others send room noise at 50 packets a second. The server has core 0 for itself; callers and observers are on
core 1, and send packets that were encoded beforehand, as browsers would encode them for the server's answer. The same
run measures the cost of the native work alone (the limit), and the naive design (bench/naive.py). docs/speed.md
explains what is printed.
"""

import argparse
import asyncio
import gc
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from aiohttp import ClientSession

from bench.caller import Caller, Sending, join_all, prepare_all
from bench.demand import demand_of
from bench.latencies import Period, latencies
from bench.limit import measure_limit
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
from bench.naive_comparison import measure_naive
from bench.packets import FULLBAND, PACKET_S
from bench.scrape import Scrape, difference
from bench.sender import Network, send_all
from bench.server_process import ServerProcess, serving
from ser_track.config.schema import PipelineConfig, RuntimeConfig

_SENDER_MAY_BE_LATE_S: Final = 0.1
"""Beyond this, something else used the callers' core, and the figures are not those of a call."""
_CPU: Final = "ser_track_cpu_seconds"
_COUNTED: Final = {
    "packets_lost": "ser_track_packets_lost",
    "packets_recovered": "ser_track_packets_recovered",
    "late_ticks": "ser_track_late_ticks",
    "load_step": "ser_track_load_step",
    "provisional_replaced": "ser_track_provisional_replaced",
}


def main() -> None:
    args = parse_arguments()
    allow_many_sockets()
    overrides = {
        "rooms": {"max_rooms": 4, "max_participants": MAX_PARTICIPANTS},
        "pipeline": {"model": args.model},
        "runtime": {"tick_s": args.tick / 1000},
    }
    sending = Sending(args.dtx, args.levels, FULLBAND if args.fullband else None)
    rooms = math.ceil(args.participants / (MAX_PARTICIPANTS - args.observers))
    callers = make_callers(args.participants, sending, rooms)
    os.sched_setaffinity(0, {1})
    with serving(core=0, overrides=overrides) as server:
        record = asyncio.run(measure(server, callers, args))
    record["limit"] = limit = measure_limit(0, demand_of(callers, sending), args.model)
    record["limit_ms_per_participant_s"] = limit["total_ms"]
    record["times_limit"] = round(record["cpu_ms_per_participant_s"] / limit["total_ms"], 2)
    record |= measure_naive(args.naive_python) if args.naive else {"naive_ms_per_participant_s": None}
    print(json.dumps(record))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--observers", type=int, default=1, help="callers in each room that only receive events")
    parser.add_argument("--loss", type=float, default=0.0, metavar="PERCENT", help="random packet loss")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="MS", help="maximum delay of a packet")
    parser.add_argument("--reorder", type=float, default=0.0, metavar="PERCENT", help="packets that swap with the next")
    parser.add_argument("--dtx", action="store_true", help="callers send almost nothing while silent")
    parser.add_argument("--levels", action="store_true", help="headers carry audio levels (RFC 6464), as in browsers")
    parser.add_argument("--fullband", action="store_true", help="encode fullband even if the server asks for wideband")
    parser.add_argument("--model", default="small")
    parser.add_argument("--tick", type=float, default=1000 * RuntimeConfig().tick_s, metavar="MS")
    parser.add_argument("--no-naive", dest="naive", action="store_false", help="do not measure the naive design")
    parser.add_argument("--naive-python", metavar="PATH", help="Python with torch and silero-vad (see naive.py)")
    return parser.parse_args()


async def measure(server: ServerProcess, callers: list[Caller], args: argparse.Namespace) -> dict[str, Any]:
    """Call, talk and hang up; return the cost and the latencies."""
    network = Network(args.loss / 100, args.jitter / 1000, args.reorder / 100)
    observers = make_observers(callers, args.observers)
    async with ClientSession() as http:
        await warm_up(http, server)
        memory = {"idle": server.rss_mb()}
        handled_before = server.scrape().value("ser_track_packets")
        begun = time.monotonic()
        await join_all(observers, http, server.url)
        await join_all(callers, http, server.url)
        joining_s = time.monotonic() - begun
        await prepare_all(callers, SETTLE_S + args.seconds)
        gc.freeze()  # otherwise each collection looks through all connections
        talked, period = await talk(server, callers, args.seconds, network)
        memory["full"] = server.rss_mb()
        counted = await count(server, handled_before)
        await leave(observers + callers)
    memory["after"] = server.rss_mb()
    return {
        "machine": machine(),
        "participants": args.participants,
        "observers": len(observers),
        "seconds": args.seconds,
        "network": {"loss": network.loss, "jitter_s": network.jitter_s, "reorder": network.reorder, "dtx": args.dtx},
        "levels": args.levels,
        "encoding": callers[0].encoding and asdict(callers[0].encoding),
        "server_ready_s": round(server.ready_s, 2),
        "joining_s": round(joining_s, 1),
        **talked,
        **counted,
        "rss_mb": {name: round(value, 1) for name, value in memory.items()},
        "rss_mb_per_participant": round((memory["full"] - memory["idle"]) / args.participants, 2),
        **latencies(callers, observers, period),
    }


async def talk(
    server: ServerProcess, callers: list[Caller], seconds: float, network: Network
) -> tuple[dict[str, Any], Period]:
    """Send for ``seconds`` once everything has settled; return the server's cost, and when that was."""
    await send_all(callers, SETTLE_S, network)
    before, cpu_s, own_s, begun = server.scrape(), server.cpu_s(), time.process_time(), time.monotonic()
    late_s = await send_all(callers, seconds, network)
    cpu_s, own_s, period = server.cpu_s() - cpu_s, time.process_time() - own_s, Period(begun, time.monotonic())
    after = server.scrape()
    per_participant_s = 1000 / seconds / len(callers)
    return {
        "packets_sent": sum(caller.arrived for caller in callers),
        "cpu_ms_per_participant_s": round(cpu_s * per_participant_s, 2),
        "cpu_ms_per_participant_s_by_stage": {
            stage: round(value * per_participant_s, 3) for stage, value in by_stage(before, after).items()
        },
        "core_busy": round(cpu_s / (period.ended - period.begun), 3),
        "sender_core_busy": round(own_s / (period.ended - period.begun), 3),
        "sender_late_ms_max": round(1000 * late_s, 1),
        "sender_kept_up": late_s <= _SENDER_MAY_BE_LATE_S,
        "provisional_due": rounded(difference(before, after, "ser_track_provisional_due")),
        "provisional_made": rounded(difference(before, after, "ser_track_provisional_made")),
        "decoded_share": decoded_share(before, after),
    }, period


async def count(server: ServerProcess, handled_before: float) -> dict[str, Any]:
    """The server's counters of handled and dropped audio, after a pause for the last packets."""
    await asyncio.sleep(1)
    scrape = server.scrape()
    return {
        "packets_handled": round(scrape.value("ser_track_packets") - handled_before),
        **{name: rounded(scrape.find(metric)) for name, metric in _COUNTED.items()},
        "dropped_audio_s": scrape.value("ser_track_dropped_audio_seconds"),
        "close_latency_ms_p95": scrape.percentile_ms("ser_track_close_seconds", 0.95),
        "close_latency_ms_allowed": round(1000 * PipelineConfig().end_silence_s + 64),
    }


def by_stage(before: Scrape, after: Scrape) -> Mapping[str, float]:
    """CPU seconds of each stage between two scrapes."""
    first = before.by_label(_CPU, "stage")
    return {stage: value - first[stage] for stage, value in after.by_label(_CPU, "stage").items()}


def decoded_share(before: Scrape, after: Scrape) -> float | None:
    """Seconds that were decoded or concealed, for each second that packets have brought."""
    decoded_s, packets = (difference(before, after, f"ser_track_{name}") for name in ("decoded_seconds", "packets"))
    return round(decoded_s / (packets * PACKET_S), 3) if decoded_s is not None and packets else None


def rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


if __name__ == "__main__":
    main()
