"""Writes a trained network (`training.network`) as an ONNX graph, without torch.

The encoder is Whisper's (Radford et al. 2022, https://arxiv.org/abs/2212.04356): two convolutions, sinusoidal
positions, pre-norm transformer blocks. Any even number of frames goes in (nothing is padded to 30 s; positions are
computed), and convolutions are written as matrix products over shifted copies, so that one quantiser handles every
large weight.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto

from ser_track.chunk import FloatArray
from ser_track.labels import EMOTIONS
from ser_track.models.log_mel import N_MELS
from training.graph import Graph, Shapes

HEAD_WIDTH: Final = 64
NEUTRAL: Final = EMOTIONS.index("neutral")
REMOVED: Final = 0.5
"""How much of what the guessed emotions add to an embedding is taken off before it updates a voice."""
LEAST_WEIGHT: Final = 0.5
"""What a segment counts that is certainly not neutral."""

Weights = Mapping[str, FloatArray]


def _convolution(graph: Graph, x: str, weights: Weights, name: str) -> str:
    """[batch, T, in] → [batch, T, out]: kernel 3, one frame of zeros at either end, then GELU; as one product."""
    padded = graph.add("Pad", x, graph.ints(0, 1, 0, 0, 1, 0))
    ends = (-2, -1, 2**62)  # the last shift reaches the end of the padded sequence
    shifted = [graph.add("Slice", padded, graph.ints(k), graph.ints(end), graph.ints(1)) for k, end in enumerate(ends)]
    return _activated(graph, graph.add("Concat", *shifted, axis=2), weights, name)


def _halving_convolution(graph: Graph, x: str, weights: Weights, name: str) -> str:
    """[batch, T, in], T even → [batch, T / 2, out]: the same with stride 2.

    Two of the three frames under the kernel lie side by side anyway; only the third is copied.
    """
    padded = graph.add("Pad", x, graph.ints(0, 1, 0, 0, 0, 0))
    third = graph.add("Slice", padded, graph.ints(2), graph.ints(2**62), graph.ints(1), graph.ints(2))
    pairs = graph.add("Slice", padded, graph.ints(0), graph.ints(-1), graph.ints(1))
    pairs = graph.add("Reshape", pairs, graph.ints(0, -1, 2 * weights[f"{name}.weight"].shape[1]))
    return _activated(graph, graph.add("Concat", pairs, third, axis=2), weights, name)


def _activated(graph: Graph, x: str, weights: Weights, name: str) -> str:
    kernel = weights[f"{name}.weight"]  # [out, in, 3]
    weight = kernel.transpose(0, 2, 1).reshape(kernel.shape[0], -1)
    return graph.add("Gelu", graph.linear(x, weight, weights[f"{name}.bias"]))


def _positions(graph: Graph, x: str, width: int, per_frame: int) -> str:
    """[batch, T, width] plus Whisper's sinusoids; `per_frame` of its 20 ms steps are averaged in each frame."""
    rates = np.exp(-np.arange(width // 2) * (np.log(10_000.0) / (width // 2 - 1))).astype(np.float32)[None]
    length = graph.add("Squeeze", graph.add("Shape", x, start=1, end=2))
    numbers = graph.add("Range", graph.constant(np.array(0)), length, graph.constant(np.array(1)))
    numbers = graph.add("Unsqueeze", graph.add("Cast", numbers, to=TensorProto.FLOAT), graph.ints(1))
    middle = graph.add("Add", graph.add("Mul", numbers, graph.scalar(per_frame)), graph.scalar((per_frame - 1) / 2))
    angles = graph.add("Mul", middle, graph.constant(rates))
    table = graph.add("Concat", graph.add("Sin", angles), graph.add("Cos", angles), axis=1)
    # The mean of sines half a step before and after is the sine between them, a little smaller.
    shrunk = np.cos(rates * (per_frame - 1) / 2)
    return graph.add("Add", x, graph.add("Mul", table, graph.constant(np.concatenate([shrunk, shrunk], axis=1))))


def _norm(graph: Graph, x: str, weights: Weights, name: str) -> str:
    scale, shift = (graph.constant(weights[f"{name}.{kind}"]) for kind in ("weight", "bias"))
    return graph.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-5)


def _attention(graph: Graph, x: str, weights: Weights, block: str) -> str:
    """Self-attention; queries, keys and values come from one product, with the scale folded into the queries."""
    width = weights[f"{block}.q.bias"].size
    scale = np.float32(HEAD_WIDTH**-0.5)
    weight = [weights[f"{block}.q.weight"] * scale, weights[f"{block}.k.weight"], weights[f"{block}.v.weight"]]
    bias = [weights[f"{block}.q.bias"] * scale, np.zeros(width, np.float32), weights[f"{block}.v.bias"]]
    qkv = graph.linear(x, np.concatenate(weight), np.concatenate(bias))
    heads = graph.add("Reshape", qkv, graph.ints(0, 0, 3, width // HEAD_WIDTH, HEAD_WIDTH))
    heads = graph.add("Transpose", heads, perm=[2, 0, 3, 1, 4])
    query, key, value = (graph.add("Gather", heads, graph.constant(np.array(i)), axis=0) for i in range(3))
    scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    joined = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.ints(0, 0, width))
    return graph.linear(joined, weights[f"{block}.o.weight"], weights[f"{block}.o.bias"])


def _block(graph: Graph, x: str, weights: Weights, block: str) -> str:
    attended = _attention(graph, _norm(graph, x, weights, f"{block}.ln1"), weights, block)
    x = graph.add("Add", x, attended)
    inner = _norm(graph, x, weights, f"{block}.ln2")
    inner = graph.add("Gelu", graph.linear(inner, weights[f"{block}.fc1.weight"], weights[f"{block}.fc1.bias"]))
    return graph.add("Add", x, graph.linear(inner, weights[f"{block}.fc2.weight"], weights[f"{block}.fc2.bias"]))


def _halved(graph: Graph, x: str, width: int) -> str:
    """[batch, T, width] → [batch, ⌈T / 2⌉, width]: the mean of each two frames; an odd last one stands for itself."""
    odd = graph.add("Mod", graph.add("Shape", x, start=1, end=2), graph.ints(2))
    pads = graph.add("Concat", graph.ints(0, 0, 0, 0), odd, graph.ints(0), axis=0)
    pairs = graph.add("Reshape", graph.add("Pad", x, pads, mode="edge"), graph.ints(0, -1, 2 * width))
    first, second = (
        graph.add("Slice", pairs, graph.ints(start), graph.ints(start + width), graph.ints(2)) for start in (0, width)
    )
    return graph.add("Mul", graph.add("Add", first, second), graph.scalar(0.5))


def _hidden(graph: Graph, weights: Weights, merge: int | None) -> list[str]:
    """The normalised output of each block, at the rate of the last."""
    width = weights["conv2.bias"].size
    x = _convolution(graph, graph.add("Transpose", "log_mel", perm=[0, 2, 1]), weights, "conv1")
    x = _halving_convolution(graph, x, weights, "conv2")
    # Positions come before the first halving; as both are linear, the cheaper order gives the same (but for the
    # last frame, where their number is odd: it stands half a step later).
    x = _positions(graph, _halved(graph, x, width), width, 2) if merge == 0 else _positions(graph, x, width, 1)
    parts: list[str] = []
    for number in range(_depth(weights)):
        if number == merge and merge > 0:
            x, parts = _halved(graph, x, width), [_halved(graph, part, width) for part in parts]
        x = _block(graph, x, weights, f"blocks.{number}")
        parts.append(x)
    return [_norm(graph, part, weights, f"norms.{number}") for number, part in enumerate(parts)]


def _depth(weights: Weights) -> int:
    return sum(name.startswith("norms.") and name.endswith(".weight") for name in weights)


def _pooled(graph: Graph, parts: list[str], weights: Weights) -> str:
    """Each [batch, T, width] → all [batch, depth * 2 * width]: mean and deviation over attended time."""
    inner = graph.add("Tanh", graph.linear(parts[-1], weights["attend1.weight"], weights["attend1.bias"]))
    scores = graph.linear(inner, weights["attend2.weight"], weights["attend2.bias"])
    share = graph.add("Transpose", graph.add("Softmax", scores, axis=1), perm=[0, 2, 1])  # [batch, 1, T]
    found = []
    for x in parts:
        mean = graph.add("MatMul", share, x)
        offset = graph.add("Sub", x, mean)
        variance = graph.add("MatMul", share, graph.add("Mul", offset, offset))
        found += [mean, graph.add("Sqrt", graph.add("Add", variance, graph.scalar(1e-5)))]
    return graph.add("Squeeze", graph.add("Concat", *found, axis=2), graph.ints(1))


def _gate(graph: Graph, pooled: str, weights: Weights) -> str | None:
    """[batch, 1]: how likely this is one voice at all (`training.gate`); None where the network has no gate."""
    if "gate.weight" not in weights:
        return None
    each = graph.add("Sigmoid", graph.linear(pooled, weights["gate.weight"], weights["gate.bias"]))  # [batch, 2]
    return graph.add("ReduceProd", each, graph.ints(1), keepdims=1)


def _mixed(graph: Graph, shares: str, is_speech: str, n_classes: int) -> str:
    """What is hardly speech is hardly any emotion more than any other."""
    alike = graph.scalar(1 / n_classes)
    return graph.add("Add", graph.add("Mul", graph.add("Sub", shares, alike), is_speech), alike)


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Divisors of the logits of four and of six emotions, and what they are multiplied with: `unheard` for a voice of
    which nothing is known, `heard` for one that is known well, in between by `voice_known`."""

    four: float = 1.0
    six: float = 1.0
    unheard: float = 1.0
    heard: float = 1.0


def _evidence(
    graph: Graph, embedding: str, unadapted: str, adapted: tuple[str, str], gate: str | None, means: FloatArray
) -> None:
    """The outputs that voice profiles are updated with: adapted are the shares of four and of six."""
    four, six = adapted
    removed = graph.add("MatMul", six, graph.constant(REMOVED * means))
    graph.name(graph.add("Sub", embedding, removed), "voice_update")
    neutral = graph.add("Slice", four, graph.ints(NEUTRAL), graph.ints(NEUTRAL + 1), graph.ints(1))
    weight = graph.add("Add", graph.add("Mul", neutral, graph.scalar(1 - LEAST_WEIGHT)), graph.scalar(LEAST_WEIGHT))
    graph.name(graph.add("Mul", weight, gate) if gate else weight, "voice_weight")
    graph.name(unadapted, "unadapted")


def build(weights: Weights, merge: int | None, temperatures: Temperatures) -> tuple[onnx.ModelProto, list[str]]:
    """The whole model in float32, and the names of the products that must stay so when it is rounded to 8 bits.

    The population's mean and deviation are folded into the embedding, the temperatures of four and six into the heads.
    Where the network has a gate, all answers are mixed towards "alike" by it. Voice profiles get shares that neither
    gate nor doubt about the voice has softened.
    """
    graph = Graph()
    parts = _hidden(graph, weights, merge)
    encoder_nodes = len(graph.nodes)
    # The first convolution decides how exactly level cancels out; in 8 bits it does so only to 0.01.
    first_product = next(node.name for node in graph.nodes if node.op_type == "MatMul")
    deviation = weights["deviation"]
    weight, bias = weights["embed.weight"] / deviation[:, None], (weights["embed.bias"] - weights["mean"]) / deviation
    pooled = _pooled(graph, parts, weights)
    embedding = graph.name(graph.linear(pooled, weight, bias), "embedding")
    is_speech = _gate(graph, pooled, weights)
    size = deviation.size
    mean = graph.optional_input("voice_mean", np.zeros((1, size), np.float32))
    scale = graph.optional_input("voice_deviation", np.ones((1, size), np.float32))
    known = graph.optional_input("voice_known", np.zeros((1, 1), np.float32))
    fall = graph.add("Mul", known, graph.scalar(temperatures.heard - temperatures.unheard))
    doubt = graph.add("Add", fall, graph.scalar(temperatures.unheard))
    adapted = graph.name(graph.add("Div", graph.add("Sub", embedding, mean), scale), "adapted")

    def logits(head: str, of: str) -> str:
        t = np.float32(getattr(temperatures, head))
        return graph.linear(of, weights[f"{head}.weight"] / t, weights[f"{head}.bias"] / t)

    shares = []
    for name, head in (("probabilities", "four"), ("six", "six")):
        found = logits(head, adapted)
        shares.append(graph.add("Softmax", found, axis=-1))
        told = graph.add("Softmax", graph.add("Div", found, doubt), axis=-1)
        graph.name(_mixed(graph, told, is_speech, weights[f"{head}.bias"].size) if is_speech else told, name)
    unadapted = graph.add("Softmax", logits("four", embedding), axis=-1)
    _evidence(graph, embedding, unadapted, (shares[0], shares[1]), is_speech, weights["class_means"])
    keep = [first_product, *(node.name for node in graph.nodes[encoder_nodes:] if node.op_type == "MatMul")]
    outputs: Shapes = {"probabilities": ["batch", 4], "six": ["batch", 6], "embedding": ["batch", size]}
    outputs |= {"voice_update": ["batch", size], "voice_weight": ["batch", 1], "unadapted": ["batch", 4]}
    return graph.model({"log_mel": ["batch", N_MELS, "T"]}, outputs, "emotion"), keep


def read_network(path: Any) -> tuple[dict[str, FloatArray], dict[str, Any]]:
    """What `training.finetune` stored: the tensors, and what is known of them (`shape`, `merge`, `history`)."""
    with np.load(path) as stored:
        facts: dict[str, Any] = json.loads(str(stored["facts"]))
        return {name: stored[name] for name in stored.files if name != "facts"}, facts
