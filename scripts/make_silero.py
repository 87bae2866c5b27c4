"""Writes `ser_track/models/silero.onnx`: Silero's voice detector as matrix products, from the weights in its package.

The packaged graph convolves four frames at a time, which costs the same per stream however many streams there are.
Written as products over the whole batch, the same weights take a third of the time. Four fifths of the network have
no state, and take windows in any order and number. The state is in one LSTM; as ONNX's LSTM operator, it processes a
run of windows of each stream in one call. `tests/models/test_silero.py` checks that both give the same probabilities.
Run it in the development environment: `uv run python scripts/make_silero.py`.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from training.graph import Graph

LICENCE: Final = "MIT (Silero Team); see NOTICE"
TARGET: Final = Path(__file__).parents[1] / "ser_track" / "models" / "silero.onnx"
_HEARD: Final = 576  # 64 samples of context and a window of 512
_HOP: Final = 128
_BINS: Final = 129
_HIDDEN: Final = 128
_LAST: Final = 2**62
Weight = NDArray[np.float32]


def packaged() -> dict[str, Weight]:
    """The tensors of the model file in the silero-vad package."""
    spec = find_spec("silero_vad")
    assert spec is not None
    assert spec.origin is not None
    # The file with one sampling rate and no branches; its weights are those of silero_vad.onnx.
    model = onnx.load(Path(spec.origin).parent / "data" / "silero_vad_16k_op15.onnx")
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


class Network(Graph):
    """Adds the layers of the detector. t windows of n streams: rows are ordered by time, then by stream."""

    def __init__(self) -> None:
        super().__init__()
        self._weights = packaged()

    def slice(self, x: str, start: int, end: int, axis: int, step: int = 1) -> str:
        """x[start:end:step] along an axis."""
        return self.add("Slice", x, self.ints(start), self.ints(end), self.ints(axis), self.ints(step))

    def reshape(self, x: str, *shape: int) -> str:
        """One dimension may be -1."""
        return self.add("Reshape", x, self.ints(*shape))

    def layer(self, x: str, number: int, first_tap: int, taps: int) -> str:
        """[n, taps * in] → [n, out]: only the taps of the kernel of 3 that are on sound, not on padding; then ReLU."""
        name = f"model.encoder.{number}.reparam_conv"
        kernel = self._weights[f"{name}.weight"][:, :, first_tap : first_tap + taps]
        matrix = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
        product = self.add("Gemm", x, self.constant(matrix), self.constant(self._weights[f"{name}.bias"]))
        return self.add("Relu", product)

    def magnitudes(self) -> str:
        """[n, 576] → [n, 4, 129]: four spectra; the end is mirrored, as in the original."""
        mirrored = self.slice("input", _HEARD - 2, _HEARD - 66, 1, -1)
        hops = self.reshape(self.add("Concat", "input", mirrored, axis=1), -1, 5, _HOP)
        frames = self.add("Concat", self.slice(hops, 0, 4, 1), self.slice(hops, 1, 5, 1), axis=2)
        basis = self._weights["model.stft.forward_basis_buffer"][:, 0].T
        parts = self.add("MatMul", frames, self.constant(basis))
        squares = self.add("Mul", parts, parts)
        return self.add("Sqrt", self.add("Add", self.slice(squares, 0, _BINS, 2), self.slice(squares, _BINS, _LAST, 2)))

    def encoded(self) -> str:
        """[n, 576] → [n, 128]."""
        padded = self.add("Pad", self.magnitudes(), self.ints(0, 1, 0, 0, 1, 0))
        around = self.add("Concat", *(self.slice(padded, k, k + 4, 1) for k in range(3)), axis=2)
        x = self.reshape(self.layer(self.reshape(around, -1, 3 * _BINS), 0, 0, 3), -1, 4, _HIDDEN)
        # Stride 2: frames (-, 0, 1) and (1, 2, 3); the next layers have one position, and only taps on it count.
        padded = self.add("Pad", x, self.ints(0, 1, 0, 0, 0, 0))
        pairs = [self.reshape(self.slice(padded, k, k + 3, 1), -1, 1, 3 * _HIDDEN) for k in (0, 2)]
        x = self.layer(self.reshape(self.add("Concat", *pairs, axis=1), -1, 3 * _HIDDEN), 1, 0, 3)
        x = self.layer(self.reshape(x, -1, _HIDDEN), 2, 1, 2)
        return self.layer(x, 3, 1, 1)

    def remembered(self, x: str) -> tuple[str, str]:
        """The LSTM over t steps: [t * n, 128] and the state → the output, [t * n, 128], and the new state."""
        of = {
            kind: _reordered(self._weights[f"model.decoder.rnn.{kind}"])
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        streams = self.add("Shape", "state", start=1, end=2)
        steps = self.add("Reshape", x, self.add("Concat", self.ints(-1), streams, self.ints(_HIDDEN), axis=0))
        before = [self.slice("state", i, i + 1, 0) for i in range(2)]
        weights = [self.constant(of[kind][None]) for kind in ("weight_ih", "weight_hh")]
        bias = self.constant(np.concatenate([of["bias_ih"], of["bias_hh"]])[None])
        outputs = ["heard", "hidden", "cells"]
        inputs = [steps, *weights, bias, "", *before]
        self.nodes.append(helper.make_node("LSTM", inputs, outputs, hidden_size=_HIDDEN))
        return self.reshape("heard", -1, _HIDDEN), self.add("Concat", "hidden", "cells", axis=0)

    def finished(self) -> onnx.ModelProto:
        """Inputs `input` [t * n, 576] and `state` [2, n, 128]; outputs `output` [t * n, 1] and `next` [2, n, 128]."""
        out, after = self.remembered(self.encoded())
        weight, bias = (self._weights[f"model.decoder.decoder.2.{kind}"] for kind in ("weight", "bias"))
        logit = self.add("Gemm", self.add("Relu", out), self.constant(weight[:, :, 0].T), self.constant(bias))
        self.name(self.add("Sigmoid", logit), "output")
        self.name(after, "next")
        state: list[str | int] = [2, "streams", _HIDDEN]
        inputs, outputs = {"input": ["windows", _HEARD], "state": state}, {"output": ["windows", 1], "next": state}
        model = self.model(inputs, outputs, "voice_activity")
        helper.set_model_props(model, {"name": "silero", "version": version("silero-vad"), "licence": LICENCE})
        return model


def _reordered(gates: Weight) -> Weight:
    """[4 * 128, …] in torch's order (in, forget, cell, out) → in ONNX's (in, out, forget, cell)."""
    take, keep, new, give = np.split(gates, 4)
    return np.concatenate([take, give, keep, new])


if __name__ == "__main__":
    onnx.save(Network().finished(), TARGET)
    print(TARGET.name, TARGET.stat().st_size, "bytes")
