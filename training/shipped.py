"""A shipped file back as a network in the cache, to go on from: `python -m training.shipped base base-2.1`.

The weights are those of the 8-bit file, so they are exact to 7 bits. The statistics of the population and the
temperatures are folded into embedding and heads already. Needs torch.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import numpy_helper

from ser_track.chunk import FloatArray
from training.export import shipped_path
from training.network import HEAD_WIDTH, SHAPES, gigaflops
from training.stored import resume, store, weights_path
from training.students import student

SHAPE_OF: Final = {"small": "tiny-2m0", "base": "base-3"}
Pair = tuple[FloatArray, FloatArray]


def _pairs(path: Path) -> Iterator[Pair]:
    """Weight and bias of each product, scale and shift of each norm, in the order of `encoder.build`."""
    graph = onnx.load(path).graph
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    firsts: dict[int, FloatArray] = {}
    for node in graph.node:
        name = node.input[1].removesuffix("_quantized") if len(node.input) > 1 else ""
        if node.op_type == "MatMulInteger":
            rounded, zero = values[f"{name}_quantized"].astype(np.float32), values[f"{name}_zero_point"]
            firsts[int(name[1:])] = (rounded - zero) * values[f"{name}_scale"]
        elif node.op_type in ("MatMul", "LayerNormalization") and name in values:
            firsts[int(name[1:])] = values[name]
    for number, first in sorted(firsts.items()):
        yield first, values[f"c{number + 1}"]


def read_tensors(path: Path) -> dict[str, FloatArray]:
    """The tensors of a shipped file by their names in `training.network`, and those of its gate."""
    pairs = list(_pairs(path))
    blocks = sum(first.ndim == 2 and first.shape[1] == 3 * first.shape[0] for first, _ in pairs)
    given = iter(pairs)
    found: dict[str, FloatArray] = {}

    def linear(name: str) -> None:
        weight, bias = next(given)
        found[f"{name}.weight"], found[f"{name}.bias"] = weight.T, bias

    def norm(name: str) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = next(given)

    for name in ("conv1", "conv2"):
        weight, bias = next(given)
        found[f"{name}.weight"] = weight.reshape(3, -1, bias.size).transpose(2, 1, 0)
        found[f"{name}.bias"] = bias
    for block in (f"blocks.{number}" for number in range(blocks)):
        norm(f"{block}.ln1")
        weight, bias = next(given)
        for name, w, b in zip("qkv", np.split(weight.T, 3), np.split(bias, 3), strict=True):
            scale = HEAD_WIDTH**0.5 if name == "q" else 1.0
            found[f"{block}.{name}.weight"], found[f"{block}.{name}.bias"] = w * scale, b * scale
        del found[f"{block}.k.bias"]
        linear(f"{block}.o")
        norm(f"{block}.ln2")
        linear(f"{block}.fc1")
        linear(f"{block}.fc2")
    for number in range(blocks):
        norm(f"norms.{number}")
    for name in ("attend1", "attend2", "embed", "gate", "four", "six"):
        linear(name)
    size = found["embed.bias"].size
    found |= {"mean": np.zeros(size, np.float32), "deviation": np.ones(size, np.float32)}
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


def main() -> None:
    """Write one into the cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(SHAPE_OF))
    parser.add_argument("network", help="its name in the cache")
    args = parser.parse_args()
    shape = SHAPE_OF[args.name]
    path = weights_path(args.network)
    tensors: dict[str, Any] = read_tensors(shipped_path(args.name))
    np.savez(path, **tensors)
    network = student(shape)
    resume(network, path)
    facts: dict[str, object] = {
        "plan": {"shape": shape},
        "merge": SHAPES[shape].merge,
        "gflop_for_3_s": gigaflops(network),
        "history": [],
    }
    store(network, path, facts)
    print(path.name)


if __name__ == "__main__":
    main()
