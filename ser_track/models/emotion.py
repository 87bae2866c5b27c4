"""Speech emotion recognition of one segment by an ONNX file: ours, or one that keeps the same contract.

Contract of the file: input `log_mel` float32 [batch, 80, T], output `probabilities` float32 [batch, 4] in the
order of `EMOTIONS`, and metadata that says which front-end, rate and labels it was trained with (CARD.md). Ours
have more: an output `six` [batch, 6], and to know voices, an output `embedding` [batch, size] and two optional
inputs, `voice_mean` and `voice_deviation` [1, size].
"""

import json
from importlib import resources
from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime as ort

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.config.schema import DEFAULT_MODEL, SHIPPED_MODELS
from ser_track.errors import InferenceError, ModelError
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.models.log_mel import FRONT_END, N_MELS, log_mel
from ser_track.models.session import open_session
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile

# The encoder's attention costs grow with the square of the length.
_LONGEST: Final = 30 * SAMPLE_RATE_HZ
_STRETCH: Final = 10 * SAMPLE_RATE_HZ
_ENOUGH: Final = SAMPLE_RATE_HZ // 2
"""Less speech than this is little evidence, whatever the network says: below, answers fade to "all alike"."""
_REMEDY: Final = "remake it with training/README.md, or remove 'model' from the configuration to use our own"


class EmotionModel:
    """An `EmotionClassifier`. It keeps no state between calls: threads and pipelines may share one."""

    def __init__(self, session: ort.InferenceSession, source: str) -> None:
        """Wrap an open session; `source` names it in errors. Raises ModelError where it breaks the contract."""
        problem = _problem(session)
        if problem is not None:
            raise ModelError(f"model file {source} does not fit: {problem}; {_REMEDY}")
        metadata = session.get_modelmeta().custom_metadata_map
        outputs = {node.name: node for node in session.get_outputs()}
        self._session = session
        self._outputs = [name for name in ("probabilities", "six", "embedding") if name in outputs]
        knows_voices = "embedding" in outputs and session.get_overridable_initializers()
        self._embedding_size: int | None = outputs["embedding"].shape[1] if knows_voices else None
        self.name: str = f"{metadata['name']}@{metadata['version']}"
        self.labels: tuple[str, ...] = EMOTIONS

    @classmethod
    def load(cls, model: Path | str = DEFAULT_MODEL) -> Self:
        """Open a model file: "small" or "base" of this package, or a path.

        Raises ModelError if it does not exist, is not ONNX, or was made for other inputs, labels or features.
        """
        if str(model) in SHIPPED_MODELS:
            shipped = resources.files("ser_track.models").joinpath("weights", f"{model}.onnx")
            return cls(open_session(shipped.read_bytes()), str(model))
        return cls(open_session(Path(model)), str(model))

    def new_voice(self) -> VoiceProfile | None:
        """Statistics of a participant of whom nothing was heard yet; None if the file has no embedding."""
        return None if self._embedding_size is None else VoiceProfile(self._embedding_size)

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Judge `samples` [n] at 16 kHz and any level, with what is known of the `voice`.

        More than 30 s are cut into equal stretches of at most 10 s, whose results are averaged. Less than half a
        second is little evidence: the probabilities go back to "all alike" with the square of the length.
        Raises AudioError on samples that are empty or not finite, InferenceError if the network fails.
        """
        if samples.ndim != 1 or samples.size <= _LONGEST:
            return self._judge(samples, voice)
        stretches = np.array_split(samples, -(-samples.size // _STRETCH))
        parts = [self._judge(stretch, voice) for stretch in stretches]
        return Prediction(
            np.mean([part.probabilities for part in parts], axis=0),
            _mean_of([part.six for part in parts]),
            _mean_of([part.embedding for part in parts]),
        )

    def _judge(self, samples: FloatArray, voice: VoiceProfile | None) -> Prediction:
        inputs = {"log_mel": log_mel(samples)[None]}
        if voice is not None and voice.segments and self._embedding_size is not None:
            inputs |= {"voice_mean": voice.mean[None], "voice_deviation": voice.deviation[None]}
        try:
            results = self._session.run(self._outputs, inputs)
        except Exception as error:  # ONNX Runtime has one class per status code and no public root
            seconds = samples.size / SAMPLE_RATE_HZ
            raise InferenceError(f"emotion model {self.name} failed on {seconds:.2f} s of audio: {error}") from error
        named = {name: np.asarray(result[0], np.float32) for name, result in zip(self._outputs, results, strict=True)}
        four, six = (_faded(named.get(name), samples.size) for name in ("probabilities", "six"))
        assert four is not None
        return Prediction(four, six, named.get("embedding"))


def _faded(shares: FloatArray | None, n: int) -> FloatArray | None:
    """Shares [C] mixed towards 1 / C where they rest on less than `_ENOUGH` samples."""
    if shares is None or n >= _ENOUGH:
        return shares
    weight = np.float32((n / _ENOUGH) ** 2)
    return shares * weight + (1 - weight) / np.float32(shares.size)


def _mean_of(parts: list[FloatArray | None]) -> FloatArray | None:
    there = [part for part in parts if part is not None]
    return np.asarray(np.mean(there, axis=0), np.float32) if there else None


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
    wanted = [("log_mel", inputs["log_mel"], 3, N_MELS), ("probabilities", outputs["probabilities"], 2, len(EMOTIONS))]
    if "six" in outputs:
        wanted.append(("six", outputs["six"], 2, len(SIX_EMOTIONS)))
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
