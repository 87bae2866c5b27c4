"""The figures of one corpus: alone, in calls of several mixes, over a long call, by confidence and by group."""

import csv
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.cli.call_order import DEFAULT_NEUTRAL_SHARE
from ser_track.engine.classification import learn
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.models.emotion import EmotionModel
from training.corpora import CORPORA, Clip, votes
from training.listening import Heard, hear, hear_in_call, prepare
from training.metrics import report, uar

THRESHOLDS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MIXES: Final = {"in_call": DEFAULT_NEUTRAL_SHARE, "in_call_half_neutral": 0.5, "in_call_each_once": None}
"""Name in `results.json` → share of neutral in the call."""
_AGES: Final = ((0, 30, "under 30"), (30, 45, "30 to 44"), (45, 200, "45 and over"))
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
    # Each person with one emotion is a caller of their own: what adaptation costs anybody who is never neutral.
    single = [replace(clip, speaker=f"{clip.speaker} {clip.label}") for clip in clips]
    record |= {
        "in_call_one_emotion": figures(hear_in_call(model, single, audio, None)),
        "drift": drift(model, clips, audio),
    }
    if clips[0].corpus == "cremad":
        record |= {"groups": groups(alone), "listeners": listeners(clips, alone)}
    return record


def drift(model: EmotionModel, clips: Sequence[Clip], audio: Sequence[FloatArray]) -> Record:
    """Accuracy of four emotions by thirds of a long call: every clip of a speaker once, then again, and again."""
    four = [i for i, clip in enumerate(clips) if clip.label < len(EMOTIONS)]
    right: dict[str, list[list[bool]]] = {"adapted": [[], [], []], "alone": [[], [], []]}
    for speaker in sorted({clips[i].speaker for i in four}):
        own = np.array([i for i in four if clips[i].speaker == speaker])
        rng, voice = np.random.default_rng(zlib.crc32(speaker.encode())), model.new_voice()
        for third in range(3):
            for i in rng.permutation(own).tolist():
                told = model.classify(audio[i], voice)
                learn(voice, told)
                right["adapted"][third].append(int(told.probabilities.argmax()) == clips[i].label)
                if third == 0:
                    right["alone"][third].append(int(model.classify(audio[i]).probabilities.argmax()) == clips[i].label)
    return {how: [round(float(np.mean(part)), 4) for part in parts if part] for how, parts in right.items()}


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
