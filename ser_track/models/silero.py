"""Silero VAD (github.com/snakers4/silero-vad, MIT) for many streams in one call, or many windows of one.

`silero.onnx` beside this file has the weights of the silero-vad package, written as matrix products over the batch
(`scripts/make_silero.py`); `tests/models/test_silero.py` holds it to the package's own file.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import numpy as np

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.errors import InferenceError
from ser_track.models.onnx_session import open_session
from ser_track.protocols import DetectorState

CONTEXT_SAMPLES: Final = 64
"""The end of a window, which the network sees again before the next."""
_HIDDEN: Final = 128
_FIRST_PLACES: Final = 16
MODEL_FILE: Final = Path(__file__).parent / "silero.onnx"


class _Memory:
    """What the network remembers of each stream, by place: one row to gather and scatter, not one object each."""

    def __init__(self) -> None:
        self.recurrent = np.zeros((2, _FIRST_PLACES, _HIDDEN), np.float32)
        self.context = np.zeros((_FIRST_PLACES, CONTEXT_SAMPLES), np.float32)
        self.free = list(range(_FIRST_PLACES))
        # Threads may share a detector; no two share a stream. Reentrant: states can be given back anywhere.
        self._lock = threading.RLock()

    def take(self) -> int:
        """A place of which nothing was heard yet."""
        with self._lock:
            if not self.free:
                n = len(self.context)
                self.recurrent = np.concatenate([self.recurrent, np.zeros_like(self.recurrent)], axis=1)
                self.context = np.concatenate([self.context, np.zeros_like(self.context)])
                self.free.extend(range(n, 2 * n))
            return self.free.pop()

    def give_back(self, place: int) -> None:
        """Forget what was heard there."""
        with self._lock:
            self.recurrent[:, place] = 0.0
            self.context[place] = 0.0
            self.free.append(place)

    def read(self, places: list[int], recurrent: FloatArray, context: FloatArray) -> None:
        """Copy what is known at these places to ``recurrent`` ``[2, n, 128]`` and ``context`` ``[n, 64]``."""
        with self._lock:
            np.take(self.recurrent, places, axis=1, out=recurrent, mode="clip")  # "raise" would copy twice
            context[:] = self.context[places]

    def write(self, places: list[int], recurrent: FloatArray, context: FloatArray) -> None:
        """Remember it."""
        with self._lock:
            self.recurrent[:, places] = recurrent
            self.context[places] = context


class _Scratch(threading.local):
    """Each thread's room for the network's inputs, kept: to get memory of this size costs more than to fill it."""

    def __init__(self) -> None:
        self._heard = np.empty((0, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        self._recurrent = np.empty(0, np.float32)

    def take(self, windows: int, streams: int) -> tuple[FloatArray, FloatArray]:
        """Two arrays ``[windows, 576]`` and ``[2, streams, 128]``, good until the next call."""
        if windows > len(self._heard):
            self._heard = np.empty((windows, self._heard.shape[1]), np.float32)
        if (size := 2 * streams * _HIDDEN) > len(self._recurrent):
            self._recurrent = np.empty(size, np.float32)
        return self._heard[:windows], self._recurrent[:size].reshape(2, streams, _HIDDEN)


class SileroState:
    """A stream's place in the detector's memory; given back when nobody holds it any more."""

    __slots__ = ("_memory", "place")

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self.place = memory.take()

    def __del__(self) -> None:
        """Forget, and leave the place to the next."""
        self._memory.give_back(self.place)


class SileroVad:
    """A `VoiceDetector`: one call serves any number of streams, with the same result as one call each."""

    def __init__(self, path: Path = MODEL_FILE) -> None:
        """Load ``path``, a file of `scripts/make_silero.py`.

        Raises:
            ModelError: the file is missing or no such model.
        """
        self._session = open_session(path, keep_memory=True)
        self.licence: str | None = self._session.get_modelmeta().custom_metadata_map.get("licence")
        """As the file says; ``None`` where it does not."""
        self._memory = _Memory()
        self._scratch = _Scratch()

    def new_state(self) -> SileroState:
        """State of a stream of which nothing was heard yet."""
        return SileroState(self._memory)

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``; advances ``states``, which are those of n streams.

        Raises:
            InferenceError: the network failed; the states stay as they were.
        """
        places = [state.place for state in cast("Sequence[SileroState]", states)]
        _require_windows(windows)
        heard, recurrent = self._scratch.take(len(windows), len(places))
        heard[:, CONTEXT_SAMPLES:] = windows
        self._memory.read(places, recurrent, heard[:, :CONTEXT_SAMPLES])
        probabilities, after = self._run(heard, recurrent)
        self._memory.write(places, after, windows[:, -CONTEXT_SAMPLES:])
        return probabilities

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]`` of one stream, the first after what ``state`` knows.

        Exact, without cutting the run up: what costs most has no memory and is done for all windows at once, and the
        rest in their order. Memory grows with the run.

        Raises:
            InferenceError: the network failed; the state stays as it was.
        """
        places = [cast("SileroState", state).place]
        _require_windows(windows)
        heard, recurrent = self._scratch.take(len(windows), 1)
        heard[:, CONTEXT_SAMPLES:] = windows
        heard[1:, :CONTEXT_SAMPLES] = windows[:-1, -CONTEXT_SAMPLES:]
        self._memory.read(places, recurrent, heard[:1, :CONTEXT_SAMPLES])
        probabilities, after = self._run(heard, recurrent)
        self._memory.write(places, after, windows[-1:, -CONTEXT_SAMPLES:])
        return probabilities

    def _run(self, heard: FloatArray, recurrent: FloatArray) -> tuple[FloatArray, FloatArray]:
        try:
            output, after = self._session.run(None, {"input": heard, "state": recurrent})
        except Exception as error:
            raise InferenceError(f"the voice activity model failed on {len(heard)} windows: {error}") from error
        return output[:, 0], after


def _require_windows(windows: FloatArray) -> None:
    if windows.dtype != np.float32 or windows.shape[1:] != (WINDOW_SAMPLES,):
        found = f"{windows.dtype} {list(windows.shape)}, not float32 [n, {WINDOW_SAMPLES}]"
        raise InferenceError(f"the voice activity model failed on {len(windows)} windows: they are {found}")
