"""Classifiers and detectors by name: ours, those of packages, and silero-vad's own file."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_track import SERPipeline
from ser_track.chunk import FloatArray
from ser_track.errors import ModelError
from ser_track.event_types import EngineEvent, SpeechEnded, SpeechStarted
from ser_track.models import load_detector, registry
from ser_track.models.packaged_silero import PackagedSileroVad
from ser_track.models.registry import CLASSIFIERS, DETECTORS, make_classifier, make_detector
from ser_track.models.silero import SileroVad
from ser_track.plugins import Plugins
from tests.helpers.event_schema import parse_lines
from tests.helpers.example_packages import PACKAGES, install, ser_track
from tests.helpers.fake_models import EnergyDetector, LevelClassifier
from tests.helpers.foreign_models import write_moods
from tests.paths import ROOT, SPOKEN

NAMES = ("ser-track-example-classifier", "ser-track-example-detector")


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """In each of which one of the examples is installed."""
    return {name: install(name, tmp_path_factory.mktemp(name)) for name in NAMES}


def test_the_example_classifier_is_listed_and_used(environments: dict[str, dict[str, str]], tmp_path: Path) -> None:
    environment = environments["ser-track-example-classifier"]
    (listed,) = (
        one for one in json.loads(ser_track(environment, "models", "--json").stdout) if one["name"] == "loudness"
    )
    assert (listed["source"], listed["model"], listed["licence"]) == (NAMES[0], "loudness@0.1.0", "MIT")
    assert listed["labels"] == ["quiet", "even", "raised"]
    assert listed["ms_for_3_s"] >= 0
    config = tmp_path / "config.json"
    config.write_text('{"pipeline": {"model": "loudness"}}')
    options = ["--config", str(config), "analyze", "--jobs", "2", "--format", "jsonl,csv,html", "--out", f"{tmp_path}/"]
    done = ser_track(environment, *options, str(SPOKEN), str(SPOKEN.with_name("spoken_two_tracks.mka")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    events = parse_lines((tmp_path / "spoken.jsonl").read_text(encoding="utf-8"))
    results = [one for one in events if one["type"] == "emotion"]
    assert results
    assert all(list(one["probabilities"]) == ["quiet", "even", "raised"] for one in results)
    assert "raised voice" in (tmp_path / "spoken.html").read_text(encoding="utf-8")


def test_the_example_detector_finds_the_speech(environments: dict[str, dict[str, str]], tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"pipeline": {"voice_detector": "energy"}}')
    done = ser_track(environments["ser-track-example-detector"], "--config", str(config), "analyze", str(SPOKEN))
    assert (done.returncode, done.stderr) == (0, "")
    assert sum(one["type"] == "speech_ended" for one in parse_lines(done.stdout)) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_the_guide_shows_the_examples_as_they_are(name: str) -> None:
    guide = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    for file in ("pyproject.toml", f"{name.replace('-', '_')}.py"):
        assert (PACKAGES / name / file).read_text(encoding="utf-8") in guide


def test_the_json_of_the_guide_describes_a_model(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    beside = json.loads(guide.partition("```json\n")[2].partition("```")[0])
    model = make_classifier(str(write_moods(tmp_path, **beside)))
    assert (model.name, set(model.labels.compatible)) == ("moods@1.2.0", {"angry", "excited", "bored", "calm"})


class Nothing:
    """Neither a classifier nor a detector."""


class Unlabelled(LevelClassifier):
    labels: Any = ("a", "b")


class Unnamed(LevelClassifier):
    name = "level"


def broken() -> None:
    raise RuntimeError("no weights")


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a package may bring, without a package."""
    values: dict[str, Any] = {
        "level": LevelClassifier,
        "energy": EnergyDetector,
        "nothing": Nothing,
        "unlabelled": Unlabelled,
        "unnamed": Unnamed,
        "broken": broken,
    }
    for kind, group in (("classifiers", CLASSIFIERS), ("detectors", DETECTORS)):
        points = [EntryPoint(name, f"{value.__module__}:{value.__name__}", group) for name, value in values.items()]
        points.append(EntryPoint("absent", "no.such.module:X", group))
        own = getattr(registry, kind)()._own
        monkeypatch.setattr(
            registry, kind, lambda group=group, own=own, points=points: Plugins(group, object, own, points)
        )


@pytest.mark.usefixtures("packages")
def test_what_a_package_brings_is_made_by_its_name() -> None:
    assert isinstance(make_classifier("level"), LevelClassifier)
    assert isinstance(make_detector("energy"), EnergyDetector)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", r"its factory's result \(Nothing\) does not have new_voice, classify; see docs/extending"),
        ("unlabelled", "its 'labels' are not a ser_track.labels.LabelSet"),
        ("unnamed", "its 'name' is 'level', not 'name@version'"),
        ("broken", r"'broken' of the package .* could not be created \(RuntimeError: no weights\)"),
        ("absent", "'absent' of the package no.such.module:X cannot be imported"),
        ("gone", "there is no model 'gone'; use small, base, absent, broken, energy, .* or the path of an ONNX file"),
    ],
)
def test_a_classifier_that_cannot_be_used_is_named_with_its_remedy(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        make_classifier(name)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", r"its factory's result \(Nothing\) does not have new_state, detect, detect_run"),
        ("gone", "there is no voice detector 'gone'; use one of builtin, silero-vad, absent, broken, energy"),
    ],
)
def test_a_detector_that_cannot_be_used_is_named_with_its_remedy(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        make_detector(name)


def test_without_the_silero_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (registry, "ser_track.models.packaged_silero"):
        where = module if isinstance(module, str) else module.__name__
        monkeypatch.setattr(f"{where}.packaged_file", lambda: None)
    assert "silero-vad" not in registry.detectors()
    with pytest.raises(ModelError, match="the package is not installed; pip install --no-deps silero-vad"):
        make_detector("silero-vad")


def speech(detector: str, samples: FloatArray) -> list[EngineEvent]:
    pipeline, events = SERPipeline(voice_detector=detector), list[EngineEvent]()
    for piece in [*np.array_split(samples, 7), None]:
        pipeline.flush() if piece is None else pipeline.consume(piece)
        events += [event for event in pipeline.events if isinstance(event, SpeechStarted | SpeechEnded)]
    return events


def test_the_packages_own_file_decides_as_ours_does(spoken: FloatArray) -> None:
    ours = speech("builtin", spoken)
    assert sum(isinstance(event, SpeechEnded) for event in ours) >= 3
    assert speech("silero-vad", spoken) == ours
    assert type(load_detector("builtin")) is SileroVad
    assert type(load_detector("silero-vad")) is PackagedSileroVad


def test_several_streams_and_a_run_get_what_each_gets_alone(spoken: FloatArray) -> None:
    packaged = PackagedSileroVad()
    windows = spoken[: 512 * 120].reshape(-1, 512)
    run = packaged.detect_run(windows, packaged.new_state())
    states = [packaged.new_state(), packaged.new_state()]
    both = np.stack([packaged.detect(np.stack([window, window * 0]), states) for window in windows])
    np.testing.assert_allclose(both[:, 0], run, atol=1e-5)
    ours = SileroVad()
    np.testing.assert_allclose(run, ours.detect_run(windows, ours.new_state()), atol=1e-4)


def test_neither_torch_nor_the_package_is_imported_for_its_file() -> None:
    program = (
        "import sys; from ser_track import SERPipeline; SERPipeline(voice_detector='silero-vad'); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "onnxruntime" in modules
    assert not modules & {"torch", "torchaudio", "silero_vad"}
