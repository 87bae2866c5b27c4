"""Writes the first blocks of a Whisper encoder as an ONNX graph, straight from the weights, without torch.

The architecture is Whisper's (Radford et al. 2022, https://arxiv.org/abs/2212.04356): two convolutions,
sinusoidal positions, pre-norm transformer blocks. Two things differ: any even number of frames goes in
(nothing is padded to 30 s; the table of positions is cut to length), and convolutions are written as
matrix products over shifted copies, so that one quantiser handles every large weight.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.corpora import SHARED

WEIGHTS: Final = SHARED / "weights" / "whisper-base-encoder-fp16.npz"
N_HEADS: Final = 8
N_MELS: Final = 80
_OPSET: Final = 20
_IR_VERSION: Final = 10

Array = NDArray[np.generic]


class Graph:
    """Collects nodes and constants; each method adds one step and returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Array) -> str:
        """A stored tensor."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def ints(self, *values: int) -> str:
        """A stored int64 vector, for shapes, axes and bounds."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """A stored float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output."""
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """[…, in] → […, out] with weight [in, out]."""
        return self.add("Add", self.add("MatMul", x, self.constant(weight)), self.constant(bias))

    def model(self, outputs: dict[str, list[str | int]]) -> onnx.ModelProto:
        """The finished, checked model with input `log_mel` [batch, 80, T]; outputs: name → shape."""
        graph_input = helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["batch", N_MELS, "T"])
        declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, "emotion", [graph_input], declared, self.constants)
        opset = [helper.make_opsetid("", _OPSET)]
        built = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="ser_track")
        onnx.checker.check_model(built, full_check=True)
        return built


class Weights:
    """The encoder's tensors by name, as float32."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        with np.load(path) as stored:
            self._tensors = {name: stored[name] for name in stored.files}

    def __call__(self, name: str) -> NDArray[np.float32]:
        return np.asarray(self._tensors[name], np.float32)

    def positions(self) -> NDArray[np.float16]:
        """[1500, 512], left in half precision as it was published: half the size, the same values."""
        return np.asarray(self._tensors["pos"], np.float16)


def _convolution(graph: Graph, x: str, weights: Weights, name: str, stride: int) -> str:
    """[batch, T, in] → [batch, T / stride, out]: kernel 3, one frame of zeros at either end, then GELU."""
    kernel = weights(f"{name}.weight")  # [out, in, 3]
    padded = graph.add("Pad", x, graph.ints(0, 1, 0, 0, 1, 0))
    ends = (-2, -1, 2**62)  # the last shift reaches the end of the padded sequence
    shifted = [
        graph.add("Slice", padded, graph.ints(k), graph.ints(end), graph.ints(1), graph.ints(stride))
        for k, end in enumerate(ends)
    ]
    stacked = graph.add("Concat", *shifted, axis=2)
    weight = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
    return graph.add("Gelu", graph.linear(stacked, weight, weights(f"{name}.bias")))


def _stem(graph: Graph, weights: Weights) -> str:
    """Log-mel [batch, 80, T] → [batch, T / 2, 512]."""
    x = graph.add("Transpose", "log_mel", perm=[0, 2, 1])
    x = _convolution(graph, x, weights, "conv1", stride=1)
    x = _convolution(graph, x, weights, "conv2", stride=2)
    length = graph.add("Shape", x, start=1, end=2)
    table = graph.constant(weights.positions())
    here = graph.add("Slice", table, graph.ints(0), length, graph.ints(0))
    return graph.add("Add", x, graph.add("Cast", here, to=TensorProto.FLOAT))


def _norm(graph: Graph, x: str, weights: Weights, name: str) -> str:
    scale, shift = graph.constant(weights(f"{name}.weight")), graph.constant(weights(f"{name}.bias"))
    return graph.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-5)


def _attention(graph: Graph, x: str, weights: Weights, block: str) -> str:
    """Self-attention; queries, keys and values come from one product, with the scale folded into the queries."""
    width = weights(f"{block}.q.bias").size
    scale = np.float32((width // N_HEADS) ** -0.5)
    weight = [weights(f"{block}.q.weight").T * scale, weights(f"{block}.k.weight").T, weights(f"{block}.v.weight").T]
    bias = [weights(f"{block}.q.bias") * scale, np.zeros(width, np.float32), weights(f"{block}.v.bias")]
    qkv = graph.linear(x, np.concatenate(weight, axis=1), np.concatenate(bias))
    heads = graph.add("Reshape", qkv, graph.ints(0, 0, 3, N_HEADS, width // N_HEADS))
    heads = graph.add("Transpose", heads, perm=[2, 0, 3, 1, 4])
    query, key, value = (graph.add("Gather", heads, graph.constant(np.array(i)), axis=0) for i in range(3))
    scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    joined = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.ints(0, 0, width))
    return graph.linear(joined, weights(f"{block}.o.weight").T, weights(f"{block}.o.bias"))


def _block(graph: Graph, x: str, weights: Weights, block: str) -> str:
    attended = _attention(graph, _norm(graph, x, weights, f"{block}.ln1"), weights, block)
    x = graph.add("Add", x, attended)
    inner = _norm(graph, x, weights, f"{block}.ln2")
    inner = graph.add("Gelu", graph.linear(inner, weights(f"{block}.fc1.weight").T, weights(f"{block}.fc1.bias")))
    return graph.add("Add", x, graph.linear(inner, weights(f"{block}.fc2.weight").T, weights(f"{block}.fc2.bias")))


def blocks(graph: Graph, weights: Weights, depth: int) -> list[str]:
    """The outputs of blocks 1 … depth, each [batch, T / 2, 512]."""
    x, outputs = _stem(graph, weights), []
    for i in range(depth):
        x = _block(graph, x, weights, f"blocks.{i}")
        outputs.append(x)
    return outputs


def active_frames(graph: Graph, range_db: float) -> str:
    """[batch, T / 2, 1]: 1 where the loudest band comes within range_db of the segment's loudest, else 0.

    40 dB are 1.0 on log_mel's scale. Never all zero: the loudest frame is always within.
    """
    loudest = graph.add("ReduceMax", "log_mel", graph.ints(1), keepdims=1)
    paired = graph.add("MaxPool", loudest, kernel_shape=[2], strides=[2])
    limit = graph.add("Sub", graph.add("ReduceMax", paired, graph.ints(2), keepdims=1), graph.scalar(range_db / 40.0))
    mask = graph.add("Cast", graph.add("GreaterOrEqual", paired, limit), to=TensorProto.FLOAT)
    return graph.add("Transpose", mask, perm=[0, 2, 1])


def pool(graph: Graph, x: str, mask: str | None) -> str:
    """[batch, T / 2, 512] → [batch, 1024]: mean and standard deviation over (active) time."""
    axis = graph.ints(1)

    def mean(value: str) -> str:
        if mask is None:
            return graph.add("ReduceMean", value, axis, keepdims=1)
        total = graph.add("ReduceSum", graph.add("Mul", value, mask), axis, keepdims=1)
        return graph.add("Div", total, graph.add("ReduceSum", mask, axis, keepdims=1))

    centre = mean(x)
    offset = graph.add("Sub", x, centre)
    variance = mean(graph.add("Mul", offset, offset))
    deviation = graph.add("Sqrt", graph.add("Add", variance, graph.scalar(1e-8)))
    return graph.add("Squeeze", graph.add("Concat", centre, deviation, axis=2), axis)
