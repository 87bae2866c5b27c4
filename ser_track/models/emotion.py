"""Speech emotion recognition of one segment with an ONNX file: ours or a third party's.

A file takes one input, `log_mel` float32 [batch, 80, T] or a waveform float32 [batch, n] at 16 kHz, and gives
`probabilities` or `logits` float32 [batch, C]. Its `Description` says which, and names its C
labels. Our files also have an output `six` [batch, 6] and, to adapt to voices, an output `embedding` [batch, size] and
optional inputs, `voice_mean` and `voice_deviation` [1, size]. A file may also take `voice_known` [1, 1] and give what
voice profiles are updated with: `voice_update` [batch, size], `voice_weight` [batch, 1], `unadapted` [batch, 4].
"""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime as ort

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.config.schema import DEFAULT_MODEL, SHIPPED_MODELS
from ser_track.errors import AudioError, InferenceError, ModelError
from ser_track.labels import FOUR, SIX
from ser_track.models.description import WAVEFORM, Description
from ser_track.models.log_mel import N_MELS, log_mel
from ser_track.models.onnx_session import open_session
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceEvidence, VoiceProfile

# The encoder's attention costs grow with the square of the length.
_MAX_SAMPLES: Final = 30 * SAMPLE_RATE_HZ
_STRETCH: Final = 10 * SAMPLE_RATE_HZ
_ENOUGH: Final = SAMPLE_RATE_HZ // 2
"""Less speech than this is weak evidence: the probabilities of shorter segments fade to uniform."""
_MIN_SAMPLES: Final = 512
"""Convolutions over a waveform need this many samples (wav2vec 2.0: 400); shorter segments are zero-padded."""
_NEUTRAL: Final = FOUR.names.index("neutral")
VOICE_OUTPUTS: Final = ("voice_update", "voice_weight", "unadapted")
_OPTIONAL_OUTPUTS: Final = ("six", "embedding", *VOICE_OUTPUTS)
_REMEDY: Final = (
    "correct the file or the JSON beside it as docs/extending.md says (ours are remade with training/README.md), "
    "or remove 'model' from the configuration to use our own"
)


