"""Measures the shipped files through the class that a call uses, into `results.json`: `python -m training.evaluate`.

Hears CREMA-D's test speakers, held-out sounds, Javanese and RAVDESS. Choices end before that.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.config.schema import SHIPPED_MODELS
from ser_track.labels import SIX_EMOTIONS
from ser_track.models.emotion import EmotionModel
from training.behaviour import bursts, flips, sounds
from training.corpora import read_clips
from training.export import cremad, full_precision_path, shipped_path
from training.figures import corpus, figures
from training.listening import hear, prepare
from training.metrics import uar
from training.records import RESULTS_FILE
from training.trials import TRIALS, Trial, seeded

Models = dict[str, EmotionModel]
Record = dict[str, Any]


def trials(models: Models) -> Record:
    """UAR of four emotions in each kind of call, every third clip of the test speakers; the same audio for all."""
    clips = cremad("test")[::3]
    labels = np.array([clip.label for clip in clips])
    found: Record = {name: {} for name in models}
    for title, trial in TRIALS.items():
        audio = prepare(clips, partial(_through, trial))
        for name, model in models.items():
            score = uar(labels, hear(model, clips, audio).four.argmax(axis=1))
            found[name][title] = round(score, 4)
        print(title, {name: found[name][title] for name in models}, flush=True)
    return found


def _through(trial: Trial, samples: FloatArray, path: str) -> FloatArray:
    return trial(samples, seeded(path))


def milliseconds(model: EmotionModel, seconds: float = 3.0) -> float:
    """Median CPU time of one `classify`, front-end included; it runs on the calling thread alone."""
    noise = np.random.default_rng(0).normal(size=int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
    times = []
    for _ in range(60):
        begin = time.thread_time()
        model.classify(noise)
        times.append(time.thread_time() - begin)
    return round(float(np.median(times)) * 1000, 2)


def _facts(name: str, model: EmotionModel) -> Record:
    full = EmotionModel.load(full_precision_path(name))
    clips = cremad("test", len(SIX_EMOTIONS))
    return {
        "model": model.name,
        "file_mb": round(shipped_path(name).stat().st_size / 1e6, 2),
        "ms_for_3_s": {"int8": milliseconds(model), "fp32": milliseconds(full)},
        "cremad_test_fp32": figures(hear(full, clips, prepare(clips))),
    }


_SECTIONS: Final[dict[str, Callable[[str, EmotionModel], Record]]] = {
    "facts": _facts,
    "cremad_test": lambda name, model: corpus(model, cremad("test", len(SIX_EMOTIONS))),
    "javanese": lambda name, model: corpus(model, read_clips("javanese")),
    "ravdess": lambda name, model: corpus(model, read_clips("ravdess", len(SIX_EMOTIONS))),
    "bursts": lambda name, model: bursts(model),
    "sounds": lambda name, model: sounds(model),
    "flips_per_minute": lambda name, model: flips(model),
}


def main() -> None:
    """Write all sections, or some of them anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"of {[*_SECTIONS, 'trials']}; all by default")
    parser.add_argument("--models", nargs="*", default=SHIPPED_MODELS, choices=SHIPPED_MODELS)
    args = parser.parse_args()
    models = {name: EmotionModel.load(name) for name in args.models}
    record: Record = json.loads(RESULTS_FILE.read_text(encoding="utf-8")) if RESULTS_FILE.exists() else {}
    for section in args.sections or [*_SECTIONS, "trials"]:
        if section == "trials":
            found = trials(models)
        else:
            found = {name: _SECTIONS[section](name, model) for name, model in models.items()}
        for name in models:
            record.setdefault(name, {})[section] = found[name]
        print(json.dumps({section: found})[:2000], flush=True)
        RESULTS_FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
