"""Every parser of what comes from outside, with the seeds and with some damaged inputs: always the same ones here."""

from pathlib import Path

import pytest

from fuzz.campaign import fuzz
from fuzz.targets import SEEDS, TARGETS

INPUTS = 100


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_is_refused_or_read_within_the_bounds(name: str, tmp_path: Path) -> None:
    found = fuzz(name, INPUTS)
    if found is not None:
        path = found.keep(tmp_path)
        pytest.fail(f"{found.reason}\n{found.output}\npython -m fuzz {name} --input {path}")


def test_every_folder_of_seeds_is_some_parser_s() -> None:
    assert {folder.name for folder in SEEDS.iterdir()} == {target.folder or name for name, target in TARGETS.items()}
