"""The model that is tuned: what its file consists of, and the files that are made of its parts.

Our files end alike: the embedding is adapted to the voice, (embedding - voice_mean) / voice_deviation; each head makes
shares of it with a softmax; and a gate mixes these towards equal shares where there is hardly any speech.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Self

import onnx

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.cli.tune.graph import Graph, Shapes
from ser_track.config.schema import SHIPPED_MODELS
from ser_track.errors import ModelError
from ser_track.labels import FOUR, SIX
from ser_track.models.description import Description
from ser_track.models.emotion import VOICE_OUTPUTS

VOICE_INPUTS: Final = ("voice_mean", "voice_deviation", "voice_known")
KNOWN: Final = "voice_known"


@dataclass(frozen=True, slots=True)
class Ending:
    """The tensors on which a new head stands."""

    embedding: str
    adapted: str
    gate: str
    """``[batch, 1]``: how likely this is speech."""
    shares: Mapping[str, str]
    """Of the heads in the file, ``probabilities`` and perhaps ``six``: shares ``[batch, C]`` before the gate."""
    evidence: Mapping[str, str]
    """What voice profiles are updated with: those of `VOICE_OUTPUTS` that the file has."""


@dataclass(frozen=True, slots=True)
class NewHead:
    """Weights ``[size, L]`` and bias ``[L]`` of logits, and their temperatures with an unknown and a known voice."""

    weights: FloatArray
    bias: FloatArray
    temperatures: tuple[float, float]


class BaseModel:
    """A file of ours, or one that `tune` has made."""

    def __init__(self, file: bytes, source: str, beside: Path | None = None) -> None:
        """Read ``file``; ``source`` names it in errors, ``beside`` is a JSON file with a description.

        Raises:
            ModelError: it is not a file like ours.
        """
        try:
            model = onnx.load_from_string(file)
        except Exception as error:  # protobuf's own errors have no public root
            raise ModelError(f"{source} is not an ONNX file ({error}); give one, or small or base") from error
        self.metadata = {entry.key: entry.value for entry in model.metadata_props}
        self._graph = Graph(model)
        self.inputs = tuple(self._graph.inputs)
        """The names of what the file takes."""
        try:
            self.description = Description.read(self.metadata, beside)
            self.ending = _ending(self._graph)
        except ModelError as error:
            remedy = "use small, base, or a file that ser-track tune made"
            raise ModelError(f"model {source} cannot be tuned: {error}; {remedy}") from error
        shapes = {
            value.name: [each.dim_value for each in value.type.tensor_type.shape.dim] for value in model.graph.output
        }
        self.size: int = shapes["embedding"][1]
        self.knows_how_well = KNOWN in self.inputs
        """Whether the file takes `KNOWN`, so that its temperature may fall with it."""

    @classmethod
    def load(cls, model: str) -> Self:
        """Read "small", "base" or a file.

        Raises:
            ModelError: there is no such file, or it is not like ours.
        """
        if model in SHIPPED_MODELS:
            return cls(resources.files("ser_track.models").joinpath("weights", f"{model}.onnx").read_bytes(), model)
        path = Path(model)
        if not path.is_file():
            raise ModelError(f"there is no model file {model}; use small, base, or a file that ser-track tune made")
        return cls(path.read_bytes(), model, path.with_suffix(".json"))

    @property
    def name(self) -> str:
        """``name@version``, as in events."""
        return f"{self.description.name}@{self.description.version}"

    def probe(self) -> bytes:
        """A file whose labels are "speech" and "other", and whose embedding ends with the gate: ``[batch, size + 1]``.

        Any classifier that reads our files runs it, so clips are heard as `ser-track evaluate` hears them.
        """
        graph, ending = self._graph.copy(), self.ending
        half = graph.constant(0.5)
        speech = graph.add("Add", graph.add("Mul", ending.gate, half), half)
        both = graph.add("Concat", speech, graph.add("Sub", graph.constant(1.0), speech), axis=1)
        outputs = {"probabilities": both, "embedding": graph.add("Concat", ending.embedding, ending.gate, axis=1)}
        shapes: Shapes = {"probabilities": ["batch", 2], "embedding": ["batch", self.size + 1]}
        model = graph.model(outputs, shapes)
        onnx.helper.set_model_props(model, self._described({"labels": '["speech", "other"]'}))
        return bytes(model.SerializeToString(deterministic=True))

    def ends(self) -> bytes:
        """A file from embedding, gate and voice to the adapted embedding, each head's shares, and the voice's evidence.

        Raises:
            ModelError: these need more than that.
        """
        ending = self.ending
        outputs = {"adapted": ending.adapted, **ending.shares, **ending.evidence}
        sizes = {"adapted": self.size, "probabilities": len(self.description.labels), "six": len(SIX), **self._sizes}
        taken: dict[str, list[str | int]] = {ending.embedding: ["batch", self.size], ending.gate: ["batch", 1]}
        beyond = self._graph.before(outputs.values(), taken) & self._graph.inputs.keys() - set(VOICE_INPUTS)
        if beyond:
            raise ModelError(
                f"model {self.name} cannot be tuned: its heads need more than its embedding; use small or base"
            )
        model = self._graph.model(outputs, {name: ["batch", sizes[name]] for name in outputs}, taken)
        return bytes(model.SerializeToString(deterministic=True))

    def with_head(self, head: NewHead, metadata: Mapping[str, str]) -> bytes:
        """The file with ``head`` in place of its own heads, and with ``metadata`` over its own."""
        graph, ending = self._graph.copy(), self.ending
        count = head.bias.size
        product = graph.add("MatMul", ending.adapted, graph.constant(head.weights))
        logits = graph.add("Add", product, graph.constant(head.bias))
        shares = graph.add("Softmax", graph.add("Div", logits, self._temperature(graph, head)), axis=-1)
        alike = graph.constant(1 / count)
        mixed = graph.add("Add", graph.add("Mul", graph.add("Sub", shares, alike), ending.gate), alike)
        outputs = {"probabilities": mixed, "embedding": ending.embedding}
        outputs |= ending.evidence
        sizes = {"probabilities": count, "embedding": self.size, **self._sizes}
        shapes: Shapes = {name: ["batch", sizes[name]] for name in outputs}
        model = graph.model(outputs, shapes)
        onnx.helper.set_model_props(model, self._described(metadata))
        return bytes(model.SerializeToString(deterministic=True))

    @property
    def _sizes(self) -> dict[str, int]:
        return {"voice_update": self.size, "voice_weight": 1, "unadapted": len(FOUR)}

    def _temperature(self, graph: Graph, head: NewHead) -> str:
        unknown, known = head.temperatures
        if not self.knows_how_well:
            return graph.constant(unknown)
        return graph.add("Add", graph.add("Mul", KNOWN, graph.constant(known - unknown)), graph.constant(unknown))

    def _described(self, changes: Mapping[str, str]) -> dict[str, str]:
        description = self.description
        own = {
            "name": description.name,
            "version": description.version,
            "sample_rate_hz": str(SAMPLE_RATE_HZ),
            "front_end": description.front_end,
            "normalisation": "zero-mean-unit-variance" if description.normalised else "none",
        }
        return {**own, **changes}


def _ending(graph: Graph) -> Ending:
    """Raises ModelError, as the end of a sentence, if the graph does not end as ours do."""
    if missing := [name for name in ("embedding", "probabilities") if name not in graph.outputs]:
        raise ModelError(f"it has no output {' and '.join(missing)}")
    unmixed = {name: _unmixed(graph, graph.outputs[name]) for name in ("probabilities", "six") if name in graph.outputs}
    gates = {gate for _, gate in unmixed.values()}
    embedding, shares = graph.outputs["embedding"], {name: share for name, (share, _) in unmixed.items()}
    adapted = sorted(tensor for tensor in graph.before(shares.values()) if _is_adapted(graph, tensor, embedding))
    if len(gates) != 1 or len(adapted) != 1:
        raise ModelError("its heads do not share one gate and one embedding that is adapted to the voice")
    evidence = {name: graph.outputs[name] for name in VOICE_OUTPUTS if name in graph.outputs}
    return Ending(embedding, adapted[0], gates.pop(), shares, evidence)


def _is_adapted(graph: Graph, tensor: str, embedding: str) -> bool:
    divided = graph.made_by("Div", tensor)
    return (
        divided is not None
        and divided[1] == "voice_deviation"
        and (graph.made_by("Sub", divided[0]) == [embedding, "voice_mean"])
    )


def _unmixed(graph: Graph, mixed: str) -> tuple[str, str]:
    """Shares and gate of (shares - alike) * gate + alike, whatever the order of the factors and terms."""
    for product in graph.made_by("Add", mixed) or ():
        factors = graph.made_by("Mul", product) or ()
        for factor, gate in zip(factors, reversed(factors), strict=True):
            shares = (graph.made_by("Sub", factor) or [""])[0]
            if graph.made_by("Softmax", shares):
                return shares, gate
    raise ModelError("its probabilities are not made by a softmax and a gate, as ours are")
