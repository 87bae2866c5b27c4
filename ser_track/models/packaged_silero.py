"""The model file of the `silero-vad` package, if that is installed, as a voice detector.

Only the file is read: the package's code imports torch, which is not needed here and takes gigabytes.
"""

from collections.abc import Sequence
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.errors import InferenceError, ModelError
from ser_track.models.silero import SileroVad
from ser_track.protocols import DetectorState

PACKAGE: Final = "silero-vad"
_FILE: Final = Path("data", "silero_vad.onnx")


def packaged_file() -> Path | None:
    """Return where the package keeps its model; ``None`` if it is not installed."""
    spec = find_spec("silero_vad")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / _FILE


def licence_of(package: Distribution) -> str | None:
    """Return the licence in a package's metadata: an expression, else a text, else a classifier."""
    known = package.metadata.json
    stated = [str(known[key]) for key in ("license_expression", "license") if known.get(key)]
    kinds = [kind for kind in package.metadata.get_all("Classifier", []) if kind.startswith("License ::")]
    return next(iter([*stated, *(kind.rpartition(" :: ")[2] for kind in kinds)]), None)


class PackagedSileroVad(SileroVad):
    """A `VoiceDetector` that runs the package's own file; window by window, because its graph does not support runs."""

    def __init__(self) -> None:
        """Open the installed file.

        Raises:
            ModelError: the package is not installed, or keeps its file elsewhere.
        """
        file = packaged_file()
        if file is None:
            remedy = "pip install --no-deps silero-vad (its torch is not needed), or use 'builtin'"
            raise ModelError(f"voice detector '{PACKAGE}': the package is not installed; {remedy}")
        if not file.is_file():
            raise ModelError(f"voice detector '{PACKAGE}': the package has no {_FILE}; install silero-vad 6.2 or newer")
        super().__init__(file)
        self.licence = licence_of(distribution(PACKAGE))
        self._rate = np.array(SAMPLE_RATE_HZ, np.int64)

    def detect_runs(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Return speech probabilities ``[t, n]`` of ``windows`` ``[t, n, 512]``, ``t`` of each stream."""
        heard = super().detect_runs
        return np.concatenate([heard(each[None], states) for each in windows])

    def _run(self, heard: FloatArray, recurrent: FloatArray) -> tuple[FloatArray, FloatArray]:
        try:
            output, after = self._session.run(None, {"input": heard, "state": recurrent, "sr": self._rate})
        except Exception as error:  # ONNX Runtime has one class per status code and no public root
            raise InferenceError(f"the voice activity model failed on {len(heard)} windows: {error}") from error
        return output[:, 0], after
