"""Pooled encoder features of every clip and view, kept in `training/cache/`: `python -m training.features`.

The test speakers of CREMA-D and all of RAVDESS are not touched here: `training.evaluate` alone hears them.
"""

import argparse
import functools
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper

from ser_track.models.log_mel import FRONT_END, log_mel
from ser_track.models.session import open_session
from ser_track.types import SAMPLE_RATE_HZ, FloatArray
from training import encoder
from training.corpora import Clip, read_audio, read_clips, through_opus
from training.splits import read_splits
from training.vad import trim

CACHE: Final = Path(__file__).parent / "cache"
VIEWS: Final = ("raw", "trimmed", "start", "opus")
POOLS: Final = ("all", "active")
DEPTH: Final = 3
RANGES_DB: Final = (80.0, 50.0)
ACTIVE_RANGE_DB: Final = 35.0
_SHORTEST_START_S: Final = 0.5
_LONGEST_START_S: Final = 3.0


class Features(NamedTuple):
    """values: [clip, view, block, pool, 1024]; labels: [clip]; speakers: [clip]; paths: [clip]."""

    values: FloatArray
    labels: NDArray[np.int64]
    speakers: NDArray[np.str_]
    paths: NDArray[np.str_]


def start_of(samples: FloatArray, path: str) -> FloatArray:
    """[n] → its first 0.5 to 3 s, as a provisional result hears it; the length is drawn by the clip's name."""
    rng = np.random.default_rng(zlib.crc32(path.encode()))
    longest = max(_SHORTEST_START_S, min(_LONGEST_START_S, samples.size / SAMPLE_RATE_HZ))
    return samples[: int(rng.uniform(_SHORTEST_START_S, longest) * SAMPLE_RATE_HZ)]


def views(clip: Clip) -> list[FloatArray]:
    """The clip as a file, cut by the VAD, the beginning of that cut, and that cut after Opus at 16 kb/s."""
    raw = read_audio(clip)
    trimmed = trim(raw)
    return [raw, trimmed, start_of(trimmed, clip.path), through_opus(trimmed)]


@functools.cache
def _session() -> ort.InferenceSession:
    graph = encoder.Graph()
    hidden = encoder.blocks(graph, encoder.Weights(), DEPTH)
    masks = (None, encoder.active_frames(graph, ACTIVE_RANGE_DB))
    outputs: dict[str, list[str | int]] = {}
    for block, x in enumerate(hidden, start=1):
        for name, mask in zip(POOLS, masks, strict=True):
            outputs[f"{block}_{name}"] = ["batch", 1024]
            graph.nodes.append(helper.make_node("Identity", [encoder.pool(graph, x, mask)], [f"{block}_{name}"]))
    model: onnx.ModelProto = graph.model(outputs)
    return open_session(model.SerializeToString())


def embed(samples: FloatArray, range_db: float) -> FloatArray:
    """[n] → [block, pool, 1024]."""
    outputs = _session().run(None, {"log_mel": log_mel(samples, range_db)[None]})
    return np.concatenate(outputs).reshape(DEPTH, len(POOLS), -1)


def _path(corpus: str, range_db: float) -> Path:
    return CACHE / f"{corpus}-{FRONT_END}-{range_db:.0f}dB.npz"


def compute(corpus: str, range_db: float) -> None:
    """Write the features of CREMA-D's training and validation speakers, or of another corpus whole."""
    clips = read_clips(corpus)
    if corpus == "cremad":
        test = set(read_splits()["test"])
        clips = [clip for clip in clips if clip.speaker not in test]
    values = np.stack([[embed(view, range_db) for view in views(clip)] for clip in clips])
    CACHE.mkdir(exist_ok=True)
    np.savez(
        _path(corpus, range_db),
        values=values,
        labels=np.array([clip.label for clip in clips]),
        speakers=np.array([clip.speaker for clip in clips]),
        paths=np.array([clip.path for clip in clips]),
    )


def load(corpus: str, range_db: float) -> Features:
    """Read what `compute` wrote."""
    with np.load(_path(corpus, range_db)) as stored:
        return Features(*(stored[name] for name in Features._fields))


def main() -> None:
    """Compute what is not in the cache yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--range-db", type=float, nargs="*", default=RANGES_DB)
    for range_db in parser.parse_args().range_db:
        for corpus in ("cremad", "javanese"):
            if not _path(corpus, range_db).exists():
                compute(corpus, range_db)
                print(_path(corpus, range_db).name, flush=True)


if __name__ == "__main__":
    main()
