"""Collects the nodes and constants of an ONNX graph, a step at a time."""

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ser_track.chunk import FloatArray

_OPSET: Final = 20
_IR_VERSION: Final = 10
Array = NDArray[np.generic]
Shapes = dict[str, list[str | int]]


class Graph:
    """Collects nodes and constants; each method adds one step and returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._optional: list[onnx.ValueInfoProto] = []

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

    def optional_input(self, name: str, default: FloatArray) -> str:
        """An input of the model that may be left out; its shape is that of its default."""
        self.constants.append(numpy_helper.from_array(default, name))
        self._optional.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, default.shape))
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output."""
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def name(self, value: str, name: str) -> str:
        """Give a result the name of an output."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        return name

    def linear(self, x: str, weight: FloatArray, bias: FloatArray) -> str:
        """[…, in] → […, out] with weight [out, in], as torch has it."""
        return self.add("Add", self.add("MatMul", x, self.constant(weight.T)), self.constant(bias))

    def model(self, inputs: Shapes, outputs: Shapes, name: str) -> onnx.ModelProto:
        """The finished, checked model; inputs and outputs: name → shape, float32 all."""

        def declared(shapes: Shapes) -> list[onnx.ValueInfoProto]:
            return [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each, shape in shapes.items()]

        taken = [*declared(inputs), *self._optional]
        graph = helper.make_graph(self.nodes, name, taken, declared(outputs), self.constants)
        opset = [helper.make_opsetid("", _OPSET)]
        built = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="ser_track")
        onnx.checker.check_model(built, full_check=True)
        return built
