"""`ser-track evaluate --save-features`: embeddings and probabilities of clips, for numpy or pandas."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ser_track.cli.analyze.atomic_files import replaced
from ser_track.cli.evaluation_runs import Judged
from ser_track.errors import ConfigError, ModelError
from ser_track.labels import LabelSet

_OPTION: Final = "--save-features"
_SUFFIXES: Final = (".npz", ".csv")


def check_features_file(path: Path) -> None:
    """Check the name before the work.

    Raises:
        ConfigError: it is not that of a format that we write, or its folder does not exist.
    """
    if path.suffix not in _SUFFIXES:
        raise ConfigError(_OPTION, [f"{path} is neither .npz, for numpy, nor .csv, for pandas; give one of them"])
    if not path.parent.is_dir():
        raise ConfigError(_OPTION, [f"the folder {path.parent} does not exist; create it, or name another"])


def save_features(path: Path, judged: Sequence[Judged], labels: LabelSet, model: str) -> None:
    """Write a row for each clip, in the order of their paths, as docs/tune.md describes.

    Raises:
        ConfigError: the file cannot be written.
        ModelError: the model has no embedding.
    """
    if any(item.embedding is None for item in judged):
        raise ModelError(f"{model} has no embedding, so there are no features to save; use small or base")
    rows = sorted(judged, key=lambda item: (item.clip.name, item.clip.speaker, item.clip.word))
    try:
        with replaced(path) as part:
            (_write_npz if path.suffix == ".npz" else _write_csv)(part, rows, labels, model)
    except OSError as error:
        raise ConfigError(_OPTION, [f"{path} cannot be written ({error.strerror}); name another file"]) from error


def _write_npz(file: Path, rows: Sequence[Judged], labels: LabelSet, model: str) -> None:
    """Arrays by name; strings are stored as such, so that numpy reads them without pickle."""
    with file.open("wb") as stream:
        np.savez(
            stream,
            path=np.array([row.clip.name for row in rows]),
            speaker=np.array([row.clip.speaker for row in rows]),
            emotion=np.array([row.clip.word for row in rows]),
            embedding=np.array([row.embedding for row in rows], np.float32),
            probabilities=np.array([row.probabilities for row in rows], np.float32),
            labels=np.array(labels.names),
            model=np.array(model),
        )


def _write_csv(file: Path, rows: Sequence[Judged], labels: LabelSet, model: str) -> None:
    """Columns path, speaker, emotion, model, the labels, then ``embedding_0`` and so on."""
    size = len(rows[0].embedding) if rows and rows[0].embedding is not None else 0
    columns = ["path", "speaker", "emotion", "model", *labels.names, *(f"embedding_{i}" for i in range(size))]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in rows:
            assert row.embedding is not None
            values = [f"{value:.9g}" for value in (*row.probabilities, *row.embedding)]
            writer.writerow([row.clip.name, row.clip.speaker, row.clip.word, model, *values])
