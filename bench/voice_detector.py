"""CPU of the voice detector per window, ours and the silero-vad package's own file: `python -m bench.voice_detector`.

Both through one session each on one thread, side by side in one run, for batches of several sizes; prints JSON.
"""

import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.models.onnx_session import open_session
from ser_track.models.silero import SileroVad

_BATCHES: Final = (1, 16, 64, 250)
_WINDOWS: Final = 2_000
_ROUNDS: Final = 5


def _packaged(n: int, windows: FloatArray) -> Callable[[], object]:
    """One call of the package's file for n streams, without updating their states."""
    spec = find_spec("silero_vad")
    assert spec is not None
    assert spec.origin is not None
    session = open_session(Path(spec.origin).parent / "data" / "silero_vad.onnx")
    heard = np.concatenate([np.zeros((n, 64), np.float32), windows], axis=1)
    inputs = {"input": heard, "state": np.zeros((2, n, 128), np.float32), "sr": np.array(16_000, np.int64)}
    return lambda: session.run(None, inputs)


def _ours(n: int, windows: FloatArray) -> Callable[[], object]:
    """One call of `SileroVad.detect` for n streams, including the update of their states."""
    detector = SileroVad()
    states = [detector.new_state() for _ in range(n)]
    return lambda: detector.detect(windows, states)


def _us_per_window(call: Callable[[], object], n: int) -> float:
    calls = max(8, _WINDOWS // n)
    begun = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begun) / (calls * n) * 1e6


def main() -> None:
    """Measure in turns, so that other load on the machine affects both; the minimum of all rounds counts."""
    record: dict[str, dict[str, float]] = {"ours_us": {}, "package_us": {}}
    for n in _BATCHES:
        windows = np.random.default_rng(0).normal(0, 0.1, (n, WINDOW_SAMPLES)).astype(np.float32)
        calls = {"ours_us": _ours(n, windows), "package_us": _packaged(n, windows)}
        rounds = [{name: _us_per_window(call, n) for name, call in calls.items()} for _ in range(_ROUNDS)]
        for name in calls:
            record[name][str(n)] = round(min(each[name] for each in rounds), 1)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
