"""The process in which damaged input is parsed: ``python -m fuzz.child TARGET FOLDER EXAMPLES SEED``.

It writes each input to ``FOLDER/input`` before it parses it, so that the parent has it however this process ends.
"""

import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.bounds import INPUT, WITHIN_BOUNDS, limit_memory, noted
from fuzz.mutations import damaged
from fuzz.targets import TARGETS


def main(name: str, folder: str, examples: str, number: str) -> None:
    """Parse every seed as it is, then ``examples`` damaged ones."""
    target = TARGETS[name]
    seeds = target.seeds(name)
    for data in seeds:  # imports and caches are filled before anything is bounded
        target.run(data)
    limit_memory()
    parse = noted(target.run, Path(folder) / INPUT)
    for data in seeds:
        parse(data)
    fuzz = given(damaged(seeds, target.words))(parse)
    how = settings(
        max_examples=int(examples),
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    seed(int(number))(how(fuzz))()
    print(WITHIN_BOUNDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
