"""A model of somebody else through the commands: its labels are in every format, page, picture, table and figure."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from ser_track.models import Models
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile
from tests.helpers.event_schema import parse_lines
from tests.helpers.fake_models import EnergyDetector, LevelClassifier
from tests.helpers.foreign_models import BESIDE, MOODS, write_moods
from tests.paths import SPOKEN

TITLES = [BESIDE["titles"].get(name, name) for name in MOODS]
FORMATS = ("jsonl", "csv", "vtt", "textgrid", "eaf", "rttm", "emotionml", "audacity", "html", "png", "svg", "pdf")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all formats of one recording."""
    folder = tmp_path_factory.mktemp("moods")
    config = folder / "config.json"
    config.write_text(json.dumps({"pipeline": {"model": str(write_moods(folder)), "min_confidence": 0.3}}))
    options = ["--jobs", "1", "--format", ",".join(FORMATS), "--out", f"{folder}/"]
    assert main(["--config", str(config), "analyze", *options, str(SPOKEN)]) == 0
    return folder


def text_of(folder: Path, suffix: str) -> str:
    return (folder / f"spoken.{suffix}").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def labels(results: Path) -> list[str]:
    """Of the final results, in order."""
    events = parse_lines(text_of(results, "jsonl"))
    emotions = [event for event in events if event["type"] == "emotion"]
    assert all(tuple(event["probabilities"]) == MOODS for event in emotions)
    finals = [event["label"] for event in emotions if event["final"]]
    assert set(finals) & set(MOODS)
    return finals


def test_tables_and_annotations_have_its_names(results: Path, labels: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(text_of(results, "csv").removeprefix("\ufeff"))))
    assert [row["label"] for row in rows if row["label"]] == labels
    assert all(sum(float(row[name]) for name in MOODS) == pytest.approx(1, abs=1e-3) for row in rows if row["label"])
    assert re.findall(r"<NA> <NA> (\S+) ", text_of(results, "rttm")) == labels
    for suffix in ("TextGrid", "eaf", "txt"):
        assert all(label in text_of(results, suffix) for label in labels), suffix
    assert "tense 0." in text_of(results, "eaf")


def test_emotionml_declares_its_vocabulary(results: Path, labels: list[str]) -> None:
    root = ElementTree.fromstring(text_of(results, "emotionml"))
    space = {"e": "http://www.w3.org/2009/10/emotionml"}
    assert tuple(item.get("name") for item in root.findall("e:vocabulary/e:item", space)) == MOODS
    for emotion in root.findall("e:emotion", space):
        assert tuple(category.get("name") for category in emotion.findall("e:category", space)) == MOODS
    assert len(root.findall("e:emotion", space)) == len(labels)


def test_captions_have_its_titles(results: Path, labels: list[str]) -> None:
    said = [f"sounds like {BESIDE['titles'].get(name, name)} (" if name in MOODS else name for name in labels]
    captions = re.findall(r"<v [^>]*>[^:]*: (.*)</v>", text_of(results, "vtt"))
    assert [caption.startswith(start) for caption, start in zip(captions, said, strict=True)] == [True] * len(said)


def test_the_page_has_its_titles_symbols_and_colours(results: Path) -> None:
    page = text_of(results, "html")
    for name, title in zip(MOODS, TITLES, strict=True):
        assert f'<symbol id="m-{name}"' in page
        assert f'<pattern id="p-{name}"' in page
        assert f'<use href="#m-{name}"/></svg> <b>{title}</b>' in page
    assert ".label-calm { color: #336699; }" in page
    assert re.findall(r"\.label-angry { color: (#\w+); }", page) == ["#aa0000", "#ff9999"]
    assert "repeat(5, 24px)" in page
    assert "The five probabilities add up to" in page
    for ours in ("anger", "happiness", "sadness", "neutral"):
        assert ours not in page, ours
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0])
    assert data["emotions"] == TITLES


def test_the_picture_has_its_titles_and_colours(results: Path) -> None:
    words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", text_of(results, "svg")))
    for title in TITLES:
        assert f"P({title})" in words
        assert f"heard as {title}" in words
    assert "#336699" in text_of(results, "svg")
    assert (results / "spoken.png").stat().st_size > 10_000
    assert (results / "spoken.pdf").read_bytes().startswith(b"%PDF")


