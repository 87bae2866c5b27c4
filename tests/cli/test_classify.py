"""`classify`: a line per file, for people and for programs."""

import json
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from ser_track.labels import EMOTIONS
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import tone
from tests.paths import SPOKEN


def test_columns_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(SPOKEN)]) == 0
    columns, err = capsys.readouterr()
    assert err == ""
    path, label, confidence, *shares = columns.rstrip("\n").split("\t")
    assert main(["classify", "--json", str(SPOKEN)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["path"], result["label"], f"{result['confidence']:.4f}") == (path, label, confidence)
    assert list(result["probabilities"]) == list(EMOTIONS)
    assert [f"{share:.4f}" for share in result["probabilities"].values()] == shares
    assert sum(result["probabilities"].values()) == pytest.approx(1, abs=0.0003)
    assert result["confidence"] == max(result["probabilities"].values()) == result["probabilities"][label]
    assert "@" in result["model"]


def test_each_file_stands_alone_and_a_bad_one_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hum = record(tmp_path / "hum.flac", "flac", [Sound(tone(200, 1)[:, None])])
    bad = tmp_path / "bad.ogg"
    bad.write_bytes(b"OggS")
    assert main(["classify", str(SPOKEN), str(bad), str(hum)]) == 1
    out, err = capsys.readouterr()
    assert [line.split("\t")[0] for line in out.splitlines()] == [str(SPOKEN), str(hum)]
    assert err.count("\n") == 1
    assert str(bad) in err
    assert main(["classify", str(hum), str(SPOKEN)]) == 0
    assert capsys.readouterr().out.splitlines() == out.splitlines()[::-1]


def test_stereo_in_a_video_is_judged_as_the_same_voice_in_mono(
    tmp_path: Path, spoken: FloatArray, capsys: pytest.CaptureFixture[str]
) -> None:
    mono = record(tmp_path / "mono.wav", "pcm_s16le", [Sound(spoken[:48_000, None])])
    stereo = record(tmp_path / "film.mkv", "flac", [Sound(np.stack([spoken[:48_000]] * 2, 1))], video=True)
    assert main(["classify", "--json", str(mono), str(stereo)]) == 0
    one, other = (json.loads(line)["probabilities"] for line in capsys.readouterr().out.splitlines())
    assert one == pytest.approx(other, abs=0.01)


@pytest.mark.parametrize("name", ["small", "base"])
def test_a_model_can_be_chosen(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--json", "--model", name, str(SPOKEN)]) == 0
    assert json.loads(capsys.readouterr().out)["model"].startswith(f"{name}@")
