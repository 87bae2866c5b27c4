"""`evaluate`: figures that can be checked against each other, and everything left out is said."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from ser_track.labels import EMOTIONS
from tests.helpers.foreign_models import write_moods
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import tone
from tests.paths import ROOT

CORPORA = ROOT.parent / "shared" / "corpora"
Row = tuple[str, str, str]


def write_manifest(folder: Path, rows: list[Row]) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "emotion", "speaker"), *rows])
    return path


def clip(folder: Path, name: str, samples: FloatArray) -> str:
    record(folder / name, "pcm_s16le", [Sound(samples[:, None])])
    return name


def judged_as(paths: list[Path], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `classify` says of each file."""
    assert main(["classify", *map(str, paths)]) == 0
    return [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]


def evaluate(manifest: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any], str, str]:
    figures = manifest.parent / "figures.json"
    code = main(["evaluate", str(manifest), "--json", str(figures), *options])
    return code, json.loads(figures.read_text(encoding="utf-8")), *capsys.readouterr()


def check(result: dict[str, Any]) -> None:
    """Figures of one result must agree with its confusion matrix."""
    counts = np.array([[result["confusion"][true][said] for said in EMOTIONS] for true in EMOTIONS])
    assert counts.sum() == result["n"]
    assert result["accuracy"] == pytest.approx(np.trace(counts) / result["n"])
    by_hand = {
        name: None if not counts[i].sum() else pytest.approx(counts[i, i] / counts[i].sum())
        for i, name in enumerate(EMOTIONS)
    }
    assert result["recall"] == by_hand
    assert result["uar"] == pytest.approx(np.mean([share for share in result["recall"].values() if share is not None]))
    assert result["neutral_recall"] == result["recall"]["neutral"]
    assert 0 <= result["ece"] <= 1
    assert 0 <= result["confident_and_wrong"] <= 1 - result["accuracy"]
    if result["uar_95"] is not None:
        low, high = result["uar_95"]
        assert 0 <= low <= high <= 1


@pytest.fixture
def clips(tmp_path: Path, spoken: FloatArray) -> list[str]:
    """Four pieces of one recording, and a hum."""
    pieces = [spoken[at * 16_000 : (at + 3) * 16_000] for at in (0, 3, 7, 9)]
    return [clip(tmp_path, f"{number}.wav", piece) for number, piece in enumerate([*pieces, tone(150, 1)])]


def test_figures_follow_from_what_classify_says(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = judged_as([tmp_path / name for name in clips], capsys)
    true = [said[0], *(next(e for e in EMOTIONS if e != label) for label in said[1:])]
    manifest = write_manifest(tmp_path, [(name, emotion, "") for name, emotion in zip(clips, true, strict=True)])
    code, result, out, err = evaluate(manifest, capsys)
    assert (code, err) == (0, "")
    check(result)
    expected = Counter(zip(true, said, strict=True))
    for (emotion, label), count in expected.items():
        assert result["confusion"][emotion][label] == count
    assert result["accuracy"] == pytest.approx(1 / 5)
    assert result["skipped"] == {"emotions": {}, "files": []}
    assert (result["speakers"], result["uar_95"]) == (None, None)
    absent = set(EMOTIONS) - set(true)
    assert {name for name, share in result["recall"].items() if share is None} == absent
    assert out.count("none in the manifest") == len(absent)
    assert f"UAR       {100 * result['uar']:.1f} %" in out


def test_rows_stand_alone(tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(name, EMOTIONS[number % 4], "") for number, name in enumerate(clips)]
    _, result, *_ = evaluate(write_manifest(tmp_path, rows), capsys)
    _, reverse, *_ = evaluate(write_manifest(tmp_path, rows[::-1]), capsys)
    _, twice, *_ = evaluate(write_manifest(tmp_path, rows * 2), capsys)
    assert reverse["confusion"] == result["confusion"]
    assert reverse["ece"] == pytest.approx(result["ece"])
    assert twice["n"] == 2 * result["n"]
    assert twice["uar"] == result["uar"]


def test_everything_left_out_is_said_and_the_rest_is_judged(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_text("no sound")
    rows = [
        (clips[0], "Happy", "ada"),
        (clips[1], "calm", "bob"),
        ("gone.wav", "sad", "bob"),
        ("broken.wav", "angry", "bob"),
        (clips[2], "fear", "ada"),
        (clips[3], "surprised", "ada"),
        (clips[4], "fear", "bob"),
        ("", "sad", "bob"),
    ]
    code, result, out, err = evaluate(write_manifest(tmp_path, rows), capsys)
    assert code == 1
    check(result)
    assert result["n"] == 2
    assert result["skipped"]["emotions"] == {"fear": 2, "surprised": 1}
    assert {file["path"] for file in result["skipped"]["files"]} == {"gone.wav", "broken.wav", "line 9"}
    assert all(file["reason"] for file in result["skipped"]["files"])
    assert len(err.splitlines()) == 3
    assert "left out  3 clips" in out
    assert "failed    3 clips" in out
    assert result["speakers"] == 2
    assert "over 2 speakers" in out


def test_nothing_to_judge_is_an_error_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(write_manifest(tmp_path, [("a.wav", "fear", "")]))]) == 1
    assert "no clip that could be judged; 0 failed, emotions left out: fear" in capsys.readouterr().err


