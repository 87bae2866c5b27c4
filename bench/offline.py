"""Recordings at full speed, compared with other projects: `python -m bench.offline`; prints one JSON object.

It makes a conversation from the spoken test recording: turns of three voices, pauses, room noise. In turns, each
project processes it from 16 kHz samples to segments, on one core and one thread. CPU time counts, the best of the
rounds:

`realtime_factor_per_core`                ours: voice detector and segmenter through `Engine`; the classifier is a
                                          stand-in that costs nothing
`realtime_factor_per_core_with_emotions`  ours, with the emotion model on every segment
`peers`                                   voice detector and segments alone; null where a package is absent
`analyze`                                 `ser-track analyze` on several such files, wall clock, on one core and on all

The peers need torch, which this project does not use, so they run in an environment of their own (3 GB, because PyPI's
torch contains CUDA):

    uv run --no-project --with torch,silero-vad,sherpa-onnx,onnxruntime,av,rich python -m bench.offline

sherpa-onnx uses a model file of the silero-vad package.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.engine import CostFreeClassifier
from bench.packets import SPOKEN
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import EngineEvent, SpeechEnded, StreamKey
from ser_track.models import load_models
from ser_track.protocols import EmotionClassifier

_ROUNDS: Final = 3
_BLOCK: Final = SAMPLE_RATE_HZ
"""The number of samples that `ser-track analyze` gives the engine at a time."""
Segments = Callable[[FloatArray], int]
"""Processes samples [n] and returns the number of segments of speech."""


def conversation(minutes: float, seed: int = 0) -> FloatArray:
    """Turns of three voices with pauses of 0.3 to 2.5 s between them, over room noise at -55 dBFS."""
    with wave.open(str(SPOKEN)) as recording:
        spoken = np.frombuffer(recording.readframes(recording.getnframes()), np.int16) / np.float32(32_768)
    random, length = np.random.default_rng(seed), round(minutes * 60 * SAMPLE_RATE_HZ)
    made = random.normal(0, 1.8e-3, length).astype(np.float32)
    at = 0
    while at < length:
        speed, level = ((0.9, 1.0), (1.0, 0.5), (1.12, 0.8))[random.integers(3)]
        begin, lasts = random.integers(0, len(spoken) // 2), round(random.uniform(2, 12) * SAMPLE_RATE_HZ)
        turn = spoken[begin : begin + lasts]
        turn = np.interp(np.arange(0, len(turn) - 1, speed), np.arange(len(turn)), turn).astype(np.float32) * level
        part = turn[: length - at]
        made[at : at + len(part)] += part
        at += len(part) + round(random.uniform(0.3, 2.5) * SAMPLE_RATE_HZ)
    return np.clip(made, -1, 1)


def ours(classifier: EmotionClassifier) -> Segments:
    """Run the engine as `ser-track analyze --final-only` does."""
    config = PipelineConfig()
    detector, key = load_models(config).detector, StreamKey("bench", "p", "1")

    def segments(samples: FloatArray) -> int:
        engine, events = Engine(detector, classifier, config), list[EngineEvent]()
        engine.open(key)
        for at in range(0, len(samples), _BLOCK):
            engine.push(key, Chunk(at, samples[at : at + _BLOCK]))
            events += engine.tick(provisional=False)
        events += engine.flush(key)
        return sum(isinstance(event, SpeechEnded) and event.classified for event in events)

    return segments


def silero(onnx: bool) -> Segments:
    """The silero-vad package's own `get_speech_timestamps`, by ONNX Runtime or by torch."""
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad

    torch.set_num_threads(1)
    model, config = load_silero_vad(onnx=onnx), PipelineConfig()

    def segments(samples: FloatArray) -> int:
        silence_ms, least_ms = round(config.end_silence_s * 1000), round(config.min_segment_s * 1000)
        found = get_speech_timestamps(
            torch.from_numpy(samples),
            model,
            min_silence_duration_ms=silence_ms,
            min_speech_duration_ms=least_ms,
            max_speech_duration_s=config.max_segment_s,
            speech_pad_ms=0,
        )
        return len(found)

    return segments


