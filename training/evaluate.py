"""Measures the shipped files through the class that a call uses, into `results.json`: `python -m training.evaluate`.

Hears CREMA-D's test speakers, held-out sounds, Javanese and RAVDESS. Choices end before that.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.cli.call_order import DEFAULT_NEUTRAL_SHARE
from ser_track.config.schema import SHIPPED_MODELS, PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import Emotion, StreamKey
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.models.emotion import EmotionModel
from ser_track.models.silero import SileroVad
from ser_track.models.trimming import voiced_windows
from training.corpora import CORPORA, Clip, read_audio, read_clips, votes
from training.export import cremad, full_precision_path, shipped_path
from training.listening import THREADS, Heard, hear, hear_in_call, prepare
from training.metrics import report, uar
from training.records import RESULTS_FILE
from training.trials import CONFUSING, SYNTHESISED, TRIALS, Trial, held_out_sounds, seeded
from training.vad import trim

THRESHOLDS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MIXES: Final = {"in_call": DEFAULT_NEUTRAL_SHARE, "in_call_half_neutral": 0.5, "in_call_each_once": None}
"""Name in `results.json` → share of neutral in the call."""
_CONFIDENT: Final = 0.6
_NEUTRAL: Final = EMOTIONS.index("neutral")
_DRAWS: Final = 20
_AGES: Final = ((0, 30, "under 30"), (30, 45, "30 to 44"), (45, 200, "45 and over"))
Models = dict[str, EmotionModel]
Record = dict[str, Any]


def figures(heard: Heard) -> Record:
    """Four emotions of the clips that have one of them, six of all."""
    counts = heard.of_four()
    found: Record = {"four": report(heard.labels[counts], heard.four[counts], heard.speakers[counts])}
    if not counts.all():
        found["six"] = report(heard.labels, heard.six, heard.speakers)
    return found


def corpus(model: EmotionModel, clips: Sequence[Clip]) -> Record:
    """Alone and in calls, as `ser-track evaluate --adapt` has them, and how sure it was how rightly."""
    audio = prepare(clips)
    alone = hear(model, clips, audio)
    record = {"alone": figures(alone), "coverage": coverage(alone)}
    record |= {name: figures(hear_in_call(model, clips, audio, share)) for name, share in MIXES.items()}
    if clips[0].corpus == "cremad":
        record |= {"groups": groups(alone), "listeners": listeners(clips, alone)}
    return record


def coverage(heard: Heard) -> Record:
    """Confidence that is asked for → share of clips that reach it, and share of those that are right."""
    counts = heard.of_four()
    confidence, right = heard.four[counts].max(axis=1), heard.four[counts].argmax(axis=1) == heard.labels[counts]
    found = {}
    for threshold in THRESHOLDS:
        sure = confidence >= threshold
        accuracy = round(float(right[sure].mean()), 4) if sure.any() else None
        found[str(threshold)] = {"coverage": round(float(sure.mean()), 4), "accuracy": accuracy}
    return found


def groups(heard: Heard) -> Record:
    """UAR of four emotions by what CREMA-D tells of its speakers, with their number."""
    with (CORPORA / "cremad_speakers.csv").open(encoding="utf-8", newline="") as file:
        known = {row["speaker"]: row for row in csv.DictReader(file)}
    members: dict[str, set[str]] = {}
    for speaker in np.unique(heard.speakers):
        row = known[str(speaker)]
        age = next(name for low, high, name in _AGES if low <= int(row["age"]) < high)
        for name in (row["sex"], age, row["race"], row["ethnicity"]):
            members.setdefault(name, set()).add(str(speaker))
    counts = heard.of_four()
    found = {}
    for name, speakers in sorted(members.items()):
        some = counts & np.isin(heard.speakers, list(speakers))
        score = uar(heard.labels[some], heard.four[some].argmax(axis=1))
        found[name] = {"speakers": len(speakers), "uar": round(score, 4)}
    return found


def listeners(clips: Sequence[Clip], heard: Heard) -> Record:
    """UAR against what most listeners of the voice alone chose, and of those listeners against the intention."""
    shares = np.stack([votes().get(Path(clip.path).stem, np.zeros(len(SIX_EMOTIONS), np.float32)) for clip in clips])
    voted = shares.sum(axis=1) > 0
    best = shares.argmax(axis=1)
    clear = voted & ((shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1) & (best < len(EMOTIONS))
    four = voted & heard.of_four()
    intended = heard.labels[four]
    return {
        "model_against_majority": round(uar(best[clear], heard.four[clear].argmax(axis=1)), 4),
        "majority_against_intention": round(
            float(np.mean([(best[four] == k)[intended == k].mean() for k in range(len(EMOTIONS))])), 4
        ),
    }


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


def _confident(model: EmotionModel, pieces: Sequence[FloatArray]) -> float:
    with ThreadPoolExecutor(THREADS) as pool:
        four = np.stack([judged.probabilities for judged in pool.map(model.classify, pieces)])
    top = four.argmax(axis=1)
    return round(float(((four.max(axis=1) >= _CONFIDENT) & (top != _NEUTRAL)).mean()), 4)


def sounds(model: EmotionModel) -> Record:
    """Share of stretches that end in a confident emotion other than neutral, by kind; what the VAD lets through too."""
    held_out = held_out_sounds()
    made = {name: [draw(np.random.default_rng(i)) for i in range(_DRAWS)] for name, draw in SYNTHESISED.items()}
    voices = {name: [draw(np.random.default_rng(i)) for i in range(_DRAWS)] for name, draw in CONFUSING.items()}
    detector = SileroVad()
    every = [piece for pieces in (*held_out.values(), *made.values()) for piece in pieces]
    through = [piece for piece in every if voiced_windows(detector, piece).sum() >= 16]
    return {
        "esc10": {kind: _confident(model, pieces) for kind, pieces in held_out.items()},
        "synthesised": {kind: _confident(model, pieces) for kind, pieces in made.items()},
        "voices": {kind: _confident(model, pieces) for kind, pieces in voices.items()},
        "all_esc10": _confident(model, [piece for pieces in held_out.values() for piece in pieces]),
        "all_no_speech": _confident(model, every),
        "let_through": {"of": len(every), "n": len(through), "share": _confident(model, through) if through else None},
    }


def flips(model: EmotionModel) -> Record:
    """How often the label of a segment changes while it grows, per minute of speech: as made, and settled."""
    found = {}
    for name, smoothing in (("each result by itself", 0.0), ("settled", PipelineConfig().provisional_smoothing)):
        engine = Engine(SileroVad(), model, PipelineConfig(min_confidence=0.0, provisional_smoothing=smoothing))
        changes, speech_s = 0, 0.0
        for clips in _monologues():
            labels = _labels(engine, np.concatenate([trim(read_audio(clip)) for clip in clips]))
            changes += sum(a != b for of in labels.values() for a, b in pairwise(of))
            speech_s += sum(0.8 * len(of) for of in labels.values())
        found[name] = round(changes / (speech_s / 60), 2)
    return found


def _monologues() -> list[list[Clip]]:
    """Ten test speakers, six clips of one emotion each, one after the other without the silence between."""
    clips = cremad("test")
    speakers = sorted({clip.speaker for clip in clips})[::2]
    return [
        [clip for clip in clips if clip.speaker == speaker and clip.label == i % len(EMOTIONS)][:6]
        for i, speaker in enumerate(speakers)
    ]


def _labels(engine: Engine, samples: FloatArray) -> dict[int, list[str]]:
    key = StreamKey("flips", "speaker", "0")
    engine.open(key)
    found: dict[int, list[str]] = {}
    events = []
    for first in range(0, samples.size, 512):
        engine.push(key, Chunk(first, samples[first : first + 512]))
        events += engine.tick()
    for event in [*events, *engine.flush(key)]:
        if isinstance(event, Emotion):
            found.setdefault(event.segment, []).append(event.label)
    return found


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
    "sounds": lambda name, model: sounds(model),
    "flips_per_minute": lambda name, model: flips(model),
}


def main() -> None:
    """Write all sections, or some of them anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", default=[*_SECTIONS, "trials"], choices=[*_SECTIONS, "trials"])
    parser.add_argument("--models", nargs="*", default=SHIPPED_MODELS, choices=SHIPPED_MODELS)
    args = parser.parse_args()
    models = {name: EmotionModel.load(name) for name in args.models}
    record: Record = json.loads(RESULTS_FILE.read_text(encoding="utf-8")) if RESULTS_FILE.exists() else {}
    for section in args.sections:
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
