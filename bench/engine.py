"""CPU per window of the engine's live path, stage by stage: `python -m bench.engine`; prints one JSON object.

`--streams` streams each get packets of 20 ms; a tick every 32 ms of media time takes one window of each. In one run all
of them send room noise, in the other all speak without pause. The classifier is a stand-in that costs nothing. The
figures are microseconds of CPU per window of one stream, the minimum of several rounds:

`buffer`     `Engine.push`: samples to windows
`network`    ONNX Runtime, inside the detector
`detector`   the rest of `SileroVad.detect`: gathering and scattering the states of the streams
`rest`       the rest of `Engine.tick`: batching, segmenter, requests, events
"""

import argparse
import json
import time
import wave
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bench.model_cost import TimedSession
from bench.packets import SPOKEN
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import StreamKey
from ser_track.labels import FOUR
from ser_track.models.silero import SileroVad
from ser_track.protocols import DetectorState, Prediction
from ser_track.voice_profile import VoiceProfile

_PACKET_SAMPLES: Final = SAMPLE_RATE_HZ // 50
_ROUNDS: Final = 3


class CostFreeClassifier:
    """Stand-in for `EmotionModel`: always gives the same result."""

    name = "cost-free stand-in@0"
    labels = FOUR
    _answer = Prediction(np.full(len(FOUR), 1 / len(FOUR), np.float32))

    def new_voice(self) -> VoiceProfile | None:
        """It does not adapt to voices."""
        return None

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """All labels are equally likely."""
        return self._answer


class TimedDetector(SileroVad):
    """The detector, with its CPU time and that of its network added up."""

    def __init__(self) -> None:
        super().__init__()
        self.network = TimedSession(self._session)
        self._session = self.network
        self.spent_s = 0.0

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """See the detector."""
        begun = time.thread_time()
        found = super().detect(windows, states)
        self.spent_s += time.thread_time() - begun
        return found


def spoken() -> FloatArray:
    """The spoken test recording without its pauses, at 16 kHz."""
    with wave.open(str(SPOKEN)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16) / np.float32(32_768)
    windows = samples[: len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
    return np.ascontiguousarray(windows[np.sqrt((windows**2).mean(axis=1)) > 0.01]).ravel()


def room_noise(seconds: float = 10.0) -> FloatArray:
    """A quiet room at -60 dBFS."""
    return np.random.default_rng(0).normal(0, 1e-3, int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)


def measure(sound: FloatArray, streams: int, seconds: float) -> dict[str, float]:
    """µs per window and stage; each stream starts at a different position in ``sound``, which is repeated."""
    detector = TimedDetector()
    engine = Engine(detector, CostFreeClassifier(), PipelineConfig())
    keys = [StreamKey("bench", f"p{number}", "1") for number in range(streams)]
    offsets = np.linspace(0, len(sound), streams, endpoint=False).astype(int)
    for key in keys:
        engine.open(key)
    looped = np.concatenate([sound, sound[:_PACKET_SAMPLES]])
    spent = dict.fromkeys(("buffer", "tick"), 0.0)
    due = 0
    for tick in range(1, int(seconds * SAMPLE_RATE_HZ / WINDOW_SAMPLES) + 1):
        while due + _PACKET_SAMPLES <= tick * WINDOW_SAMPLES:
            places = ((offsets + due) % len(sound)).tolist()
            packets = [
                (key, Chunk(due, looped[at : at + _PACKET_SAMPLES])) for key, at in zip(keys, places, strict=True)
            ]
            begun = time.thread_time()
            for key, packet in packets:
                engine.push(key, packet)
            spent["buffer"] += time.thread_time() - begun
            due += _PACKET_SAMPLES
        begun = time.thread_time()
        engine.tick()
        spent["tick"] += time.thread_time() - begun
    windows = streams * (due // WINDOW_SAMPLES)
    stages = {
        "buffer": spent["buffer"],
        "network": detector.network.spent_s,
        "detector": detector.spent_s - detector.network.spent_s,
        "rest": spent["tick"] - detector.spent_s,
    }
    stages["beyond_network"] = sum(stages.values()) - detector.network.spent_s
    return {name: round(total / windows * 1e6, 2) for name, total in stages.items()}


def main() -> None:
    """Measure silence and speech in turns, so that other load on the machine affects both."""
    parser = argparse.ArgumentParser(description="CPU per window of the engine's live path.")
    parser.add_argument("--streams", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=10.0, help="media time of each round")
    args = parser.parse_args()
    sounds = {"silence": room_noise(), "speech": spoken()}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in sounds}
    for _ in range(_ROUNDS):
        for name, sound in sounds.items():
            rounds[name].append(measure(sound, args.streams, args.seconds))
    record: dict[str, Any] = {"streams": args.streams, "unit": "us per window"}
    for name, found in rounds.items():
        record[name] = {stage: min(each[stage] for each in found) for stage in found[0]}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
