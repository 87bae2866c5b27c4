"""Labelled clips made of one recording: speakers differ in speed, labels in the noise behind the voice."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tests.helpers.recordings import Sound, record
from tests.helpers.signals import noise, read_wav
from tests.paths import SPOKEN

_CLIP_SAMPLES: Final = 14_000
Row = tuple[str, str, str]


def write_labelled(
    folder: Path, labels: Sequence[str], speakers: Sequence[str] = ("ann", "bob", "cem"), each: int = 4
) -> list[Row]:
    """``each`` clips of every label by every speaker in ``folder``; returns rows of path, emotion and speaker."""
    folder.mkdir(parents=True, exist_ok=True)
    voice = read_wav(SPOKEN)
    rows: list[Row] = []
    for number, speaker in enumerate(speakers):
        rate_hz = 16_000 + 1_500 * (number - len(speakers) // 2)
        for index, label in enumerate(labels):
            for take in range(each):
                begin = (take * len(speakers) + number) * 9_000 % (len(voice) - _CLIP_SAMPLES)
                level = 0.5 * index / len(labels)
                samples = voice[begin : begin + _CLIP_SAMPLES] + noise(_CLIP_SAMPLES, seed=take, peak=level)
                name = f"{speaker}-{index}-{take}.wav"
                record(folder / name, "pcm_s16le", [Sound(np.clip(samples, -1, 1)[:, None], rate_hz=rate_hz)])
                rows.append((name, label, speaker))
    return rows


def write_rows(manifest: Path, rows: Sequence[Row]) -> Path:
    """A manifest with these rows."""
    with manifest.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "emotion", "speaker"), *rows])
    return manifest
