"""Silero VAD (github.com/snakers4/silero-vad, MIT) for many streams in one call, or many windows of one.

`silero.onnx` beside this file has the weights of the silero-vad package, written as matrix products over the batch
(`scripts/make_silero.py`); `tests/models/test_silero.py` compares it with the package's own file.
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
_RUNS_RANK: Final = 3
MODEL_FILE: Final = Path(__file__).parent / "silero.onnx"


class _Memory:
    """The network's state of each stream, by place: one array row each, to gather and scatter, not one object."""

    def __init__(self) -> None:
        self.recurrent = np.zeros((2, _FIRST_PLACES, _HIDDEN), np.float32)
        self.context = np.zeros((_FIRST_PLACES, CONTEXT_SAMPLES), np.float32)
        self.free = list(range(_FIRST_PLACES))
        # Threads may share a detector, but not a stream. Reentrant: states can be given back anywhere.
        self._lock = threading.RLock()

    def take(self) -> int:
        """Return a place with a fresh state."""
        with self._lock:
            if not self.free:
                n = len(self.context)
                self.recurrent = np.concatenate([self.recurrent, np.zeros_like(self.recurrent)], axis=1)
                self.context = np.concatenate([self.context, np.zeros_like(self.context)])
                self.free.extend(range(n, 2 * n))
            return self.free.pop()

    def give_back(self, place: int) -> None:
        """Clear the place and free it."""
        with self._lock:
            self.recurrent[:, place] = 0.0
            self.context[place] = 0.0
            self.free.append(place)

    def read(self, places: list[int], recurrent: FloatArray, context: FloatArray) -> None:
        """Copy the states at these places to ``recurrent`` ``[2, n, 128]`` and ``context`` ``[n, 64]``."""
        with self._lock:
            np.take(self.recurrent, places, axis=1, out=recurrent, mode="clip")  # "raise" would copy twice
            context[:] = self.context[places]

    def fade(self, place: int) -> None:
        """Halve what the cells of the LSTM hold."""
        with self._lock:
            self.recurrent[1, place] *= 0.5

    def write(self, places: list[int], recurrent: FloatArray, context: FloatArray) -> None:
        """Store the states at these places."""
        with self._lock:
            self.recurrent[:, places] = recurrent
            self.context[places] = context


class _Scratch(threading.local):
    """Each thread's buffer for the network's inputs: allocating memory of this size costs more than filling it."""

    def __init__(self) -> None:
        self._heard = np.empty((0, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        self._recurrent = np.empty(0, np.float32)

    def take(self, windows: int, streams: int) -> tuple[FloatArray, FloatArray]:
        """Return two arrays ``[windows, 576]`` and ``[2, streams, 128]``, valid until the next call."""
        if windows > len(self._heard):
            self._heard = np.empty((windows, self._heard.shape[1]), np.float32)
        if (size := 2 * streams * _HIDDEN) > len(self._recurrent):
            self._recurrent = np.empty(size, np.float32)
        return self._heard[:windows], self._recurrent[:size].reshape(2, streams, _HIDDEN)


class SileroState:
    """A stream's place in the detector's memory; given back when the last reference to it is gone."""

    __slots__ = ("_memory", "place")

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self.place = memory.take()

    def __del__(self) -> None:
        """Free the place for the next stream."""
        self._memory.give_back(self.place)


class SileroVad:
    """A `VoiceDetector`: one call serves any number of streams, with the same result as one call each."""

    def __init__(self, path: Path = MODEL_FILE) -> None:
        """Load ``path``, a file of `scripts/make_silero.py`.

        Raises:
            ModelError: the file is missing, or is not such a model.
        """
        self._session = open_session(path, keep_memory=True)
        self.licence: str | None = self._session.get_modelmeta().custom_metadata_map.get("licence")
        """As the file says; ``None`` if it does not."""
        self._memory = _Memory()
        self._scratch = _Scratch()

    def new_state(self) -> SileroState:
        """Return the initial state of a stream."""
        return SileroState(self._memory)

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``; advances ``states``, one for each of the n streams.

        Raises:
            InferenceError: the network failed; the states stay as they were.
        """
        return cast("FloatArray", self.detect_runs(windows[None], states)[0])

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]`` of one stream, continuing from ``state``.

        The result equals single calls: the costly part is stateless and runs for all windows at once; the rest runs in
        order. Memory grows with the length of the run.

        Raises:
            InferenceError: the network failed; the state stays as it was.
        """
        return self.detect_runs(windows[:, None], [state])[:, 0]

    def detect_runs(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Do the same for ``t`` consecutive windows of each of ``n`` streams: ``[t, n, 512]`` → ``[t, n]``."""
        _require_windows(windows)
        steps, n = windows.shape[:2]
        places = [state.place for state in cast("Sequence[SileroState]", states)]
        heard, recurrent = self._scratch.take(steps * n, len(places))
        heard[:, CONTEXT_SAMPLES:] = windows.reshape(-1, WINDOW_SAMPLES)
        heard[n:, :CONTEXT_SAMPLES] = windows[:-1, :, -CONTEXT_SAMPLES:].reshape(-1, CONTEXT_SAMPLES)
        self._memory.read(places, recurrent, heard[:n, :CONTEXT_SAMPLES])
        probabilities, after = self._run(heard, recurrent)
        self._memory.write(places, after, windows[-1, :, -CONTEXT_SAMPLES:])
        return cast("FloatArray", probabilities.reshape(steps, n))

    def fade(self, state: DetectorState) -> None:
        """Forget half of ``state``, because a second or more of its stream was left out.

        Measured with `bench.levels`: half as many false alarms as with all of it, and less is missed than with none.
        """
        self._memory.fade(cast("SileroState", state).place)

    def _run(self, heard: FloatArray, recurrent: FloatArray) -> tuple[FloatArray, FloatArray]:
        try:
            output, after = self._session.run(None, {"input": heard, "state": recurrent})
        except Exception as error:
            raise InferenceError(f"the voice activity model failed on {len(heard)} windows: {error}") from error
        return output[:, 0], after


def _require_windows(windows: FloatArray) -> None:
    if windows.dtype != np.float32 or windows.ndim != _RUNS_RANK or windows.shape[-1] != WINDOW_SAMPLES:
        count, shape = windows.size // max(1, windows.shape[-1]), list(windows.squeeze().shape)
        found = f"{windows.dtype} {shape}, not float32 [n, {WINDOW_SAMPLES}]"
        raise InferenceError(f"the voice activity model failed on {count} windows: they are {found}")
