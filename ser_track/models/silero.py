"""Silero VAD (github.com/snakers4/silero-vad, MIT) from its package data; its code, which needs torch, stays out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np

from ser_track.errors import InferenceError, ModelError
from ser_track.models.session import open_session
from ser_track.ports import VoiceState
from ser_track.types import SAMPLE_RATE_HZ, FloatArray

_CONTEXT_SAMPLES = 64


@dataclass(slots=True)
class SileroState:
    """Recurrent state ``[2, 128]`` and the last 64 samples, which the network sees before each window."""

    hidden: FloatArray = field(default_factory=lambda: np.zeros((2, 128), np.float32))
    context: FloatArray = field(default_factory=lambda: np.zeros(_CONTEXT_SAMPLES, np.float32))


class SileroVad:
    """A `VoiceDetector`: one call serves any number of streams, with the same result as one call each."""

    def __init__(self, path: Path | None = None) -> None:
        """Load ``path``, or the model file in the installed silero-vad package.

        Raises:
            ModelError: the file or the package is missing.
        """
        self._session = open_session(path or _packaged_model())
        self._rate = np.array(SAMPLE_RATE_HZ, np.int64)

    def new_state(self) -> SileroState:
        """State of a stream of which nothing was heard yet."""
        return SileroState()

    def detect(self, windows: FloatArray, states: Sequence[VoiceState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``; advances ``states`` in place.

        Raises:
            InferenceError: the network failed.
        """
        own = cast("Sequence[SileroState]", states)
        batch = np.concatenate([np.stack([state.context for state in own]), windows], axis=1)
        hidden = np.stack([state.hidden for state in own], axis=1)
        try:
            output, hidden = self._session.run(None, {"input": batch, "state": hidden, "sr": self._rate})
        except Exception as error:
            raise InferenceError(f"the voice activity model failed on {len(own)} windows: {error}") from error
        for index, state in enumerate(own):
            # Copied: a view would hold on to the audio of everybody in this batch.
            state.hidden[:] = hidden[:, index]
            state.context[:] = windows[index, -_CONTEXT_SAMPLES:]
        return cast("FloatArray", output[:, 0])


def _packaged_model() -> Path:
    spec = find_spec("silero_vad")
    if spec is None or spec.origin is None:
        raise ModelError("package silero-vad is not installed; install it (its torch is not needed, see the README)")
    return Path(spec.origin).parent / "data" / "silero_vad.onnx"
