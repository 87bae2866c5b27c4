"""Many files at once: in order, each once, and what happens when a worker dies."""

import multiprocessing
import os
from pathlib import Path

import pytest

from ser_track.cli.analyze.pool import Progress, in_order, usable_cores
from ser_track.errors import InferenceError

FILES = [Path(f"{number}.wav") for number in range(5)]


def named(path: Path, progress: Progress) -> str:
    progress(0.5)
    return path.stem


def dying(path: Path, progress: Progress) -> str:
    if path.stem == "2":
        os._exit(9)
    return path.stem


def failing(path: Path, progress: Progress) -> str:
    raise TimeoutError(path.stem)


def test_results_come_in_the_order_of_the_files_and_progress_ends_at_their_number() -> None:
    shown: list[float] = []
    assert list(in_order(named, FILES, 2, shown.append)) == ["0", "1", "2", "3", "4"]
    assert shown == sorted(shown)
    assert (min(shown) >= 0, shown[-1]) == (True, len(FILES))


def test_a_worker_that_dies_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InferenceError, match=r"^\d\.wav or a file after it: .* use a smaller --jobs$"):
        list(in_order(dying, FILES, 2, lambda done: None))


def test_what_the_work_raises_is_raised_here() -> None:
    with pytest.raises(TimeoutError, match=r"^0$"):
        list(in_order(failing, FILES[:2], 2, lambda done: None))


def test_a_caller_that_leaves_early_leaves_no_process() -> None:
    results = in_order(named, FILES, 2, lambda done: None)
    assert next(results) == "0"
    results.close()
    assert multiprocessing.active_children() == []


def test_there_is_a_core_to_use() -> None:
    assert usable_cores() >= 1