def sherpa() -> Segments:
    """sherpa-onnx's `VoiceActivityDetector`, window by window, as its examples call it."""
    import sherpa_onnx

    spec = find_spec("silero_vad")
    if spec is None or spec.origin is None:
        raise ImportError("silero-vad, whose model file is needed, is not installed")
    given, config = sherpa_onnx.VadModelConfig(), PipelineConfig()
    given.silero_vad.model = str(Path(spec.origin).parent / "data" / "silero_vad_16k_op15.onnx")
    given.silero_vad.threshold = config.vad_min_confidence
    given.silero_vad.min_silence_duration = config.end_silence_s
    given.silero_vad.min_speech_duration = config.min_segment_s
    given.silero_vad.max_speech_duration = config.max_segment_s
    given.sample_rate, given.num_threads = SAMPLE_RATE_HZ, 1

    def segments(samples: FloatArray) -> int:
        detector, found = sherpa_onnx.VoiceActivityDetector(given, buffer_size_in_seconds=60), 0
        for at in range(0, len(samples) - given.silero_vad.window_size + 1, given.silero_vad.window_size):
            detector.accept_waveform(samples[at : at + given.silero_vad.window_size])
            while not detector.empty():
                found += 1
                detector.pop()
        detector.flush()
        while not detector.empty():
            found += 1
            detector.pop()
        return found

    return segments


def contenders() -> tuple[dict[str, Segments], dict[str, str]]:
    """Ours and each peer that is installed; for the others, the reason."""
    there = {"ours": ours(CostFreeClassifier()), "with emotions": ours(load_models(PipelineConfig()).classifier)}
    absent: dict[str, str] = {}
    peers: dict[str, Callable[[], Segments]] = {
        "silero-vad onnx wrapper": lambda: silero(onnx=True),
        "silero-vad torch jit": lambda: silero(onnx=False),
        "sherpa-onnx": sherpa,
    }
    for name, make in peers.items():
        try:
            there[name] = make()
        except Exception as error:  # a peer that cannot be measured is reported, with the reason
            absent[name] = f"{type(error).__name__}: {error}"
    return there, absent


def measure(samples: FloatArray, rounds: int) -> dict[str, Any]:
    """How many times faster than real time each is on one core, and the number of segments that it found."""
    there, absent = contenders()
    spent: dict[str, list[float]] = {name: [] for name in there}
    found: dict[str, int | None] = dict.fromkeys(absent)
    for _ in range(rounds):
        for name, segments in there.items():
            begun = time.process_time()
            found[name] = segments(samples)
            spent[name].append(time.process_time() - begun)
    seconds = len(samples) / SAMPLE_RATE_HZ
    factors = {name: round(seconds / min(each), 1) for name, each in spent.items()}
    record: dict[str, Any] = {
        "realtime_factor_per_core": factors.pop("ours"),
        "realtime_factor_per_core_with_emotions": factors.pop("with emotions"),
        "peers": {**factors, **dict.fromkeys(absent)},
        "segments": found,
    }
    return record | ({"peers_absent": absent} if absent else {})


def analyze(samples: FloatArray, files: int, jobs: int) -> dict[str, Any]:
    """Wall clock of the command on ``files`` files, including the start of Python and the models."""
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder) / f"{number}.wav") for number in range(files)]
        for name in names:
            with wave.open(name, "wb") as file:
                file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
                file.writeframes((samples * 32_767).astype("<i2").tobytes())
        walls = {}
        for n in sorted({1, jobs}):
            command = ["analyze", "--final-only", "--jobs", str(n), "--out", os.devnull, *names]
            program = f"from ser_track.cli.main import main; raise SystemExit(main({command!r}))"
            begun = time.perf_counter()
            if code := os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program]):
                raise SystemExit(f"ser-track analyze --jobs {n} ended with {code}")
            walls[n] = round(time.perf_counter() - begun, 2)
    seconds = files * len(samples) / SAMPLE_RATE_HZ
    return {"files": files, "audio_s": seconds, "jobs": jobs, "jobs_1_wall_s": walls[1], "jobs_all_wall_s": walls[jobs]}


def main() -> None:
    """Run the comparison on one core, then the command on all cores."""
    parser = argparse.ArgumentParser(description="Recordings at full speed, compared with other projects.")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the conversation")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--files", type=int, default=4, help="number of files for ser-track analyze; 0 skips it")
    args = parser.parse_args()
    samples = conversation(args.minutes)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    record: dict[str, Any] = {
        "machine": f"{platform.machine()}, {len(cores)} cores, Python {platform.python_version()}",
        "audio_s": len(samples) / SAMPLE_RATE_HZ,
    }
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(cores)})
    with redirect_stdout(sys.stderr):  # output of packages must not mix with the result
        record |= measure(samples, args.rounds)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    if args.files:
        record["analyze"] = analyze(samples, args.files, len(cores))
    print(json.dumps(record))


if __name__ == "__main__":
    main()
