"""`evaluate --save-features` and `embed`: embeddings for a classifier of one's own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_track import AudioError, ModelError, embed
from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from tests.helpers.foreign_models import write_moods
from tests.helpers.labelled_clips import write_labelled, write_rows
from tests.helpers.signals import read_wav
from tests.paths import SPOKEN

LABELS = ("Angry", "Bored")
"""One that our models have, and one that they do not have."""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    return write_rows(folder / "manifest.csv", write_labelled(folder, LABELS, speakers=("bob", "ann"), each=2)[::-1])


def test_numpy_reads_all_clips_in_the_order_of_their_paths(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "features.npz"
    assert main(["evaluate", str(manifest), "--save-features", str(file)]) == 0
    assert "clips     4" in capsys.readouterr().out  # figures are of the label that the model has
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    paths = arrays["path"].tolist()
    assert paths == sorted(paths)
    assert len(paths) == 8
    assert set(zip(arrays["emotion"].tolist(), arrays["speaker"].tolist(), strict=True)) == {
        *(("Angry", "ann"), ("Angry", "bob"), ("Bored", "ann"), ("Bored", "bob"))
    }
    assert arrays["embedding"].shape == (8, 128)
    assert arrays["embedding"].dtype == np.float32
    assert arrays["labels"].tolist() == ["anger", "happiness", "sadness", "neutral"]
    np.testing.assert_allclose(arrays["probabilities"].sum(axis=1), 1, atol=1e-5)
    assert str(arrays["model"]).startswith("small@")
    for path, embedding in zip(paths, arrays["embedding"], strict=True):
        np.testing.assert_allclose(embed(manifest.parent / path), embedding, atol=1e-6)


def test_pandas_reads_the_same(manifest: Path, tmp_path: Path) -> None:
    for name in ("features.npz", "features.csv"):
        assert main(["evaluate", str(manifest), "--save-features", str(tmp_path / name)]) == 0
    table = pd.read_csv(tmp_path / "features.csv")
    with np.load(tmp_path / "features.npz") as stored:
        assert table["path"].tolist() == stored["path"].tolist()
        values = table[[f"embedding_{i}" for i in range(128)]].to_numpy(np.float32)
        np.testing.assert_array_equal(values, stored["embedding"])
        np.testing.assert_array_equal(table[stored["labels"].tolist()].to_numpy(np.float32), stored["probabilities"])


def test_clips_of_other_emotions_alone_have_features_and_no_figures(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(path, label, speaker) for path, label, speaker in _rows(manifest) if label == "Bored"]
    other = write_rows(manifest.parent / "bored.csv", rows)
    file = tmp_path / "features.npz"
    assert main(["evaluate", str(other), "--save-features", str(file)]) == 0
    assert "no figures: the model has none of the emotions in the manifest" in capsys.readouterr().out
    with np.load(file) as stored:
        assert set(stored["emotion"].tolist()) == {"Bored"}
    assert main(["evaluate", str(other)]) == 1  # without it, nothing was done


def _rows(manifest: Path) -> list[tuple[str, str, str]]:
    lines = manifest.read_text(encoding="utf-8").splitlines()[1:]
    return [(path, label, speaker) for path, label, speaker in (line.split(",") for line in lines)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("features.parquet", "is neither .npz, for numpy, nor .csv, for pandas"), ("no/f.npz", "does not exist")],
)
def test_names_that_cannot_be_written_are_refused_before_the_work(
    manifest: Path, tmp_path: Path, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(manifest), "--save-features", str(tmp_path / name)]) == 2
    assert reason in capsys.readouterr().err


def test_a_model_without_an_embedding_is_named(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, file = str(write_moods(tmp_path)), tmp_path / "features.npz"
    assert main(["evaluate", str(manifest), "--model", model, "--save-features", str(file)]) == 2
    assert "moods@1.2.0 has no embedding" in capsys.readouterr().err
    with pytest.raises(ModelError, match="has no embedding"):
        embed(SPOKEN, model=model)


def test_samples_are_embedded_as_their_file_is() -> None:
    samples: FloatArray = read_wav(SPOKEN)
    of_file = embed(SPOKEN)
    np.testing.assert_allclose(embed(samples, rate_hz=16_000), of_file, atol=1e-3)
    stereo = np.stack([samples, samples], axis=1)
    np.testing.assert_allclose(embed(stereo, rate_hz=16_000), of_file, atol=1e-3)
    assert np.abs(embed(SPOKEN, model="base") - of_file).max() > 0.1


def test_what_cannot_be_embedded_is_said() -> None:
    with pytest.raises(AudioError, match="give rate_hz"):
        embed(np.zeros(16_000, np.float32))
    with pytest.raises(AudioError, match="leave rate_hz out"):
        embed(SPOKEN, rate_hz=16_000)
    with pytest.raises(AudioError, match=r"numpy\.frombuffer"):
        embed(b"abc", rate_hz=16_000)
    with pytest.raises(AudioError, match="holds no samples"):
        embed(np.zeros(0, np.float32), rate_hz=16_000)
