"""The corpora: which clips there are, what they are labelled, and their audio.

Read from `../shared/corpora` beside the repository; nothing of it is copied here.
"""

import csv
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.labels import EMOTIONS

SHARED: Final = Path(__file__).parents[2] / "shared"
CORPORA: Final = SHARED / "corpora"
# The four of `EMOTIONS` first, so that they have the same numbers in both sets.
SIX_EMOTIONS: Final = (*EMOTIONS, "disgust", "fear")
# RAVDESS's calm counts as neutral; clips of every other emotion (surprise) are left out.
_LABEL_OF: Final = {
    "angry": "anger", "happy": "happiness", "sad": "sadness", "neutral": "neutral", "calm": "neutral",
    "disgust": "disgust", "fear": "fear",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording whose label is one of the six; `label` is its number in `SIX_EMOTIONS`."""

    corpus: str
    path: str
    speaker: str
    label: int

    @property
    def sentence(self) -> str:
        """CREMA-D's code of what is said, "" elsewhere."""
        return Path(self.path).stem.split("_")[1] if self.corpus == "cremad" else ""


def read_clips(corpus: str, n_emotions: int = len(EMOTIONS)) -> list[Clip]:
    """The clips of a corpus that carry one of the first four or six labels, in the order of their paths."""
    with (CORPORA / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == corpus and row["emotion"] in _LABEL_OF]
    clips = [Clip(corpus, row["path"], row["speaker"], SIX_EMOTIONS.index(_LABEL_OF[row["emotion"]])) for row in rows]
    return sorted((clip for clip in clips if clip.label < n_emotions), key=lambda clip: clip.path)


def read_sounds(folds: tuple[int, ...]) -> list[str]:
    """Paths of ESC-10's recordings (no speech) of these folds, 1 to 5; its own names tell the fold."""
    names = sorted(path.name for path in (CORPORA / "esc10").glob("*.opus"))
    return [f"esc10/{name}" for name in names if int(name.split("-")[1]) in folds]


@functools.cache
def votes() -> dict[str, FloatArray]:
    """CREMA-D file stem → [6] shares of the listeners who chose each of `SIX_EMOTIONS` from the voice alone."""
    with (CORPORA / "cremad_votes.csv").open(encoding="utf-8", newline="") as file:
        counted = {row["clip"]: [float(row[name]) for name in SIX_EMOTIONS] for row in csv.DictReader(file)}
    return {clip: np.array(n, np.float32) / max(sum(n), 1.0) for clip, n in counted.items()}


def read_audio(clip: Clip | str) -> FloatArray:
    """[n] samples at 16 kHz, mono, as stored; by clip, or by path within the corpora."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(CORPORA / (clip if isinstance(clip, str) else clip.path)), "r") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32, copy=False)
