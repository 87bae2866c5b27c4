"""The live path: N participants over real peer connections into the real server, on one core.

    uv run python -m bench.live --participants 250 --seconds 30

All are in one meeting; one in eight speaks at a time, the others send room noise at 50 packets a second. The server
has core 0 for itself; callers and observers are on core 1, and send packets that were encoded beforehand. The same run
measures the cost of receiving, SRTP, Opus and the voice detector alone (the limit), and the naive design
(bench/naive.py).

Latencies start at the moment at which the last voiced window was sent. `close_latency_ms_p95` is the server's own
measurement of when segments closed; `final_latency_ms_p95` ends with the arrival of the final result at an observer,
minus the silence that ends a segment (in whole windows).
"""

import argparse
import asyncio
import json
import math
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import ClientSession

from bench.caller import Caller, Network, send_all
from bench.limit import measure_limit
from bench.packets import nothing, room_noise, speech
from bench.server_process import ServerProcess, serving
from ser_track.config.schema import WINDOW_S, PipelineConfig, RuntimeConfig

_SETTLE_S = 5.0
_NAIVE_PARTICIPANTS = 8
_NAIVE_SECONDS = 15.0
_NAIVE = Path(__file__).parent / "naive.py"
_CLOSING_S = math.ceil(PipelineConfig().end_silence_s / WINDOW_S) * WINDOW_S
_NOT_LIMITED_S = 9.9
"""Longer segments were cut at their limit, not by silence."""


def main() -> None:
    args = parse_arguments()
    network = Network(args.loss / 100, args.jitter / 1000, args.reorder / 100)
    overrides = {
        "rooms": {"max_participants": 500},
        "pipeline": {"model": args.model},
        "runtime": {"tick_s": args.tick / 1000},
    }
    os.sched_setaffinity(0, {1})
    with serving(core=0, overrides=overrides) as server:
        record = asyncio.run(measure(server, args, network))
    record["limit"] = limit = measure_limit(core=0, streams=what_is_sent(args.participants))
    record["limit_ms_per_participant_s"] = limit["total_ms"]
    record |= naive(args.naive_python) if args.naive else {"naive_ms_per_participant_s": None}
    print(json.dumps(record))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--observers", type=int, default=1, help="callers that only receive all events (default: 1)")
    parser.add_argument("--loss", type=float, default=0.0, metavar="PERCENT", help="random packet loss")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="MS", help="maximum delay of a packet")
    parser.add_argument("--reorder", type=float, default=0.0, metavar="PERCENT", help="packets that swap with the next")
    parser.add_argument("--dtx", action="store_true", help="callers send almost nothing while silent")
    parser.add_argument("--model", default="small")
    parser.add_argument("--tick", type=float, default=1000 * RuntimeConfig().tick_s, metavar="MS")
    parser.add_argument("--no-naive", dest="naive", action="store_false", help="do not measure the naive design")
    parser.add_argument("--naive-python", metavar="PATH", help="Python with torch and silero-vad (see naive.py)")
    return parser.parse_args()


async def measure(server: ServerProcess, args: argparse.Namespace, network: Network) -> dict[str, Any]:
    """Call, talk and hang up; return the cost and the latencies."""
    callers = make_callers(args.participants, args.dtx)
    observers = [Caller("meeting") for _ in range(args.observers)]
    async with ClientSession() as http:
        await warm_up(http, server)
        memory = {"idle": server.rss_mb()}
        handled_before = round(server.counter("ser_track_packets"))
        for caller in observers + callers:
            await caller.join(http, server.url)
        talked = await talk(server, callers, args.seconds, network)
        memory["full"] = server.rss_mb()
        counted = await count(server, handled_before)
        await asyncio.gather(*(caller.connection.close() for caller in observers + callers))
    await asyncio.sleep(_SETTLE_S)
    memory["after"] = server.rss_mb()
    return {
        "machine": f"{cpu_name()}, {os.cpu_count()} cores",
        "participants": args.participants,
        "observers": args.observers,
        "seconds": args.seconds,
        "network": {"loss": network.loss, "jitter_s": network.jitter_s, "reorder": network.reorder, "dtx": args.dtx},
        "server_ready_s": round(server.ready_s, 2),
        **talked,
        **counted,
        "rss_mb": {name: round(value, 1) for name, value in memory.items()},
        "rss_mb_per_participant": round((memory["full"] - memory["idle"]) / args.participants, 2),
        **latencies(callers, observers),
    }


async def talk(server: ServerProcess, callers: list[Caller], seconds: float, network: Network) -> dict[str, Any]:
    """Send for ``seconds`` once everything has settled; return the server's cost, and the sender's greatest delay."""
    await send_all(callers, _SETTLE_S, network)
    cpu_s, stages_s = server.cpu_s(), server.labelled("ser_track_cpu_seconds")
    late_s = await send_all(callers, seconds, network)
    cpu_s = server.cpu_s() - cpu_s
    stages_s = {stage: value - stages_s[stage] for stage, value in server.labelled("ser_track_cpu_seconds").items()}
    per_participant_s = 1000 / seconds / len(callers)
    return {
        "packets_sent": sum(caller.arrived for caller in callers),
        "cpu_ms_per_participant_s": round(cpu_s * per_participant_s, 2),
        "cpu_ms_per_participant_s_by_stage": {
            stage: round(value * per_participant_s, 3) for stage, value in stages_s.items()
        },
        "core_busy": round(cpu_s / seconds, 3),
        "sender_late_ms_max": round(1000 * late_s, 1),
    }


