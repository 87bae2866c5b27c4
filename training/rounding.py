"""Rounds a float32 model to 8 bits, and takes off what that shifts: each product's mean error, then the embedding's.

Weights lose precision once, activations at run time. A product's error has a mean that its bias can carry: the mean
input times the weights' rounding error (Nagel et al. 2019, https://arxiv.org/abs/1906.04721).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from ser_track.chunk import FloatArray
from ser_track.models.log_mel import log_mel

_ANY: Final = onnx.TensorProto.FLOAT


def quantise(source: onnx.ModelProto, target: Path, keep: list[str]) -> None:
    """Weights to 8 bits per output channel once, activations at run time.

    Range reduced: x86 without VNNI adds pairs of 8-bit products in 16 bits, which full-range weights overflow
    (ONNX Runtime manual, "Quantize ONNX models"); weights of 7 bits cannot. What that costs, `corrected` repairs.
    """
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=keep,
    )


def corrected(source: onnx.ModelProto, rounded: Path, clips: Sequence[FloatArray]) -> onnx.ModelProto:
    """The float32 model with biases that carry the mean error of each product of the rounded file, over some clips."""
    weights = {each.name: numpy_helper.to_array(each) for each in source.graph.initializer}
    found = {each.name: numpy_helper.to_array(each) for each in onnx.load(rounded).graph.initializer}
    products = [node for node in source.graph.node if f"{node.input[-1]}_quantized" in found]
    means = _mean_inputs(source, sorted({node.input[0] for node in products}), clips)
    copy = onnx.ModelProto()
    copy.CopyFrom(source)
    stored = {each.name: each for each in copy.graph.initializer}
    for node in products:
        name = node.input[1]
        kept = found[f"{name}_quantized"].astype(np.float32) - found[f"{name}_zero_point"]
        error = weights[name] - kept * found[f"{name}_scale"]
        bias = f"c{int(name[1:]) + 1}"  # `Graph.linear` stores a product's weight and then its bias
        value = weights[bias] + means[node.input[0]] @ error
        stored[bias].CopyFrom(numpy_helper.from_array(value.astype(np.float32), bias))
    return copy


def _mean_inputs(model: onnx.ModelProto, names: Sequence[str], clips: Sequence[FloatArray]) -> dict[str, FloatArray]:
    """Name of a value [batch, T, size] inside the model → its mean [size] over all frames of the clips."""
    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    tapped.graph.output.extend(helper.make_tensor_value_info(name, _ANY, None) for name in names)
    session = ort.InferenceSession(tapped.SerializeToString(), providers=["CPUExecutionProvider"])
    totals: dict[str, FloatArray] = {}
    frames = dict.fromkeys(names, 0)
    for samples in clips:
        values = session.run(list(names), {"log_mel": log_mel(samples)[None].astype(np.float32)})
        for name, value in zip(names, values, strict=True):
            flat = np.asarray(value, np.float32).reshape(-1, value.shape[-1])
            totals[name] = totals.get(name, np.zeros(flat.shape[1], np.float32)) + flat.sum(axis=0)
            frames[name] += len(flat)
    return {name: np.asarray(total / frames[name], np.float32) for name, total in totals.items()}
