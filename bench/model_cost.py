"""The emotion model's network alone: how many results are due for one caller, and what each takes."""

import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bench.demand import recording
from bench.packets import SILENCE_TURNS
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import StreamKey
from ser_track.models.emotion import EmotionModel
from ser_track.models.silero import SileroVad

_ROUNDS: Final = 3


class TimedSession:
    """An ONNX Runtime session that adds up its calls and their CPU time."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.calls = 0
        self.spent_s = 0.0

    def run(self, names: Sequence[str] | None, inputs: dict[str, Any]) -> Any:
        """See the session."""
        begun = time.thread_time()
        found = self._session.run(names, inputs)
        self.spent_s += time.thread_time() - begun
        self.calls += 1
        return found


def measure_model(name: str) -> tuple[float, float]:
    """Results due per participant and second, and seconds of CPU in the network for each; the least of three rounds.

    The engine hears the recording once, with nothing else to do, so all results that are due are made: the
    provisional ones, and of the final ones those that do not reuse what was found in the pause before them.
    """
    model = EmotionModel.load(name)
    session, rounds = model._session, list[TimedSession]()
    for _ in range(_ROUNDS):
        model._session = timed = TimedSession(session)
        _hear_once(model)
        rounds.append(timed)
    turn_s = (1 + SILENCE_TURNS) * len(recording()) / SAMPLE_RATE_HZ
    return rounds[0].calls / turn_s, min(timed.spent_s / timed.calls for timed in rounds)


def _hear_once(model: EmotionModel) -> None:
    key = StreamKey("bench", "caller", "1")
    engine = Engine(SileroVad(), model, PipelineConfig())
    engine.open(key)
    samples = np.pad(recording(), (0, SAMPLE_RATE_HZ))
    for start in range(0, len(samples) - WINDOW_SAMPLES, WINDOW_SAMPLES):
        engine.push(key, Chunk(start, samples[start : start + WINDOW_SAMPLES]))
        engine.tick()