async def count(server: ServerProcess, handled_before: int) -> dict[str, Any]:
    """The server's counters of handled and dropped audio, after a pause for the last packets."""
    await asyncio.sleep(1)
    named = {
        "packets_lost": "ser_track_packets_lost",
        "packets_recovered": "ser_track_packets_recovered",
        "late_ticks": "ser_track_late_ticks_total",
        "load_step": "ser_track_load_step",
        "provisional_replaced": "ser_track_provisional_replaced",
    }
    return {
        "packets_handled": round(server.counter("ser_track_packets")) - handled_before,
        **{name: round(server.counter(metric)) for name, metric in named.items()},
        "dropped_audio_s": server.counter("ser_track_dropped_audio_seconds"),
        "close_latency_ms_p95": server.percentile_ms("ser_track_close_seconds", 0.95),
        "close_latency_ms_allowed": round(1000 * PipelineConfig().end_silence_s + 64),
    }


async def warm_up(http: ClientSession, server: ServerProcess) -> None:
    """One person calls, speaks and leaves, so that memory that is loaded once does not count for the participants."""
    caller, observer = make_callers(1, dtx=False)[0], Caller("meeting")
    for each in (observer, caller):
        await each.join(http, server.url)
    await send_all([caller], 6)
    for each in (observer, caller):
        await each.connection.close()
    await asyncio.sleep(_SETTLE_S)


def make_callers(count: int, dtx: bool) -> list[Caller]:
    """One in eight speaks at a time: each plays the recording, then is silent for seven times its length."""
    spoken, noise = speech(), nothing() if dtx else room_noise()
    silence = [noise[index % len(noise)] for index in range(7 * len(spoken))]
    packets = spoken + silence
    return [
        Caller("meeting", packets, (index % 8) * len(spoken) + (index * 37) % len(spoken)) for index in range(count)
    ]


def what_is_sent(count: int) -> list[list[bytes]]:
    """The beginning of the packets that each caller sends."""
    callers = make_callers(count, dtx=False)
    return [[each.packets[(each.position + n) % len(each.packets)] for n in range(50)] for each in callers]


def latencies(callers: Iterable[Caller], observers: Iterable[Caller]) -> dict[str, Any]:
    """From the close of a segment to its final event, at everyone who received it, in milliseconds."""
    by_id = {caller.id: caller for caller in callers}
    received = [each for observer in observers for each in observer.received]
    finals = [
        1000 * (arrived - by_id[event["participant"]].first_sent_at - event["end_s"] - _CLOSING_S)
        for arrived, event in received
        if event["type"] == "emotion" and event["final"] and event["end_s"] - event["start_s"] < _NOT_LIMITED_S
    ]
    types = [event["type"] for _, event in received]
    ended = sum(event["type"] == "speech_ended" and event["classified"] for _, event in received)
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(finals or [float("nan")], (50, 95, 99)))
    return {
        "events": {kind: types.count(kind) for kind in sorted(set(types))},
        "events_final": sum(event["type"] == "emotion" and event["final"] for _, event in received),
        "events_final_expected": ended,
        "faults": types.count("error"),
        "final_latency_ms_p50": p50,
        "final_latency_ms_p95": p95,
        "final_latency_ms_p99": p99,
        "final_latency_ms_allowed_p95": 150,
    }


def naive(python: str | None) -> dict[str, Any]:
    """Measure the naive receiver in place of the server, with fewer callers."""
    with serving(core=0, program=_NAIVE, python=python) as server:
        if not server.alive():
            return {"naive_ms_per_participant_s": None, "naive": "it did not start: see --naive-python"}
        cpu_ms = asyncio.run(_measure_naive(server))
    return {
        "naive_ms_per_participant_s": round(cpu_ms, 2),
        "naive_participants_per_core": math.floor(1000 / cpu_ms),
        "naive_participants": _NAIVE_PARTICIPANTS,
    }


async def _measure_naive(server: ServerProcess) -> float:
    callers = make_callers(_NAIVE_PARTICIPANTS, dtx=False)
    async with ClientSession() as http:
        for caller in callers:
            await caller.join(http, server.url)
        await send_all(callers, _SETTLE_S)
        cpu_s = server.cpu_s()
        await send_all(callers, _NAIVE_SECONDS)
        cpu_s = server.cpu_s() - cpu_s
        await asyncio.gather(*(caller.connection.close() for caller in callers))
    return 1000 * cpu_s / _NAIVE_SECONDS / len(callers)


def cpu_name() -> str:
    """The name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
