"""Real speech under the names that the examples of README, docs and docstrings give to files."""

import shutil
from pathlib import Path

import numpy as np

from tests.helpers.signals import read_wav
from tests.paths import DATA, ROOT, SPOKEN


def copy_example_files(folder: Path) -> None:
    """Put there what the examples open."""
    shutil.copy(ROOT / "config.json", folder)
    shutil.copy(DATA / "spoken_two_tracks.mka", folder / "meeting.mkv")
    shutil.copy(SPOKEN, folder / "call.wav")
    samples = read_wav(SPOKEN)
    samples.tofile(folder / "call.f32")
    (samples * np.float32(32_767)).astype("<i2").tofile(folder / "call.s16")
