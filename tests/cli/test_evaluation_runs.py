"""How `evaluate` judges files: alone, and in calls whose order does not depend on the files' sound."""

from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from ser_track.cli.call_order import Mix, calls_of
from ser_track.cli.evaluation_runs import Judge, Judged
from ser_track.cli.manifest import Clip
from ser_track.labels import EMOTIONS, FOUR
from ser_track.models import Models
from ser_track.recordings.file import read_mono
from tests.helpers.fake_models import EnergyDetector, VoiceClassifier
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import tone

NEUTRAL = EMOTIONS.index("neutral")
JUDGE = Judge(Models(EnergyDetector(), VoiceClassifier()), FOUR)


def write(clip: Clip, level: float) -> None:
    record(clip.path, "pcm_s16le", [Sound(tone(150, 0.5)[:, None] * np.float32(level))])


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Nine clips of one person, each louder than the one before."""
    made = [Clip(f"{i}.wav", tmp_path / f"{i}.wav", min(i, NEUTRAL), "ada") for i in range(9)]
    for number, clip in enumerate(made):
        write(clip, 0.1 * (number + 1))
    return made


def in_call(clips: list[Clip], mix: Mix) -> dict[str, list[float]]:
    calls = calls_of([(clip.speaker, clip.name, clip.emotion) for clip in clips], mix)
    outcomes = list(JUDGE.in_calls(clips, calls))
    judged = [outcome for _, outcome in outcomes if isinstance(outcome, Judged)]
    assert len(judged) == len(clips)
    return {item.clip.name: item.probabilities.tolist() for item in judged}


@pytest.mark.parametrize("share", [None, 0.0, 0.5, 0.8, 1.0])
def test_what_is_played_later_does_not_change_what_came_before(share: float | None, clips: list[Clip]) -> None:
    mix = Mix(share, NEUTRAL)
    order = [play.clip for play in mix.order("ada", [(clip.name, clip.emotion) for clip in clips])]
    first_times = list(dict.fromkeys(order))
    before = in_call(clips, mix)
    last = first_times[-1]
    write(clips[last], 1.0)
    after = in_call(clips, mix)
    assert {name for name in before if before[name] != after[name]} == {clips[last].name}


def test_what_is_played_first_changes_what_comes_after(clips: list[Clip]) -> None:
    mix = Mix(None, NEUTRAL)
    first, *others = (play.clip for play in mix.order("ada", [(clip.name, clip.emotion) for clip in clips]))
    before = in_call(clips, mix)
    write(clips[first], 0.05)
    after = in_call(clips, mix)
    # Clips that are quieter than the voice is used to stay wholly neutral.
    angry = [clips[i].name for i in others if before[clips[i].name][0] > 0]
    assert angry
    assert all(before[name] != after[name] for name in angry)


def test_a_clip_is_decoded_once_in_a_call(clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []

    def read(path: Path) -> FloatArray:
        decoded.append(path.name)
        return read_mono(path)

    monkeypatch.setattr("ser_track.cli.evaluation_runs.read_mono", read)
    in_call(clips, Mix(0.95, NEUTRAL))
    assert sorted(decoded) == [clip.name for clip in clips]
    decoded.clear()
    monkeypatch.setattr("ser_track.cli.evaluation_runs._MAX_KEPT_SAMPLES", 20_000)  # two clips and a half
    in_call(clips, Mix(0.95, NEUTRAL))
    assert len(decoded) > len(clips)
    assert set(decoded) == {clip.name for clip in clips}
