"""Measures the shipped file, through the same class that a call uses: `python -m training.evaluate`.

Without `--final`: validation speakers and Javanese, float32 against 8 bits, printed only. With `--final`:
the test speakers, Javanese, RAVDESS and the folds, written to `results.json`. Choices end before that.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from ser_track.models.emotion import EmotionModel
from ser_track.types import EMOTIONS, SAMPLE_RATE_HZ, FloatArray
from training.corpora import CORPORA, Clip, read_audio, read_clips, through_opus
from training.export import full_precision_path, read_choice, shipped_path
from training.features import VIEWS, load, start_of
from training.metrics import report, uar
from training.splits import read_splits
from training.train import fit, select
from training.vad import trim

RESULTS_FILE: Final = Path(__file__).parent / "results.json"
_FOLDS: Final = 5
_PROCESSES: Final = 2

Condition = Callable[[FloatArray, str], FloatArray]


def _at_gain(gain_db: float) -> Condition:
    """A nearer or farther microphone: level, then 16 bits with their limits, then the cut by the VAD."""

    def apply(samples: FloatArray, path: str) -> FloatArray:
        levelled = np.round(samples * np.float32(10 ** (gain_db / 20) * 32767))
        return trim((np.clip(levelled, -32768, 32767) / 32768).astype(np.float32))

    return apply


CONDITIONS: Final[dict[str, Condition]] = {
    "raw": lambda samples, path: samples,
    "trimmed": lambda samples, path: trim(samples),
    "start": lambda samples, path: start_of(trim(samples), path),
    "opus_16k": lambda samples, path: trim(through_opus(samples)),
    "gain_-20_db": _at_gain(-20.0),
    "gain_+20_db": _at_gain(20.0),
}
_MAIN: Final = ("raw", "trimmed")


def measure(model: EmotionModel, clips: list[Clip], conditions: Iterable[str]) -> dict[str, object]:
    """Figures of a model on some clips, by condition."""
    heard: dict[str, list[FloatArray]] = {condition: [] for condition in conditions}
    for clip in clips:
        samples = read_audio(clip)
        for condition, probabilities in heard.items():
            probabilities.append(model.classify(CONDITIONS[condition](samples, clip.path)))
    labels = np.array([clip.label for clip in clips])
    speakers = np.array([clip.speaker for clip in clips])
    figures: dict[str, object] = {name: report(labels, np.stack(rows), speakers) for name, rows in heard.items()}
    print(json.dumps(figures), flush=True)
    return figures


def cremad(group: str) -> list[Clip]:
    """The clips of one group of speakers."""
    speakers = set(read_splits()[group])
    return [clip for clip in read_clips("cremad") if clip.speaker in speakers]


def against_listeners(model: EmotionModel, clips: list[Clip]) -> dict[str, object]:
    """The label is what most listeners of the voice alone chose; ties and other emotions are left out."""
    with (CORPORA / "cremad_votes.csv").open(encoding="utf-8", newline="") as file:
        votes = {row["clip"]: row for row in csv.DictReader(file)}
    heard = []
    for clip in clips:
        perceived = _majority(votes.get(Path(clip.path).stem, {}))
        if perceived is not None:
            heard.append(Clip(clip.corpus, clip.path, clip.speaker, perceived))
    return measure(model, heard, ["raw"])


def _majority(votes: Mapping[str, str]) -> int | None:
    counts = {name: int(n) for name, n in votes.items() if name not in ("clip", "raters")}
    best = [name for name, n in counts.items() if n == max(counts.values())]
    return EMOTIONS.index(best[0]) if len(best) == 1 and best[0] in EMOTIONS else None


def folds() -> dict[str, object]:
    """The recipe, not the shipped file: five folds over the speakers of training and validation, float32."""
    choice = read_choice()
    features = load("cremad", choice.range_db)
    speakers = np.random.default_rng(0).permutation(np.unique(features.speakers))
    scores: dict[str, list[float]] = {view: [] for view in VIEWS}
    for fold in range(_FOLDS):
        held_out = speakers[fold::_FOLDS].tolist()
        others = [name for name in speakers.tolist() if name not in held_out]
        head = fit(*select(features, others, choice, choice.views), choice.c)
        for view in VIEWS:
            values, labels = select(features, held_out, choice, [view])
            scores[view].append(round(uar(labels, head.logits(values).argmax(axis=1)), 4))
    return {view: {"uar_mean": round(float(np.mean(of)), 4), "uar_by_fold": of} for view, of in scores.items()}


def milliseconds(model: EmotionModel, seconds: float = 3.0) -> float:
    """Median CPU time of one `classify`, front-end included; it runs on the calling thread alone."""
    noise = np.random.default_rng(0).normal(size=int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
    times = []
    for _ in range(50):
        begin = time.thread_time()
        model.classify(noise)
        times.append(time.thread_time() - begin)
    return round(float(np.median(times)) * 1000, 2)


def _shipped() -> EmotionModel:
    return EmotionModel.load(shipped_path())


def _full() -> EmotionModel:
    return EmotionModel.load(full_precision_path())


def _speed() -> dict[str, float]:
    return {"int8": milliseconds(_shipped()), "fp32": milliseconds(_full())}


_SECTIONS: Final[dict[str, Callable[[], dict[str, object]]]] = {
    "cremad_test": lambda: measure(_shipped(), cremad("test"), CONDITIONS),
    "cremad_test_fp32": lambda: measure(_full(), cremad("test"), _MAIN),
    "cremad_test_against_listeners": lambda: against_listeners(_shipped(), cremad("test")),
    "javanese": lambda: measure(_shipped(), read_clips("javanese"), _MAIN),
    "ravdess": lambda: measure(_shipped(), read_clips("ravdess"), _MAIN),
    "cremad_folds_of_the_recipe": folds,
}


def _section(name: str) -> dict[str, object]:
    return _SECTIONS[name]()


def _final() -> dict[str, object]:
    record: dict[str, object] = {
        "model": _shipped().name,
        "file_mb": round(shipped_path().stat().st_size / 1e6, 2),
        "ms_for_3_s": _speed(),
    }
    with ProcessPoolExecutor(_PROCESSES) as pool:
        record.update(zip(_SECTIONS, pool.map(_section, _SECTIONS), strict=True))
    return record


def main() -> None:
    """Print the figures that choices may use, or write the final ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--final", action="store_true", help="hear the test speakers and RAVDESS; write results.json")
    if parser.parse_args().final:
        RESULTS_FILE.write_text(json.dumps(_final(), indent=1) + "\n", encoding="utf-8")
        return
    for path in (full_precision_path(), shipped_path()):
        model = EmotionModel.load(path)
        print(path.name, milliseconds(model), "ms for 3 s")
        measure(model, cremad("validation"), _MAIN)
        measure(model, read_clips("javanese"), ["trimmed"])


if __name__ == "__main__":
    main()
