"""The corpora: which clips there are, what they are labelled, and their audio.

Read from `../shared/corpora` beside the repository; nothing of it is copied here.
"""

import argparse
import csv
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.labels import EMOTIONS

SHARED: Final = Path(__file__).parents[2] / "shared"
CORPORA: Final = SHARED / "corpora"
# The four of `EMOTIONS` first, so that they have the same numbers in both sets.
SIX_EMOTIONS: Final = (*EMOTIONS, "disgust", "fear")
# What an auxiliary output of training learns too; the shipped files do not have it.
ALL_EMOTIONS: Final = (*SIX_EMOTIONS, "surprise", "distress", "calm")
LABEL_OF: Final = {
    "angry": "anger", "happy": "happiness", "sad": "sadness", "disgusted": "disgust", "fearful": "fear",
    "surprised": "surprise", "distressed": "distress", **{name: name for name in ALL_EMOTIONS},
}  # fmt: skip
JOINED: Final = Path(__file__).parent / "cache" / "joined"
"""What `training.join` wrote: a JSON file for each corpus that is not in `../shared`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a corpus may be used for; a file that was trained on it carries that in its metadata."""

    title: str
    licence: str
    source: str


TERMS: Final = {
    "cremad": Terms("CREMA-D", "ODbL 1.0 (contents DbCL 1.0)", "Cao et al. 2014, acted American English"),
    "javanese": Terms("Javanese", "MIT", "2black0/sound-emotion-recognition-javanese, acted"),
    "emogator": Terms("EmoGator", "Apache-2.0", "Buhl 2023, bursts without words"),
    "esc10": Terms("ESC-10", "CC BY 3.0", "Piczak 2015, sounds that are not speech"),
}
SHARES: Final = {"cremad": 0.55, "javanese": 0.25, "emogator": 0.2}
"""How often each corpus is drawn from in training: by the diversity that it adds, not by its number of clips."""


def terms(corpus: str) -> Terms:
    """Of one of ours, or of one that joined."""
    return TERMS[corpus] if corpus in TERMS else Terms(**joined(corpus)["terms"])


def joined(corpus: str) -> dict[str, Any]:
    """What `training.join` wrote of a corpus: its terms, its rows and its speakers by group."""
    path = JOINED / f"{corpus}.json"
    if not path.exists():
        raise SystemExit(f"there is no corpus '{corpus}'; `python -m training.join` adds one from a manifest")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording; `label` is its number in `ALL_EMOTIONS`; `kind` is the owner's own, finer label; `path` is within
    the corpora of `../shared`, or absolute."""

    corpus: str
    path: str
    speaker: str
    label: int
    kind: str = ""

    @property
    def sentence(self) -> str:
        """CREMA-D's code of what is said, "" elsewhere."""
        return Path(self.path).stem.split("_")[1] if self.corpus == "cremad" else ""


def read_clips(corpus: str, n_emotions: int = len(EMOTIONS)) -> list[Clip]:
    """The clips of a corpus that carry one of the first labels, in the order of their paths.

    RAVDESS's calm counts as neutral, as it is usually done.
    """
    with (CORPORA / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == corpus] or joined(corpus)["rows"]
    clips = [Clip(corpus, row["path"], row["speaker"], _label(row), row.get("intensity", "")) for row in rows]
    return sorted((clip for clip in clips if clip.label < n_emotions), key=lambda clip: clip.path)


def _label(row: dict[str, str]) -> int:
    if row.get("dataset") == "ravdess" and row["emotion"] == "calm":
        return SIX_EMOTIONS.index("neutral")
    return ALL_EMOTIONS.index(LABEL_OF[row["emotion"]])


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


def add_corpora(parser: argparse.ArgumentParser) -> None:
    """The option that names the corpora to train on."""
    shares = [f"{name}={share}" for name, share in SHARES.items()]
    parser.add_argument(
        "--corpora", nargs="+", default=shares, metavar="NAME=SHARE", help=f"default: {' '.join(shares)}"
    )


def read_shares(named: Sequence[str]) -> dict[str, float]:
    """`NAME=SHARE` each → how often each corpus is drawn from; the sum is 1."""
    found = {name: float(share) for name, _, share in (each.partition("=") for each in named)}
    return {name: share / sum(found.values()) for name, share in found.items()}
