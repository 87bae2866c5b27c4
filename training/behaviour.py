"""How the models behave with what is not clean speech of one person, and over time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ser_track.chunk import Chunk, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import Emotion, StreamKey
from ser_track.labels import EMOTIONS
from ser_track.models.emotion import EmotionModel
from ser_track.models.silero import SileroVad
from ser_track.models.trimming import voiced_windows
from training.corpora import ALL_EMOTIONS, Clip, read_audio, read_clips
from training.export import cremad
from training.listening import THREADS, hear, prepare
from training.splits import read_splits
from training.trials import CONFUSING, SYNTHESISED, held_out_sounds
from training.vad import trim

_CONFIDENT: Final = 0.6
_NEUTRAL: Final = EMOTIONS.index("neutral")
_DRAWS: Final = 20
Record = dict[str, Any]


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


def bursts(model: EmotionModel) -> Record:
    """What is told of EmoGator's test contributors, each clip by itself: kind → label → share; without words."""
    test = set(read_splits("emogator")["test"])
    clips = [clip for clip in read_clips("emogator", len(ALL_EMOTIONS)) if clip.speaker in test]
    heard = hear(model, clips, prepare(clips))
    sure = heard.four.max(axis=1) >= PipelineConfig().min_confidence
    told = np.where(sure, heard.four.argmax(axis=1), len(EMOTIONS))
    kinds = np.array([clip.kind for clip in clips])
    names = (*EMOTIONS, "unsure")
    return {
        kind: {name: round(float((told[kinds == kind] == k).mean()), 4) for k, name in enumerate(names)}
        for kind in sorted(set(kinds.tolist()))
    }
