"""`ser-track tune`, from clips to a model that every command takes."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from ser_track import SERPipeline
from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from ser_track.models.emotion import EmotionModel
from tests.helpers.labelled_clips import Row, write_labelled, write_rows
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import tone
from tests.paths import SHARED, SPOKEN

LABELS = ("angry", "happy", "sad", "neutral", "Half asleep")


@dataclass
class Tuned:
    folder: Path
    rows: list[Row]
    file: Path
    figures: dict[str, Any]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """Made from 60 clips of three made-up speakers."""
    folder = tmp_path_factory.mktemp("tuned")
    rows = write_labelled(folder, LABELS)
    manifest = write_rows(folder / "labelled.csv", rows)
    assert tune(manifest, "mine.onnx", "--json", str(folder / "figures.json")) == 0
    return Tuned(folder, rows, folder / "mine.onnx", json.loads((folder / "figures.json").read_text(encoding="utf-8")))


def tune(manifest: Path, out: str, *options: str) -> int:
    return main(["tune", str(manifest), "--out", str(manifest.parent / out), *options])


def test_the_figures_fit_the_clips(tuned: Tuned) -> None:
    figures = tuned.figures
    assert (figures["n"], figures["speakers"]) == (60, 3)
    assert figures["folds"] == {"by": "speakers", "count": 3}
    assert {label["title"]: label["clips"] for label in figures["labels"]} == {name.lower(): 12 for name in LABELS}
    assert all(0 <= label["evidence"] <= 1 for label in figures["labels"])
    assert figures["compatible"] == {"angry": "anger", "happy": "happiness", "neutral": "neutral", "sad": "sadness"}
    for view in ("alone", "in_call"):
        own = figures["after"][view]
        assert own["n"] == 60
        assert set(own["recall"]) == {"angry", "happy", "sad", "neutral", "half_asleep"}
        assert own["uar"] > 0.4  # noise is easy to tell apart
        assert own["uar_95"][0] <= own["uar"] <= own["uar_95"][1]
        for when in ("before", "after"):
            assert figures["compared"][when][view]["n"] == 48
    assert figures["compared"]["labels"] == ["anger", "happiness", "sadness", "neutral"]
    assert figures["skipped"] == {"files": []}


def test_before_is_what_evaluate_says_of_the_base(tuned: Tuned, tmp_path: Path) -> None:
    rows = [(str(tuned.folder / path), *rest) for path, *rest in tuned.rows if rest[0] != LABELS[-1]]
    four = write_rows(tmp_path / "four.csv", [(path, label, speaker) for path, label, speaker in rows])
    files = tmp_path / "evaluated.json", tmp_path / "figures.json"
    assert main(["evaluate", str(four), "--adapt", "--json", str(files[0])]) == 0
    assert tune(four, "mine.onnx", "--json", str(files[1])) == 0
    alone, figures = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    before = figures["compared"]["before"]
    for evaluated, told in ((alone, before["alone"]), (alone["in_call"], before["in_call"])):
        assert told["confusion"] == evaluated["confusion"]
        assert told["uar_95"] == evaluated["uar_95"]
        assert told["ece"] == pytest.approx(evaluated["ece"], abs=1e-3)


def test_the_file_says_what_it_is(tuned: Tuned) -> None:
    about = {entry.key: entry.value for entry in onnx.load(tuned.file).metadata_props}
    assert about["name"] == "mine"
    assert about["version"].startswith(about["base_model"].partition("@")[2] + "+tuned.")
    assert json.loads(about["labels"]) == ["angry", "half_asleep", "happy", "neutral", "sad"]
    assert json.loads(about["titles"]) == {"half_asleep": "half asleep"}
    assert about["training_data"].startswith("head: 60 clips of 3 speakers, by ser-track tune; CREMA-D")
    assert "OpenAI Whisper" in about["licence"]
    assert "six_labels" not in about


def test_equal_clips_give_an_equal_file_whatever_the_order_of_rows(tuned: Tuned) -> None:
    manifest = write_rows(tuned.folder / "reversed.csv", tuned.rows[::-1])
    assert tune(manifest, "again.onnx", "--name", "mine") == 0
    assert (tuned.folder / "again.onnx").read_bytes() == tuned.file.read_bytes()


def test_the_file_recognises_the_clips_that_it_was_made_of(tuned: Tuned, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tuned.folder / "evaluated.json"
    manifest = str(tuned.folder / "labelled.csv")
    assert main(["evaluate", manifest, "--model", str(tuned.file), "--adapt", "--json", str(figures)]) == 0
    result = json.loads(figures.read_text(encoding="utf-8"))
    assert result["model"] == tuned.figures["model"]
    assert result["n"] == result["in_call"]["n"] == 60
    assert result["uar"] >= tuned.figures["after"]["alone"]["uar"]


def test_commands_and_library_take_the_file(
    tuned: Tuned, spoken: FloatArray, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "--model", str(tuned.file), "--final-only", str(SPOKEN)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    results = [event for event in events if event["type"] == "emotion"]
    assert results
    assert all(event["model"] == tuned.figures["model"] for event in results)
    assert set(results[0]["probabilities"]) == {"angry", "half_asleep", "happy", "neutral", "sad"}
    with SERPipeline(model=str(tuned.file), six_emotions=True) as pipeline:
        pipeline.consume(spoken)
        four = pipeline.flush() or pipeline.consume(spoken)
    assert four is not None
    assert set(four) == {"anger", "happiness", "sadness", "neutral"}
    assert sum(four.values()) == pytest.approx(1, abs=1e-4)


def test_it_adapts_to_voices(tuned: Tuned, spoken: FloatArray) -> None:
    model = EmotionModel.load(tuned.file)
    voice = model.new_voice()
    assert voice is not None
    alone = model.classify(spoken[:48_000], voice)
    assert alone.embedding is not None
    for _ in range(8):
        voice.update(alone.embedding + 1)
    assert np.abs(model.classify(spoken[:48_000], voice).probabilities - alone.probabilities).max() > 1e-3


def test_a_tuned_file_can_be_the_base(tuned: Tuned, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tuned.folder / "labelled.csv"
    assert tune(manifest, "twice.onnx", "--model", str(tuned.file)) == 0
    said = capsys.readouterr().out
    assert f"a head on {tuned.figures['model']}" in said
    assert "all labels" in said  # the two have the same
    assert (tuned.folder / "twice.onnx").stat().st_size == pytest.approx(tuned.file.stat().st_size, rel=0.01)


def test_single_clips_are_dealt_out_only_on_request_and_with_a_warning(
    tuned: Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(str(tuned.folder / path), label, "") for path, label, _ in tuned.rows]
    manifest = write_rows(tmp_path / "manifest.csv", rows)
    assert tune(manifest, "mine.onnx") == 2
    assert "60 of 60 clips do not name their speaker; fill in the column 'speaker'" in capsys.readouterr().err
    assert not (tmp_path / "mine.onnx").exists()
    assert tune(manifest, "mine.onnx", "--folds", "clips", "--json", str(tmp_path / "figures.json")) == 0
    said = capsys.readouterr().out
    assert "WARNING: the parts of the cross-validation share their speakers" in said
    assert "no figures in a call" in said
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["speakers"] is None
    assert figures["after"]["in_call"] is None
    assert EmotionModel.load(tmp_path / "mine.onnx").licence is not None


def test_clips_that_cannot_be_read_are_reported_and_the_rest_is_used(
    tuned: Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_text("no sound")
    rows = [(str(tuned.folder / path), label, speaker) for path, label, speaker in tuned.rows]
    rows += [("gone.wav", "sad", "ann"), ("broken.wav", "sad", "ann"), ("", "sad", "ann")]
    manifest = write_rows(tmp_path / "manifest.csv", rows)
    assert tune(manifest, "mine.onnx", "--json", str(tmp_path / "figures.json")) == 1
    err = capsys.readouterr().err
    assert all(name in err for name in ("gone.wav", "broken.wav", "line 64"))
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["n"] == 60
    assert len(figures["skipped"]["files"]) == 3
    assert (tmp_path / "mine.onnx").is_file()


def test_too_few_that_can_be_heard_are_too_few(
    tuned: Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(str(tuned.folder / path), label, speaker) for path, label, speaker in tuned.rows if label != "sad"]
    rows += [(f"gone{i}.wav", "sad", f"s{i}") for i in range(12)]
    assert tune(write_rows(tmp_path / "manifest.csv", rows), "mine.onnx") == 1
    assert "too few clips could be heard: label 'sad' has 0 clips; give at least 10" in capsys.readouterr().err
    assert not (tmp_path / "mine.onnx").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--out", "mine.bin"], "mine.bin is not the name of a model; give a name that ends in .onnx"),
        (["--out", "none/mine.onnx"], "the folder none does not exist"),
        (["--out", "mine.onnx", "--json", "mine.json"], "mine.json would be taken for the description of mine.onnx"),
        (["--out", "old.onnx"], "old.json would be taken for the description of old.onnx"),
        (["--out", "mine.onnx", "--name", "a@b"], "cannot be a model's name"),
        (["--out", "mine.onnx", "--model", "gone.onnx"], "gone.onnx does not exist"),
        (["--out", "mine.onnx", "--model", "small.txt"], "small.txt is not an ONNX file"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(
    options: list[str],
    reason: str,
    tuned: Tuned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.json").write_text("{}")
    Path("small.txt").write_text("no model")
    assert main(["tune", str(tuned.folder / "labelled.csv"), *options]) == 2
    assert reason in capsys.readouterr().err
    assert not list(tmp_path.glob("*.onnx"))


def test_missing_packages_are_named_with_the_extra(
    tuned: Tuned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ser_track.cli.tune.command.find_spec", lambda name: None)
    assert tune(tuned.folder / "labelled.csv", "other.onnx") == 2
    assert "it needs onnx and scikit-learn, which are not installed; pip install 'ser-track[tune]'" in (
        capsys.readouterr().err
    )


def test_sounds_that_are_no_speech_are_pointed_out(
    tuned: Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(str(tuned.folder / path), label, speaker) for path, label, speaker in tuned.rows if label == "sad"]
    for number in range(12):
        record(tmp_path / f"{number}.wav", "pcm_s16le", [Sound(tone(200 + 50 * number, 1)[:, None])])
        rows.append((f"{number}.wav", "a whistle", ["ann", "bob", "cem"][number % 3]))
    assert tune(write_rows(tmp_path / "manifest.csv", rows), "mine.onnx") == 0
    assert "the base hears little or no speech in the clips of a whistle" in capsys.readouterr().out


@pytest.mark.shared
@pytest.mark.slow
def test_a_corpus_with_a_label_of_its_own_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpora = SHARED / "corpora"
    if not corpora.is_dir():
        pytest.skip("the corpora are not beside the repository")
    with (corpora / "manifest.csv").open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if row["dataset"] == "javanese"]
    rows = [(str(corpora / row["path"]), row["emotion"], row["speaker"]) for row in found[::8]]
    manifest = write_rows(tmp_path / "manifest.csv", rows)
    assert tune(manifest, "mine.onnx", "--json", str(tmp_path / "figures.json")) == 0
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["after"]["alone"]["uar"] > 0.7
    assert figures["after"]["alone"]["recall"]["surprise"] > 0.5
