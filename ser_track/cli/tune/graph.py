"""ONNX graphs as data: who makes which tensor, and what is left of a graph between some tensors and others."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Final, Self

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shapes = Mapping[str, Sequence[str | int]]
_PRODUCER: Final = "ser_track"


class Graph:
    """A graph without its ``Identity`` nodes, to which nodes can be added; tensors are known by their names."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Take the parts of ``model``, which is not changed."""
        self._model = model
        kept = [node for node in model.graph.node if node.op_type != "Identity"]
        same = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity"}
        # Numbers, so that no tensor inside has a name that somebody gives to an output.
        numbers = (f"t{number}" for number in count())
        names = {name: next(numbers) for node in kept for name in node.output if name}
        self._names = names | {name: names.get(end, end) for name, end in ((n, _followed(n, same)) for n in same)}
        self._nodes = [self._renamed(node) for node in kept]
        self._constants = {constant.name: constant for constant in model.graph.initializer}
        self._makers = {name: node for node in self._nodes for name in node.output}
        self.inputs = {value.name: value for value in model.graph.input}
        self.outputs = {value.name: self._names.get(value.name, value.name) for value in model.graph.output}
        """The tensor behind each output of the model."""

    def copy(self) -> Self:
        """The same parts: what is added to the copy does not change this one."""
        twin = object.__new__(type(self))
        twin.__dict__ |= self.__dict__
        twin._nodes, twin._constants, twin._makers = [*self._nodes], {**self._constants}, {**self._makers}
        return twin

    def maker(self, tensor: str) -> onnx.NodeProto | None:
        """The node that makes ``tensor``; ``None`` for inputs and constants."""
        return self._makers.get(tensor)

    def made_by(self, op: str, tensor: str) -> list[str] | None:
        """The inputs of the node that makes ``tensor``, if that is an ``op``."""
        node = self._makers.get(tensor)
        return list(node.input) if node is not None and node.op_type == op else None

    def is_constant(self, tensor: str) -> bool:
        """Whether ``tensor`` is stored, and no input may replace it."""
        return tensor in self._constants and tensor not in self.inputs

    def before(self, tensors: Iterable[str], cut: Iterable[str] = ()) -> set[str]:
        """All tensors that ``tensors`` are made of, themselves included; what ``cut`` are made of is left out."""
        found, waiting = set(cut), list(tensors)
        while waiting:
            tensor = waiting.pop()
            if tensor and tensor not in found:
                found.add(tensor)
                waiting += self._makers[tensor].input if tensor in self._makers else ()
        return found

    def constant(self, value: NDArray[np.generic] | float) -> str:
        """Store a tensor, float32 unless it holds integers; returns its name."""
        array = np.asarray(value)
        name = self._free("tuned_c", self._constants)
        kept = array if array.dtype == np.int64 else array.astype(np.float32)
        self._constants[name] = numpy_helper.from_array(np.asarray(kept, order="C"), name)
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; returns the name of that."""
        name = self._free(f"tuned_{op.lower()}_", self._makers)
        node = helper.make_node(op, list(inputs), [name], name=name, **attributes)
        self._nodes.append(node)
        self._makers[name] = node
        return name

    def model(self, outputs: Mapping[str, str], shapes: Shapes, taken: Shapes | None = None) -> onnx.ModelProto:
        """The model that makes ``outputs`` (name → tensor), all float32, from what they need and nothing else.

        taken: tensors that become inputs instead of being made.
        """
        taken = taken or {}
        needed = self.before(outputs.values(), taken)
        nodes = [node for node in self._nodes if needed & set(node.output) and not set(node.output) <= taken.keys()]
        nodes += [helper.make_node("Identity", [tensor], [name]) for name, tensor in outputs.items()]
        constants = [constant for name, constant in self._constants.items() if name in needed]
        inputs = [_declared(name, shape) for name, shape in taken.items()]
        inputs += [value for name, value in self.inputs.items() if name in needed or name in self._constants]
        constants += [self._constants[name] for name in self.inputs if name in self._constants and name not in needed]
        declared = [_declared(name, shapes[name]) for name in outputs]
        graph = helper.make_graph(nodes, self._model.graph.name, inputs, declared, constants)
        built = helper.make_model(
            graph,
            opset_imports=self._model.opset_import,
            ir_version=self._model.ir_version,
            producer_name=_PRODUCER,
        )
        onnx.checker.check_model(built, full_check=True)
        return built

    def _renamed(self, node: onnx.NodeProto) -> onnx.NodeProto:
        twin = onnx.NodeProto()
        twin.CopyFrom(node)
        twin.input[:] = [self._names.get(name, name) for name in node.input]
        twin.output[:] = [self._names.get(name, name) for name in node.output]
        return twin

    def _free(self, prefix: str, taken: Mapping[str, object]) -> str:
        number = 0
        while f"{prefix}{number}" in taken:
            number += 1
        return f"{prefix}{number}"


def _followed(name: str, same: Mapping[str, str]) -> str:
    while name in same:
        name = same[name]
    return name


def _declared(name: str, shape: Sequence[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
