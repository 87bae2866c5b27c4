"""Memory over the length of a recording: `python -m bench.long_file --hours 1 10`; prints one JSON object.

The packets of the golden recording are repeated to make an Ogg file and a recording of packets (rtpdump) of each
length. `ser-track analyze --final-only --jobs 1` analyses each in a process of its own, and writes events to a file.

`peak_rss_mb`   the peak memory of the process, which must not grow with the length
`wall_s`        how long it took
`events`        how many lines it wrote
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

GOLDEN: Final = Path(__file__).parents[1] / "tests" / "data" / "packets" / "spoken.ogg"
_PACKET_S: Final = 0.02
_TICKS: Final = 960


def payloads(hours: float) -> Iterator[bytes]:
    """Opus packets of the given number of hours."""
    with av.open(str(GOLDEN)) as container:
        spoken = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    for number in range(round(hours * 3600 / _PACKET_S)):
        yield spoken[number % len(spoken)]


def write_ogg(path: Path, hours: float) -> None:
    with av.open(str(GOLDEN)) as source, av.open(str(path), "w", format="ogg") as file:
        stream = file.add_stream_from_template(source.streams.audio[0])
        for number, payload in enumerate(payloads(hours)):
            packet = av.Packet(payload)
            packet.stream, packet.time_base = stream, Fraction(1, 48_000)
            packet.pts = packet.dts = number * _TICKS
            packet.duration = _TICKS
            file.mux(packet)


def write_rtpdump(path: Path, hours: float) -> None:
    with path.open("wb") as file:
        file.write(b"#!rtpplay1.0 127.0.0.1/5004\n" + struct.pack("!IIIHH", 1_700_000_000, 0, 0, 5004, 0))
        for number, payload in enumerate(payloads(hours)):
            clock = number * _TICKS & 0xFFFFFFFF
            packet = struct.pack("!BBHII", 0x80, 111, number & 0xFFFF, clock, 7) + payload
            file.write(struct.pack("!HHI", len(packet) + 8, len(packet), number * 20) + packet)


WRITERS: Final = {"ogg": write_ogg, "rtpdump": write_rtpdump}


def measure(path: Path) -> dict[str, Any]:
    """Run the command once, in a process of its own."""
    out = path.with_suffix(".jsonl")
    command = [sys.executable, "-m", "ser_track.cli", "analyze", "--final-only", "--jobs", "1", "--out", str(out)]
    begun = time.monotonic()
    running = subprocess.Popen([*command, str(path)])
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{path.name}: exit code {running.returncode}")
    with out.open("rb") as lines:
        events = sum(1 for _ in lines)
    took_s = time.monotonic() - begun
    return {"peak_rss_mb": round(usage.ru_maxrss / 1024, 1), "wall_s": round(took_s, 1), "events": events}


def main() -> None:
    """Measure each length in each format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--forms", nargs="+", choices=sorted(WRITERS), default=sorted(WRITERS))
    args = parser.parse_args()
    results: dict[str, dict[str, Any]] = {form: {} for form in args.forms}
    with tempfile.TemporaryDirectory() as folder:
        for form in args.forms:
            for hours in args.hours:
                path = Path(folder) / f"long.{form}"
                WRITERS[form](path, hours)
                results[form][f"{hours:g} h"] = measure(path)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
