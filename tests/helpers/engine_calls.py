"""Pretended calls: several streams with voice, silence and gaps, and ways to play them to an engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import Emotion, EngineEvent, StreamKey
from ser_track.protocols import EmotionClassifier, VoiceDetector
from tests.helpers.fake_models import EnergyDetector, LevelClassifier
from tests.helpers.signals import cut, noise

CONFIG = PipelineConfig(max_segment_s=2.0, end_silence_s=0.3, min_segment_s=0.3, provisional_interval_s=0.3)
Pieces = list[Chunk]
"""What arrives of one stream."""

_turns = st.lists(
    st.tuples(st.sampled_from(["voice", "silence", "gap"]), st.integers(1_000, 24_000)), min_size=1, max_size=6
)


@st.composite
def streams(draw: st.DrawFn, least: int = 1, most: int = 4) -> list[Pieces]:
    """Streams of some seconds."""
    return [pieces(turns, seed) for seed, turns in enumerate(draw(st.lists(_turns, min_size=least, max_size=most)))]


def pieces(turns: Sequence[tuple[str, int]], seed: int = 0) -> Pieces:
    """``voice``, ``silence`` or ``gap`` and its length in samples, one after the other."""
    at, arrived = 0, list[Chunk]()
    for kind, length in turns:
        if kind != "gap":
            arrived.append(Chunk(at, noise(length, seed + at) if kind == "voice" else np.zeros(length, np.float32)))
        at += length
    return arrived


def key(stream: int) -> StreamKey:
    """Key of the stream of this number."""
    return StreamKey("meeting", f"p{stream}", "1")


def new_engine(
    streams: int = 1,
    detector: VoiceDetector | None = None,
    classifier: EmotionClassifier | None = None,
    config: PipelineConfig = CONFIG,
) -> Engine:
    """An engine of stand-ins with ``streams`` open streams."""
    engine = Engine(detector or EnergyDetector(), classifier or LevelClassifier(), config)
    for stream in range(streams):
        engine.open(key(stream))
    return engine


def between(arrived: Pieces, begin: int, end: int) -> Pieces:
    """The part of ``arrived`` in ``[begin, end)``."""
    parts = (Chunk(max(at, begin), samples[max(0, begin - at) : max(0, end - at)]) for at, samples in arrived)
    return [part for part in parts if len(part.samples)]


def chunked(arrived: Pieces, sizes: Sequence[int]) -> Iterator[Chunk]:
    """``arrived`` in smaller pieces."""
    for at, samples in arrived:
        for part in cut(samples, sizes):
            yield Chunk(at, part)
            at += len(part)


@dataclass(frozen=True)
class Way:
    """How the same audio is played: cut into ``sizes``, interleaved by ``seed``, ticked every ``block`` samples."""

    sizes: tuple[int, ...] = (10**6,)
    seed: int = 0
    block: int = SAMPLE_RATE_HZ


ways = st.builds(Way, st.lists(st.integers(100, 5_000), min_size=1, max_size=4).map(tuple), st.integers(0, 9))


def play(streams: Sequence[Pieces], way: Way, engine: Engine | None = None) -> list[list[EngineEvent]]:
    """Each stream's events to its end."""
    engine = engine or new_engine(len(streams))
    events: list[EngineEvent] = []
    end = max((chunk.end for arrived in streams for chunk in arrived), default=0)
    random = np.random.default_rng(way.seed)
    for begin in range(0, end, way.block):
        waiting = {n: list(chunked(between(s, begin, begin + way.block), way.sizes)) for n, s in enumerate(streams)}
        while waiting := {n: chunks for n, chunks in waiting.items() if chunks}:
            stream = int(random.choice(list(waiting)))
            engine.push(key(stream), waiting[stream].pop(0))
        events += engine.tick()
    for stream in range(len(streams)):
        events += engine.flush(key(stream))
    return [[event for event in events if event.key == key(stream)] for stream in range(len(streams))]


def lasting(events: Sequence[EngineEvent]) -> tuple[list[EngineEvent], list[EngineEvent]]:
    """What may not depend on when ticks come: what became of segments, and the final results."""
    finals = [event for event in events if isinstance(event, Emotion) and event.final]
    return [event for event in events if not isinstance(event, Emotion)], list[EngineEvent](finals)
