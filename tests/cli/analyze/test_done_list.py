"""Old archives stay done: lists that were written before mean the same settings, and new settings change no digest."""

from dataclasses import fields, make_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.analyze import settings
from ser_track.cli.analyze.analysis import Task
from ser_track.cli.analyze.documents import Documents, NamedDocument
from ser_track.cli.analyze.done_list import DoneList
from ser_track.cli.analyze.inputs import find_inputs
from ser_track.cli.analyze.settings import settings_of
from ser_track.config.schema import PipelineConfig
from tests.paths import SPOKEN

MODEL = "small@2.1.0"
BASE = Task(PipelineConfig(), Documents((), with_sound=False, min_confidence=0.5), split=False, provisional=True)
REPORT = NamedDocument("html", "pages/r.html")
PLOT = NamedDocument("png", "pages/{name}.png")
OTHER = PipelineConfig(six_emotions=True, min_confidence=0.6)
STORED = {
    # Written by `analyze` before settings were told by what differs from the defaults.
    "cc4f251a8a73abe6": BASE,
    "5910c4032a4838bd": replace(BASE, provisional=False),
    "7717576c0deef023": replace(
        BASE, provisional=False, names=("Ada",), documents=replace(BASE.documents, named=(REPORT,))
    ),
    "fc61ebb94b9e9d89": replace(
        BASE, config=OTHER, split=True, payload_type=96, documents=Documents((REPORT, PLOT), True, 0.6)
    ),
    # Written since then.
    "e86ab917728f2d1f": BASE,
    "218636bce72b3413": replace(
        BASE, config=OTHER, split=True, payload_type=96, documents=Documents((REPORT, PLOT), True, 0.6)
    ),
}


@pytest.mark.parametrize("digest", STORED)
def test_lists_of_before_count(digest: str, tmp_path: Path) -> None:
    assert digest in DoneList.of(tmp_path, settings_of(STORED[digest], MODEL)).settings


def test_a_list_of_before_says_that_its_recordings_are_done(tmp_path: Path) -> None:
    (source,) = find_inputs([SPOKEN]).found
    result = tmp_path / "spoken.csv"
    result.write_text("a result")
    old = DoneList(tmp_path / "ser-track-done.jsonl", ("5910c4032a4838bd",))
    old.add(source, [result])
    now = DoneList.of(tmp_path, settings_of(replace(BASE, provisional=False), MODEL))
    assert now.holds(now.read(), source, [result])
    others = DoneList.of(tmp_path, settings_of(BASE, MODEL))
    assert not others.holds(others.read(), source, [result])


def test_every_setting_makes_other_results() -> None:
    changed = [
        replace(BASE, config=PipelineConfig(end_silence_s=1.0)),
        replace(BASE, split=True),
        replace(BASE, provisional=False),
        replace(BASE, names=("Ada",)),
        replace(BASE, payload_type=96),
        replace(BASE, documents=Documents((), with_sound=True, min_confidence=0.5)),
    ]
    texts = {settings_of(task, MODEL)[0] for task in (BASE, *changed)} | {settings_of(BASE, "small@3")[0]}
    assert len(texts) == len(changed) + 2


def test_a_setting_that_a_later_version_adds_changes_nothing_until_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    later: Any = make_dataclass("PipelineConfig", [("novelty", int, 7)], bases=(PipelineConfig,), frozen=True)
    monkeypatch.setattr(settings, "PipelineConfig", later)
    assert "novelty" in {each.name for each in fields(later)}
    assert settings_of(replace(BASE, config=later()), MODEL) == settings_of(BASE, MODEL)
    assert not set(settings_of(replace(BASE, config=later(novelty=8)), MODEL)) & set(settings_of(BASE, MODEL))
