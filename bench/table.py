"""Many sizes of meeting in one table: `python -m bench.table`; prints one JSON object, with --markdown a table too.

Each row is a run of `bench.live` in processes of its own, without and with audio levels. The naive design is measured
once, beside them, if --naive-python names an interpreter for it (bench/naive.py).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from bench.meeting import machine
from bench.naive_comparison import measure_naive

_SIZES: Final = (60, 120, 250, 500)
_COLUMNS: Final = {
    "participants": "participants",
    "levels": "levels",
    "CPU ms per participant and second": "cpu_ms_per_participant_s",
    "core": "core_busy",
    "sender kept up": "sender_kept_up",
    "limit": "limit_ms_per_participant_s",
    "times limit": "times_limit",
    "packets handled": "packets_handled",
    "of": "packets_sent",
    "decoded": "decoded_share",
    "provisional made": "provisional_made",
    "due": "provisional_due",
    "age ms p95": "provisional_age_ms_p95",
    "final ms p95": "final_latency_ms_p95",
}
"""Heading and field of each column."""


def main() -> None:
    args = parse_arguments()
    rows = [run_live(size, levels, args.seconds, args.model) for size in args.participants for levels in (False, True)]
    table: dict[str, Any] = {"machine": machine(), "seconds": args.seconds, "rows": rows}
    if args.naive_python:
        table |= measure_naive(args.naive_python)
    if args.markdown:
        print(markdown(rows))
    print(json.dumps(table))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, nargs="+", default=_SIZES, metavar="N")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--model", default="small")
    parser.add_argument("--naive-python", metavar="PATH", help="Python with torch and silero-vad (see naive.py)")
    parser.add_argument("--markdown", action="store_true", help="print the rows as a Markdown table first")
    return parser.parse_args()


def run_live(participants: int, levels: bool, seconds: float, model: str) -> dict[str, Any]:
    """One run of `bench.live`; if it fails, its row holds the error, and the others are still measured."""
    options = ["--participants", str(participants), "--seconds", str(seconds), "--model", model, "--no-naive"]
    command = [sys.executable, "-m", "bench.live", *options, *(["--levels"] if levels else [])]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if found.returncode:
        return {"participants": participants, "levels": levels, "error": f"bench.live ended with {found.returncode}"}
    return dict(json.loads(found.stdout.splitlines()[-1]))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table; a field that the server does not have is left empty."""
    lines = [list(_COLUMNS), ["---"] * len(_COLUMNS)]
    lines += [[_cell(row.get(field)) for field in _COLUMNS.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


if __name__ == "__main__":
    main()
