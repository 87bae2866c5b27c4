"""The corpora: which clips count, and their audio.

Read from `../shared/corpora` beside the repository; nothing of it is copied here.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from ser_track.types import EMOTIONS, SAMPLE_RATE_HZ, FloatArray

SHARED: Final = Path(__file__).parents[2] / "shared"
CORPORA: Final = SHARED / "corpora"
# RAVDESS's calm counts as neutral; clips of every other emotion are left out.
_LABEL_OF: Final = {
    "angry": "anger", "happy": "happiness", "sad": "sadness", "neutral": "neutral", "calm": "neutral",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording whose label is one of the four."""

    corpus: str
    path: str
    speaker: str
    label: int


def read_clips(corpus: str) -> list[Clip]:
    """The clips of a corpus that carry one of the four labels, in the order of their paths."""
    with (CORPORA / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == corpus and row["emotion"] in _LABEL_OF]
    clips = [Clip(corpus, row["path"], row["speaker"], EMOTIONS.index(_LABEL_OF[row["emotion"]])) for row in rows]
    return sorted(clips, key=lambda clip: clip.path)


def _decode(source: Path | io.BytesIO) -> FloatArray:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32, copy=False)


def read_audio(clip: Clip) -> FloatArray:
    """[n] samples at 16 kHz, mono, as stored."""
    return _decode(CORPORA / clip.path)


def through_opus(samples: FloatArray, bit_rate: int = 16_000) -> FloatArray:
    """[n] → [about n]: encoded and decoded by libopus in its voice mode, as a call on a thin line does."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE_HZ, options={"application": "voip", "vbr": "on"})
        stream.bit_rate = bit_rate
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return _decode(file)