def test_a_model_can_be_chosen_and_must_exist(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_manifest(tmp_path, [(clips[0], "sad", "")])
    for name in ("small", "base"):
        assert main(["evaluate", str(manifest), "--model", name]) == 0
        assert f"model     {name}@" in capsys.readouterr().out
    assert main(["evaluate", str(manifest), "--model", str(tmp_path / "gone.onnx")]) == 2
    assert "gone.onnx does not exist" in capsys.readouterr().err


def test_six_emotions_are_told_apart_where_asked_for(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    emotions = ("angry", "fearful", "disgust", "surprised", "sad")
    manifest = write_manifest(tmp_path, [(name, emotion, "") for name, emotion in zip(clips, emotions, strict=True)])
    code, result, out, _ = evaluate(manifest, capsys, "--emotions", "6")
    assert code == 0
    assert result["n"] == 4
    assert result["skipped"]["emotions"] == {"surprised": 1}
    assert list(result["recall"]) == ["anger", "happiness", "sadness", "neutral", "disgust", "fear"]
    assert result["recall"]["fear"] is not None
    assert "disgust" in out


def test_in_call_order_each_clip_is_judged_once_more_with_its_speaker_s_past(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(name, EMOTIONS[3 - number % 2], f"s{number // 3}") for number, name in enumerate(clips)]
    rows += rows[:1]  # the same file twice counts twice, there too
    manifest = write_manifest(tmp_path, rows)
    code, result, out, _ = evaluate(manifest, capsys, "--adapt")
    assert code == 0
    check(result)
    check(result["in_call"])
    assert result["n"] == result["in_call"]["n"] == 6
    assert "IN A CALL" in out
    assert evaluate(manifest, capsys, "--adapt")[1] == result
    # Alone they are what they are without --adapt.
    _, alone, *_ = evaluate(manifest, capsys)
    assert alone == {name: value for name, value in result.items() if name != "in_call"}


@pytest.mark.parametrize("share", ["0", "0.5", "0.8", "1", "corpus"])
def test_the_share_of_neutral_can_be_chosen(
    share: str, tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(name, EMOTIONS[3 - number % 4], f"s{number // 3}") for number, name in enumerate(clips)]
    rows.append((clips[0], "sad", "s1"))  # one neutral and two others of s0, one neutral and two others of s1
    rows[4] = (clips[4], "neutral", "s1")
    manifest = write_manifest(tmp_path, rows)
    code, result, out, _ = evaluate(manifest, capsys, "--adapt", "--neutral-share", share)
    assert code == 0
    check(result["in_call"])
    learnt = {"0": (4, 0), "0.5": (8, 0.5), "0.8": (20, 0.8), "1": (2, 1), "corpus": (6, 1 / 3)}[share]
    assert (result["in_call"]["learnt_clips"], result["in_call"]["learnt_neutral_share"]) == pytest.approx(learnt)
    assert result["in_call"]["neutral_share"] == ("corpus" if share == "corpus" else float(share))
    asked = "each clip once" if share == "corpus" else f"--neutral-share {share}"
    assert f"adapts to {learnt[0]} clips, {100 * learnt[1]:.1f} % of them neutral ({asked})" in out
    for line in ("ECE  ", "wrong  ", "neutral  "):
        assert len(re.findall(rf"^{line}.*%", out, re.MULTILINE)) == 2
    for order in ([*reversed(rows)], [*rows[3:], *rows[:3]]):
        assert evaluate(write_manifest(tmp_path, order), capsys, "--adapt", "--neutral-share", share)[1] == result


@pytest.mark.parametrize("share", ["1.01", "-0.1", "nan", "half", ""])
def test_a_share_of_neutral_is_from_0_to_1(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "m.csv", "--adapt", f"--neutral-share={share}"])
    assert stopped.value.code == 2
    assert f"{share} is not a share of neutral; give a number from 0 to 1, or 'corpus'" in capsys.readouterr().err


def test_a_share_of_neutral_needs_calls_and_a_neutral_label(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_manifest(tmp_path, [(clips[0], "angry", "ada")])
    assert main(["evaluate", str(manifest), "--neutral-share", "0.5"]) == 2
    assert "--neutral-share: it says how clips are played with --adapt; add --adapt" in capsys.readouterr().err
    moods = ["evaluate", str(manifest), "--adapt", "--model", str(write_moods(tmp_path))]
    assert main([*moods, "--neutral-share", "0.5"]) == 2
    said = capsys.readouterr().err
    assert "none of the labels calm, excited, angry, bored, tense stands for neutral; give 'corpus', or set" in said
    for share in ([], ["--neutral-share", "corpus"]):
        assert main([*moods, *share]) == 0
        assert "adapts to 1 clips (each clip once)" in capsys.readouterr().out


def test_in_call_order_somebody_must_speak(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_manifest(tmp_path, [(clips[0], "sad", "ada"), (clips[1], "sad", "")])
    assert main(["evaluate", str(manifest), "--adapt"]) == 2
    assert "--adapt needs the speaker of each clip; fill in the column 'speaker'" in capsys.readouterr().err


def test_figures_that_cannot_be_written_are_said(
    tmp_path: Path, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_manifest(tmp_path, [(clips[0], "sad", "")])
    assert main(["evaluate", str(manifest), "--json", str(tmp_path / "no" / "figures.json")]) == 2
    out, err = capsys.readouterr()
    assert "UAR" in out
    assert "cannot be written" in err


@pytest.mark.shared
def test_a_corpus_is_evaluated_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not CORPORA.is_dir():
        pytest.skip("the corpora are not beside the repository")
    files = sorted((CORPORA / "cremad").glob("10[01]?_IEO_*.opus"))[:60]
    codes = {"ANG": "angry", "HAP": "happy", "SAD": "sad", "NEU": "neutral", "FEA": "fear", "DIS": "disgust"}
    names = [file.stem.split("_") for file in files]
    rows = [(str(file), codes[name[2]], name[0]) for file, name in zip(files, names, strict=True)]
    code, result, _, err = evaluate(write_manifest(tmp_path, rows), capsys)
    assert (code, err) == (0, "")
    check(result)
    left_out = result["skipped"]["emotions"]
    assert left_out.keys() == {"disgust", "fear"}
    assert result["n"] + sum(left_out.values()) == len(files) == 60
    low, high = result["uar_95"]
    assert low <= result["uar"] <= high
