"""Speech emotion recognition of one segment by an ONNX file: ours, or one that keeps the same contract.

Contract of the file: input `log_mel` float32 [batch, 80, T], output `probabilities` float32 [batch, 4] in the
order of `EMOTIONS`, and metadata that says which front-end, rate and labels it was trained with (CARD.md).
"""

import json
from importlib import resources
from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime as ort

from ser_track.config import DEFAULT_MODEL
from ser_track.errors import InferenceError, ModelError
from ser_track.models.log_mel import FRONT_END, N_MELS, log_mel
from ser_track.models.session import open_session
from ser_track.types import EMOTIONS, SAMPLE_RATE_HZ, FloatArray

_SHIPPED: Final = "whisper-base-b3.onnx"
# The encoder knows 30 s of positions, and its attention costs grow with the square of the length.
_LONGEST: Final = 30 * SAMPLE_RATE_HZ
_STRETCH: Final = 10 * SAMPLE_RATE_HZ
_REMEDY: Final = "remake it with training/README.md, or remove 'model' from the configuration to use our own"


class EmotionModel:
    """An `EmotionClassifier`. It keeps no state between calls: threads and pipelines may share one."""

    def __init__(self, session: ort.InferenceSession, source: str) -> None:
        """Wrap an open session; `source` names it in errors. Raises ModelError where it breaks the contract."""
        problem = _problem(session)
        if problem is not None:
            raise ModelError(f"model file {source} does not fit: {problem}; {_REMEDY}")
        metadata = session.get_modelmeta().custom_metadata_map
        self._session = session
        self.name: str = f"{metadata['name']}@{metadata['version']}"
        self.labels: tuple[str, ...] = EMOTIONS

    @classmethod
    def load(cls, path: Path | str = DEFAULT_MODEL) -> Self:
        """Open a model file; "default" is the one in this package.

        Raises ModelError if it does not exist, is not ONNX, or was made for other inputs, labels or features.
        """
        if str(path) == DEFAULT_MODEL:
            shipped = resources.files("ser_track.models").joinpath("weights", _SHIPPED)
            return cls(open_session(shipped.read_bytes()), _SHIPPED)
        return cls(open_session(Path(path)), str(path))

    def classify(self, samples: FloatArray) -> FloatArray:
        """Probabilities [4] in the order of `labels`, summing to 1, of `samples` [n] at 16 kHz and any level.

        More than 30 s are cut into equal stretches of at most 10 s, whose probabilities are averaged by duration.
        Raises AudioError on samples that are empty or not finite, InferenceError if the network fails.
        """
        if samples.ndim != 1 or samples.size <= _LONGEST:
            return self._probabilities(samples)
        stretches = np.array_split(samples, -(-samples.size // _STRETCH))
        results = np.stack([self._probabilities(stretch) for stretch in stretches])
        average = np.average(results, axis=0, weights=[stretch.size for stretch in stretches])
        return np.asarray(average, np.float32)

    def _probabilities(self, samples: FloatArray) -> FloatArray:
        spectrum = log_mel(samples)
        try:
            (result,) = self._session.run(["probabilities"], {"log_mel": spectrum[None]})
        except Exception as error:  # ONNX Runtime has one class per status code and no public root
            seconds = samples.size / SAMPLE_RATE_HZ
            raise InferenceError(f"emotion model {self.name} failed on {seconds:.2f} s of audio: {error}") from error
        return np.asarray(result[0], np.float32)


def _problem(session: ort.InferenceSession) -> str | None:
    """What is wrong with a file, in words, or None: first its graph, then what it says of itself."""
    return _graph_problem(session) or _metadata_problem(session.get_modelmeta().custom_metadata_map)


def _graph_problem(session: ort.InferenceSession) -> str | None:
    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name: node for node in session.get_outputs()}
    if list(inputs) != ["log_mel"]:
        return f"its inputs are {sorted(inputs)}, not ['log_mel']"
    if "probabilities" not in outputs:
        return "output 'probabilities' is missing"
    wanted = (("log_mel", inputs["log_mel"], 3, N_MELS), ("probabilities", outputs["probabilities"], 2, len(EMOTIONS)))
    for name, node, rank, size in wanted:
        if node.type != "tensor(float)" or len(node.shape) != rank or node.shape[1] != size:
            return f"'{name}' is {node.type} {node.shape}, not float32 of rank {rank} with {size} in second place"
    if isinstance(inputs["log_mel"].shape[2], int):
        return f"'log_mel' takes {inputs['log_mel'].shape[2]} frames only, not any number"
    return None


def _metadata_problem(metadata: dict[str, str]) -> str | None:
    wanted = {"labels": json.dumps(EMOTIONS), "sample_rate_hz": str(SAMPLE_RATE_HZ), "front_end": FRONT_END}
    missing = sorted({"name", "version", *wanted} - set(metadata))
    if missing:
        return f"its metadata lacks {', '.join(missing)}"
    for key, value in wanted.items():
        if metadata[key] != value:
            return f"its {key} is {metadata[key]}, not {value}"
    return None
