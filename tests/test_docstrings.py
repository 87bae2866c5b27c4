"""The examples in the docstrings of the public names run as they stand, on real speech."""

import asyncio
import doctest
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiortc.contrib.media import MediaPlayer

import ser_track
from tests.helpers.example_files import copy_example_files

NAMES = {name: getattr(ser_track, name) for name in ser_track.__all__}
GLOBALS: dict[str, Any] = {**NAMES, "asyncio": asyncio, "np": np, "Path": Path, "MediaPlayer": MediaPlayer}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
EXAMPLES = {
    test.name: test
    for name, thing in NAMES.items()
    if inspect.isclass(thing) or inspect.isfunction(thing)
    for test in doctest.DocTestFinder(exclude_empty=True).find(thing, name, globs=dict(GLOBALS))
    if test.examples
}
# What programs are given and do not make. `Emotion`, `StreamKey` and `SerTrackError` show how such are used.
RECEIVED = {
    name for name, thing in NAMES.items() if inspect.isclass(thing) and thing.__module__ == "ser_track.event_types"
}
ERRORS = {name for name, thing in NAMES.items() if inspect.isclass(thing) and issubclass(thing, BaseException)}
# Sections of the configuration that `load_config` makes, and a protocol without members.
PARTS = {"Config", "DetectorState", "IceServer", "MeetingsConfig", "Prediction", "RoomsConfig", "RuntimeConfig"}
PARTS |= {"Colour", "ServerConfig", "Sink", "Symbol"}  # the first and the last are fields of a `Label`
# tests/meetings/ runs these with real servers.
MEETINGS = {"Bot", "Session", "join"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_example_files(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_example_runs_as_it_stands(example: doctest.DocTest) -> None:
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert "".join(said) == ""


def test_what_programs_call_or_make_has_an_example() -> None:
    used = {name for name, thing in NAMES.items() if inspect.isclass(thing) or inspect.isfunction(thing)}
    assert used - RECEIVED - ERRORS - PARTS - MEETINGS <= EXAMPLES.keys()
    assert {"Emotion", "StreamKey", "SerTrackError"} <= EXAMPLES.keys()
