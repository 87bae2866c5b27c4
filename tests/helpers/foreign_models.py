"""Models of somebody else, made here: ONNX files with other labels and inputs, simple enough to work out by hand."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

MOODS: Final = ("calm", "excited", "angry", "bored", "tense")
BESIDE: Final[dict[str, Any]] = {
    "name": "moods",
    "version": "1.2.0",
    "licence": "CC0-1.0",
    "labels": list(MOODS),
    "titles": {"excited": "Excited (happy)"},
    "colours": {"calm": "#336699", "angry": ["#aa0000", "#ff9999"]},
    "symbols": {"calm": "hexagon"},
    "sample_rate_hz": 16000,
    "front_end": "waveform",
    "output": "logits",
}
WEIGHTS: Final[NDArray[np.float32]] = np.array([[-40.0, 30.0, 60.0, -10.0, 5.0]], np.float32)
BIAS: Final[NDArray[np.float32]] = np.array([1.0, -0.5, -2.0, 0.5, 0.0], np.float32)


def write_moods(folder: Path, **changes: Any) -> Path:
    """``moods.onnx`` and the JSON beside it, with ``changes``; a key that is ``None`` is left out."""
    file = folder / "moods.onnx"
    write_waveform_model(file)
    beside = {key: value for key, value in {**BESIDE, **changes}.items() if value is not None}
    file.with_suffix(".json").write_text(json.dumps(beside), encoding="utf-8")
    return file


def write_waveform_model(
    file: Path, output: str = "logits", metadata: dict[str, str] | None = None, samples: int | str = "n"
) -> None:
    """As a wav2vec classifier is exported: `input_values` [batch, n] to [batch, 5], linear in the mean magnitude."""
    text = f"""<ir_version: 10, opset_import: ["" : 20]>
        moods (float[batch, {samples}] input_values) => (float[batch, 5] {output})
        <float[1, 5] weights, float[5] bias, int64[1] axis = {{1}}>
        {{ level = Abs(input_values)  mean = ReduceMean<keepdims = 1>(level, axis)
           {output} = Gemm(mean, weights, bias) }}"""
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend([numpy_helper.from_array(WEIGHTS, "weights"), numpy_helper.from_array(BIAS, "bias")])
    helper.set_model_props(model, metadata or {})
    onnx.save(model, file)


def moods_of(samples: NDArray[np.float32]) -> dict[str, float]:
    """What the model says of half a second or more, worked out here."""
    logits = WEIGHTS[0] * np.abs(samples).mean() + BIAS
    powers = np.exp(logits - logits.max())
    return dict(zip(MOODS, map(float, powers / powers.sum()), strict=True))