def write_manifest(folder: Path, emotions: list[str]) -> Path:
    manifest = folder / "manifest.csv"
    rows = [f"{SPOKEN},{emotion},s{number % 2}" for number, emotion in enumerate(emotions)]
    manifest.write_text("\n".join(["path,emotion,speaker", *rows]), encoding="utf-8")
    return manifest


def test_a_manifest_may_use_its_names_and_titles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = write_manifest(tmp_path, ["Calm", "excited (happy)", "angry", "tense", "fear"])
    figures = tmp_path / "figures.json"
    model = str(write_moods(tmp_path, compatible={"calm": "neutral", "angry": "anger"}))
    assert main(["evaluate", str(manifest), "--model", model, "--adapt", "--json", str(figures)]) == 0
    result = json.loads(figures.read_text(encoding="utf-8"))
    assert (result["model"], result["n"], result["skipped"]["emotions"]) == ("moods@1.2.0", 4, {"fear": 1})
    assert list(result["recall"]) == list(result["confusion"]) == list(MOODS)
    assert result["recall"]["bored"] is None
    assert result["in_call"]["n"] == 4
    said = capsys.readouterr().out
    assert re.search(r"calm +excited +angry +bored +tense", said)


def test_our_four_can_be_measured_where_its_labels_stand_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_manifest(tmp_path, ["sad", "angry", "neutral", "happy"])
    meanings = {"angry": "anger", "excited": "happiness", "bored": "sadness", "calm": "neutral"}
    model = str(write_moods(tmp_path, compatible=meanings))
    assert main(["evaluate", str(manifest), "--model", model, "--emotions", "4"]) == 0
    assert re.search(r"anger +happiness +sadness +neutral", capsys.readouterr().out)
    (tmp_path / "own").mkdir()
    assert main(["evaluate", str(manifest), "--model", str(write_moods(tmp_path / "own")), "--emotions", "4"]) == 2
    assert (
        "has the labels calm, excited, angry, bored, tense, which are not our 4; leave it out"
        in capsys.readouterr().err
    )
    assert main(["evaluate", str(manifest), "--model", model, "--emotions", "6"]) == 1
    assert "moods@1.2.0 has 5 labels, not six" in capsys.readouterr().err


def test_classify_names_its_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--json", "--model", str(write_moods(tmp_path)), str(SPOKEN)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert tuple(result["probabilities"]) == MOODS
    assert result["label"] in MOODS


def test_listen_shows_its_titles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"pipeline": {"model": str(write_moods(tmp_path)), "min_confidence": 0.0}}))
    assert main(["--config", str(config), "listen", "--file", str(SPOKEN), "--speed", "100"]) == 0
    (first, *_) = [line for line in capsys.readouterr().out.splitlines() if "%" in line]
    assert re.search(r"\(calm \d+%, Excited \(happy\) \d+%, angry \d+%, bored \d+%, tense \d+%\)", first)


class Failing(LevelClassifier):
    """Somebody else's, with a fault of its own."""

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Never works."""
        raise ValueError("no weights")


class Lopsided(LevelClassifier):
    """Gives fewer probabilities than it has labels."""

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Three of four."""
        return Prediction(np.full(3, 1 / 3, np.float32))


@pytest.mark.parametrize(
    ("classifier", "reason"),
    [(Failing(), "level@1: no weights"), (Lopsided(), "is not a distribution over its 4 labels")],
)
@pytest.mark.parametrize("command", ["classify", "evaluate"])
def test_a_model_that_fails_is_named_and_does_not_end_in_a_traceback(
    command: str,
    classifier: LevelClassifier,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = Models(EnergyDetector(), classifier)
    monkeypatch.setattr(f"ser_track.cli.{command}.load_models", lambda config: models)
    given = SPOKEN if command == "classify" else write_manifest(tmp_path, ["anger", "neutral"])
    assert main([command, str(given)]) == 1
    assert reason in capsys.readouterr().err
