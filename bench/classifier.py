"""What a batch of segments would bring, and whether a long segment delays ticks: `python -m bench.classifier`.

`batches`: CPU per segment of three seconds, for 1 to 8 segments in one ONNX call, and the largest difference between
a probability from the batch and from the segment alone. Each minimum is of several rounds, taken in turns.

`beside_the_tick`: a live engine on one core, in which some people speak without pause, so that segments have ten
seconds. Counts the late ticks, and times the longest job. Prints one JSON object.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from bench.engine import room_noise, spoken
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.config.schema import SHIPPED_MODELS, PipelineConfig, RuntimeConfig
from ser_track.event_types import Emotion, EngineEvent, StreamKey
from ser_track.labels import LabelSet
from ser_track.live.live_engine import LiveEngine
from ser_track.live.metrics import Metrics
from ser_track.models import Models, load_models, new_engine
from ser_track.models.emotion import EmotionModel
from ser_track.models.log_mel import log_mel
from ser_track.protocols import EmotionClassifier, Prediction
from ser_track.voice_profile import VoiceProfile

_BATCHES: Final = (1, 2, 4, 8)
_SEGMENT_SAMPLES: Final = 3 * SAMPLE_RATE_HZ
_ROUNDS: Final = 8
_PIECE_SAMPLES: Final = SAMPLE_RATE_HZ // 50


class TimedModel:
    """An `EmotionClassifier` that keeps the time of its longest call, and the length of its longest segment."""

    def __init__(self, model: EmotionClassifier) -> None:
        self.name: str = model.name
        self.labels: LabelSet = model.labels
        self._model = model
        self.longest_ms = 0.0
        self.longest_segment_s = 0.0

    def new_voice(self) -> VoiceProfile | None:
        """See `EmotionClassifier`."""
        return self._model.new_voice()

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """See `EmotionClassifier`."""
        begun = time.monotonic()
        prediction = self._model.classify(samples, voice)
        self.longest_ms = max(self.longest_ms, 1000 * (time.monotonic() - begun))
        self.longest_segment_s = max(self.longest_segment_s, len(samples) / SAMPLE_RATE_HZ)
        return prediction


def batches(name: str) -> dict[str, Any]:
    """CPU per segment by the size of the batch, and the largest difference in a probability."""
    session, sound = EmotionModel.load(name)._session, spoken()
    starts = np.linspace(0, len(sound) - _SEGMENT_SAMPLES, max(_BATCHES)).astype(int)
    heard = np.stack([log_mel(sound[start : start + _SEGMENT_SAMPLES]) for start in starts])
    alone = np.concatenate([session.run(["probabilities"], {"log_mel": each[None]})[0] for each in heard])
    spent_ms: dict[int, list[float]] = {n: [] for n in _BATCHES}
    for _ in range(_ROUNDS):
        for n, spent in spent_ms.items():
            spent.append(_cpu_ms(partial(session.run, None, {"log_mel": heard[:n]})) / n)
    together = {n: session.run(["probabilities"], {"log_mel": heard[:n]})[0] for n in _BATCHES}
    return {
        "ms_per_segment": {n: round(min(spent), 2) for n, spent in spent_ms.items()},
        "largest_difference": {n: round(float(np.abs(found - alone[:n]).max()), 4) for n, found in together.items()},
        "log_mel_ms": round(min(_cpu_ms(lambda: log_mel(sound[:_SEGMENT_SAMPLES])) for _ in range(_ROUNDS)), 2),
    }


def _cpu_ms(call: Callable[[], object]) -> float:
    begun = time.thread_time()
    call()
    return 1000 * (time.thread_time() - begun)


async def beside_the_tick(name: str, people: int, speakers: int, seconds: float) -> dict[str, Any]:
    """Run a live engine in real time; the last of the ``people`` speak without pause, the others send noise."""
    config, metrics, results = PipelineConfig(model=name), Metrics(), list[EngineEvent]()
    models = load_models(config)
    timed = TimedModel(models.classifier)
    live = LiveEngine(new_engine(config, Models(models.detector, timed)), RuntimeConfig(), results.extend, metrics)
    keys = [StreamKey("bench", f"p{number}", "1") for number in range(people)]
    sounds = [np.tile(room_noise(), 10)] * (people - speakers) + [np.tile(spoken(), 10)] * speakers
    live.start()
    for key in keys:
        live.open(key)
    begun, at = time.monotonic(), 0
    while at < seconds * SAMPLE_RATE_HZ:
        for number, (key, sound) in enumerate(zip(keys, sounds, strict=True)):
            place = (at + number * SAMPLE_RATE_HZ) % (len(sound) - _PIECE_SAMPLES)
            live.push(key, Chunk(at, sound[place : place + _PIECE_SAMPLES]))
        at += _PIECE_SAMPLES
        await asyncio.sleep(max(0.0, begun + at / SAMPLE_RATE_HZ - time.monotonic()))
    await live.stop()
    values = dict(line.rsplit(" ", 1) for line in metrics.text().decode().splitlines() if not line.startswith("#"))
    return {
        "people": people,
        "speakers": speakers,
        "ticks": round(float(values["ser_track_tick_seconds_count"])),
        "late_ticks": round(float(values["ser_track_late_ticks_total"])),
        "longest_job_ms": round(timed.longest_ms, 1),
        "longest_segment_s": round(timed.longest_segment_s, 2),
        "provisional_due": round(float(values["ser_track_provisional_due"])),
        "provisional_made": round(float(values["ser_track_provisional_made"])),
        "final": sum(isinstance(event, Emotion) and event.final for event in results),
    }


def main() -> None:
    """Measure all shipped models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--speakers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=25.0)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    record: dict[str, Any] = {"unit": "ms of CPU per segment of 3 s", "batches": {}, "beside_the_tick": {}}
    for name in SHIPPED_MODELS:
        record["batches"][name] = batches(name)
        record["beside_the_tick"][name] = asyncio.run(beside_the_tick(name, args.people, args.speakers, args.seconds))
    print(json.dumps(record))


if __name__ == "__main__":
    main()
