"""The live path: N participants over real peer connections into the real server, on one core.

    uv run python -m bench.live --participants 40 --seconds 30

Callers sit in rooms of eight and one in eight speaks at a time; the others send room noise. The server has core 0 for
itself, the callers core 1. Latency is from the moment the last voiced window was sent to the arrival of the final
event on a data channel, ``end_silence_s`` included.
"""

import argparse
import asyncio
import json
import os
import platform
from typing import Any

import numpy as np
from aiohttp import ClientSession

from bench.caller import Caller, send_all
from bench.packets import room_noise, speech
from bench.server_process import ServerProcess, serving
from ser_track.config import PipelineConfig

_ROOM = 8
_SETTLE_S = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    with serving(core=0) as server:
        os.sched_setaffinity(0, {1})
        print(json.dumps(asyncio.run(measure(server, args.participants, args.seconds))))


async def measure(server: ServerProcess, participants: int, seconds: float) -> dict[str, Any]:
    """Call, talk, hang up; what it cost and how long it took."""
    callers = make_callers(participants)
    async with ClientSession() as http:
        await warm_up(http, server)
        memory = {"idle": server.rss_mb()}
        handled_before = round(server.counter("ser_track_packets"))
        for caller in callers:
            await caller.join(http, server.url)
        talked = await talk(server, callers, seconds)
        memory["full"] = server.rss_mb()
        counted = await count(server, callers, handled_before)
        await asyncio.gather(*(caller.connection.close() for caller in callers))
    await asyncio.sleep(_SETTLE_S)
    memory["after"] = server.rss_mb()
    return {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "participants": participants,
        "seconds": seconds,
        "server_ready_s": round(server.ready_s, 2),
        **talked,
        **counted,
        "rss_mb": {name: round(value, 1) for name, value in memory.items()},
        "rss_mb_per_participant": round((memory["full"] - memory["idle"]) / participants, 2),
        **latencies(callers),
    }


async def talk(server: ServerProcess, callers: list[Caller], seconds: float) -> dict[str, Any]:
    """Send for ``seconds`` once everything has settled; what that costs the server, and how late the sender was."""
    await send_all(callers, _SETTLE_S)
    cpu_s = server.cpu_s()
    late_s = await send_all(callers, seconds)
    cpu_s = server.cpu_s() - cpu_s
    return {
        "packets_sent": sum(caller.sent for caller in callers),
        "cpu_ms_per_participant_s": round(1000 * cpu_s / seconds / len(callers), 2),
        "core_busy": round(cpu_s / seconds, 3),
        "sender_late_ms_max": round(1000 * late_s, 1),
    }


async def count(server: ServerProcess, callers: list[Caller], handled_before: int) -> dict[str, Any]:
    """What the server says it handled and dropped, once the last packets had their time."""
    await asyncio.sleep(1)
    return {
        "packets_handled": round(server.counter("ser_track_packets")) - handled_before,
        "packets_lost": round(server.counter("ser_track_packets_lost")),
        "late_ticks": round(server.counter("ser_track_late_ticks_total")),
        "dropped_audio_s": server.counter("ser_track_dropped_audio_seconds"),
    }


async def warm_up(http: ClientSession, server: ServerProcess) -> None:
    """One person calls, speaks and leaves, so that what is loaded once is not counted as anybody's memory."""
    callers = make_callers(1)
    await callers[0].join(http, server.url)
    await send_all(callers, 6)
    await callers[0].connection.close()
    await asyncio.sleep(_SETTLE_S)


def make_callers(count: int) -> list[Caller]:
    """One in eight speaks at a time: each says the recording, then is silent for seven times its length."""
    spoken, noise = speech(), room_noise()
    silence = [noise[index % len(noise)] for index in range(7 * len(spoken))]
    packets = spoken + silence
    return [
        Caller(f"room-{index // _ROOM}", packets, (index % _ROOM) * len(spoken) + (index * 37) % len(spoken))
        for index in range(count)
    ]


def latencies(callers: list[Caller]) -> dict[str, Any]:
    """From the last voiced window to the final event, at everyone who received it, in milliseconds."""
    by_id = {caller.id: caller for caller in callers}
    finals = [
        1000 * (arrived - by_id[event["participant"]].first_sent_at - event["end_s"])
        for caller in callers
        for arrived, event in caller.received
        if event["type"] == "emotion" and event["final"] and event["end_s"] - event["start_s"] < 9.9
    ]
    faults = sum(event["type"] == "error" for caller in callers for _, event in caller.received)
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(finals or [float("nan")], (50, 95, 99)))
    return {
        "events_final": len(finals),
        "faults": faults,
        "final_latency_ms": {"p50": p50, "p95": p95, "p99": p99},
        "final_latency_ms_allowed_p95": 1000 * PipelineConfig().end_silence_s + 250,
    }


if __name__ == "__main__":
    main()
