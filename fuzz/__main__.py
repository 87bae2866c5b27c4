"""``python -m fuzz``: fuzzes all parsers, or some, for as long as is asked for; or gives one input to one of them."""

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import Final

from fuzz.bounds import bounded, limit_memory
from fuzz.campaign import fuzz
from fuzz.targets import TARGETS

FINDINGS: Final = Path(__file__).parent / "findings"
_ROUND: Final = 2_000
"""Inputs of one process."""


def main() -> int:
    """Return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10, help="for each target (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each further one adds 1 (default: 0)")
    parser.add_argument("--input", type=Path, help="give this file to the one TARGET, in this process")
    args = parser.parse_args()
    if args.input is not None:
        if len(args.targets) != 1:
            parser.error("--input needs one TARGET")
        target = TARGETS[args.targets[0]]
        limit_memory()
        with bounded():
            target.run(args.input.read_bytes())
        return 0
    return max(_fuzz(name, args.seed, 60 * args.minutes) for name in args.targets or TARGETS)


def _fuzz(name: str, seed: int, seconds: float) -> int:
    begun = time.monotonic()
    for number in itertools.count(seed):
        found = fuzz(name, _ROUND, number)
        if found is not None:
            print(f"{name}: {found.reason} (seed {number})\n{found.output}\nthe input: {found.keep(FINDINGS)}")
            return 1
        print(f"{name}: {(number - seed + 1) * _ROUND} inputs, {time.monotonic() - begun:.0f} s", flush=True)
        if time.monotonic() - begun >= seconds:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