class EmotionModel:
    """An `EmotionClassifier`. It keeps no state between calls: threads and pipelines may share one."""

    def __init__(self, session: ort.InferenceSession, source: str, beside: Path | None = None) -> None:
        """Wrap an open session; `source` names it in errors; `beside` is a JSON file with keys that its metadata lacks.

        Raises ModelError if it breaks the contract.
        """
        try:
            description = Description.read(session.get_modelmeta().custom_metadata_map, beside)
            if problem := _graph_problem(session, description):
                raise ModelError(problem)
        except ModelError as error:
            raise ModelError(f"model file {source} does not fit: {error}; {_REMEDY}") from error
        outputs = {node.name: node for node in session.get_outputs()}
        self._session = session
        self._description = description
        self._input = session.get_inputs()[0].name
        self._outputs: dict[str, str] = {"main": description.output}
        self._outputs |= {name: name for name in _OPTIONAL_OUTPUTS if name in outputs}
        optional = {node.name for node in session.get_overridable_initializers()}
        self._takes_known = "voice_known" in optional
        knows_voices = "embedding" in outputs and session.get_overridable_initializers()
        self._embedding_size: int | None = outputs["embedding"].shape[1] if knows_voices else None
        self.name: str = f"{description.name}@{description.version}"
        self.labels = description.labels
        self.licence = description.licence
        """As the file says; None if it does not."""

    @classmethod
    def load(cls, model: Path | str = DEFAULT_MODEL) -> Self:
        """Open a model file: "small" or "base" of this package, or a path.

        Raises ModelError if it does not exist, is not ONNX, or does not describe its inputs and outputs.
        """
        if str(model) in SHIPPED_MODELS:
            shipped = resources.files("ser_track.models").joinpath("weights", f"{model}.onnx")
            return cls(open_session(shipped.read_bytes()), str(model))
        return cls(open_session(Path(model)), str(model), Path(model).with_suffix(".json"))

    def new_voice(self) -> VoiceProfile | None:
        """Return the initial statistics of a new participant; None if the file has no embedding."""
        return None if self._embedding_size is None else VoiceProfile(self._embedding_size)

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Classify `samples` [n] at 16 kHz and any level, adapted to the `voice`.

        More than 30 s are cut into equal parts of at most 10 s, whose results are averaged. Less than half a
        second is weak evidence: the probabilities fade to uniform with the square of the length.
        Raises AudioError on samples that are empty or not finite, InferenceError if the network fails.
        """
        if samples.ndim != 1 or samples.size <= _MAX_SAMPLES:
            return self._judge(samples, voice)
        stretches = np.array_split(samples, -(-samples.size // _STRETCH))
        parts = [self._judge(stretch, voice) for stretch in stretches]
        return Prediction(
            np.mean([part.probabilities for part in parts], axis=0),
            _mean_of([part.six for part in parts]),
            _mean_of([part.embedding for part in parts]),
            _mean_evidence([part.evidence for part in parts if part.evidence is not None]),
        )

    def _judge(self, samples: FloatArray, voice: VoiceProfile | None) -> Prediction:
        inputs = {self._input: self._heard(samples)[None]}
        if voice is not None and voice.segments and self._embedding_size is not None:
            inputs |= {"voice_mean": voice.mean[None], "voice_deviation": voice.deviation[None]}
            if self._takes_known:
                inputs["voice_known"] = np.full((1, 1), voice.known, np.float32)
        try:
            results = self._session.run([*self._outputs.values()], inputs)
        except Exception as error:  # ONNX Runtime has one class per status code and no public root
            seconds = samples.size / SAMPLE_RATE_HZ
            raise InferenceError(f"emotion model {self.name} failed on {seconds:.2f} s of audio: {error}") from error
        named = {name: np.asarray(result[0], np.float32) for name, result in zip(self._outputs, results, strict=True)}
        if self._description.output == "logits":
            named["main"] = _softmax(named["main"])
        main, six = (_faded(named.get(name), samples.size) for name in ("main", "six"))
        assert main is not None
        evidence = None if self._embedding_size is None else evidence_of(named)
        return Prediction(main, six, named.get("embedding"), evidence)

    def _heard(self, samples: FloatArray) -> FloatArray:
        """Return `samples` [n] as the network takes them, without the batch dimension."""
        if self._description.front_end != WAVEFORM:
            return log_mel(samples)
        return waveform(samples, self._description.normalised)


def evidence_of(named: Mapping[str, FloatArray]) -> VoiceEvidence:
    """What a segment says about its voice, from the outputs of a file like ours: name → values of one segment."""
    weight = float(named["voice_weight"][0]) if "voice_weight" in named else 1.0
    emotions = np.delete(named["unadapted"], _NEUTRAL) if "unadapted" in named else None
    return VoiceEvidence(named["voice_update" if "voice_update" in named else "embedding"], weight, emotions)


def waveform(samples: FloatArray, normalised: bool) -> FloatArray:
    """`samples` [n] → [≥ n], with mean 0 and variance 1 if `normalised`; short ones are padded with zeros.

    Raises AudioError on samples that are empty or not finite.
    """
    if samples.ndim != 1 or samples.size == 0:
        raise AudioError(f"a segment must be [n] samples with n ≥ 1, not {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise AudioError("a segment holds NaN or infinite samples; repair its source")
    if normalised:
        samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    return np.pad(samples, (0, max(0, _MIN_SAMPLES - samples.size))).astype(np.float32, copy=False)


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _faded(shares: FloatArray | None, n: int) -> FloatArray | None:
    """Mix shares [C] towards 1 / C if they rest on fewer than `_ENOUGH` samples."""
    if shares is None or n >= _ENOUGH:
        return shares
    weight = np.float32((n / _ENOUGH) ** 2)
    return shares * weight + (1 - weight) / np.float32(shares.size)


def _mean_evidence(parts: list[VoiceEvidence]) -> VoiceEvidence | None:
    if not parts:
        return None
    embedding = np.mean([part.embedding for part in parts], axis=0)
    weight = float(np.mean([part.weight for part in parts]))
    return VoiceEvidence(np.asarray(embedding, np.float32), weight, _mean_of([part.unadapted for part in parts]))


def _mean_of(parts: list[FloatArray | None]) -> FloatArray | None:
    there = [part for part in parts if part is not None]
    return np.asarray(np.mean(there, axis=0), np.float32) if there else None


def _graph_problem(session: ort.InferenceSession, description: Description) -> str | None:
    """Describe what is wrong with a file's inputs and outputs, or return None."""
    inputs, outputs = session.get_inputs(), {node.name: node for node in session.get_outputs()}
    names = sorted(node.name for node in inputs)
    waves = description.front_end == WAVEFORM
    if len(names) != 1 or not (waves or names == ["log_mel"]):
        return f"its inputs are {names}, not {'one waveform' if waves else ['log_mel']}"
    output = description.output
    if output not in outputs:
        return f"output '{output}' is missing"
    taken = (names[0], inputs[0], 2, None) if waves else (names[0], inputs[0], 3, N_MELS)
    wanted = [taken, (output, outputs[output], 2, len(description.labels))]
    if "six" in outputs:
        wanted.append(("six", outputs["six"], 2, len(SIX)))
    for name, node, rank, size in wanted:
        fits = node.type == "tensor(float)" and len(node.shape) == rank
        # Exporters may leave the number of columns open; then each answer is checked against the labels.
        if not fits or (size is not None and node.shape[1] != size and (isinstance(node.shape[1], int) or not waves)):
            second = "" if size is None else f" with {size} in second place"
            return f"'{name}' is {node.type} {node.shape}, not float32 of rank {rank}{second}"
    if isinstance(inputs[0].shape[-1], int):
        return f"'{names[0]}' takes {inputs[0].shape[-1]} {'samples' if waves else 'frames'} only, not any number"
    return None
