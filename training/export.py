"""Writes the shipped ONNX file from the encoder's weights and the head: `python -m training.export`.

Large matrix products become 8-bit; the first convolution (which reads the spectrum itself) and the head
stay in float32. The float32 model stays in the cache, for comparison.
"""

import json
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from ser_track.models.emotion import EmotionModel
from ser_track.models.log_mel import DYNAMIC_RANGE_DB, FRONT_END
from ser_track.types import EMOTIONS, SAMPLE_RATE_HZ, FloatArray
from training import encoder
from training.corpora import read_audio, read_clips
from training.features import ACTIVE_RANGE_DB, CACHE
from training.splits import read_splits
from training.train import HEAD_FILE, SELECTION_FILE, Choice, Head
from training.vad import trim

VERSION: Final = "1.0.0"
_DRIFT_STEP: Final = 30  # every 30th training clip
WEIGHTS_FOLDER: Final = Path(__file__).parents[1] / "ser_track" / "models" / "weights"


def read_choice() -> Choice:
    """What `training.train` settled on. The front-end reads its range from its own constant: the two must agree."""
    chosen = json.loads(SELECTION_FILE.read_text(encoding="utf-8"))["chosen"]
    if chosen["range_db"] != DYNAMIC_RANGE_DB:
        raise SystemExit(
            f"log_mel.py has a range of {DYNAMIC_RANGE_DB} dB, the choice is {chosen['range_db']}: set it there"
        )
    return Choice(**{**chosen, "blocks": tuple(chosen["blocks"]), "views": tuple(chosen["views"])})


def read_head() -> Head:
    """The calibrated head."""
    with np.load(HEAD_FILE) as stored:
        return Head(stored["weight"], stored["bias"])


def shipped_path() -> Path:
    """Where the shipped file lies; its name says which block is the last."""
    return WEIGHTS_FOLDER / f"whisper-base-b{max(read_choice().blocks)}.onnx"


def full_precision_path() -> Path:
    """The same model before it is quantised."""
    return CACHE / f"{shipped_path().stem}-fp32.onnx"


def build(choice: Choice, head: Head) -> tuple[onnx.ModelProto, list[str]]:
    """The whole model in float32, and the names of the products that must stay so."""
    graph = encoder.Graph()
    hidden = encoder.blocks(graph, encoder.Weights(), max(choice.blocks))
    first = next(node.name for node in graph.nodes if node.op_type == "MatMul")
    mask = encoder.active_frames(graph, ACTIVE_RANGE_DB) if choice.pool == "active" else None
    pooled = [encoder.pool(graph, hidden[block - 1], mask) for block in choice.blocks]
    features = graph.add("Concat", *pooled, axis=1)
    logits = graph.linear(features, head.weight, head.bias)
    last = [node.name for node in graph.nodes if node.op_type == "MatMul"][-1]
    graph.nodes.append(helper.make_node("Softmax", [logits], ["probabilities"], name="probabilities", axis=-1))
    return graph.model({"probabilities": ["batch", len(EMOTIONS)]}), [first, last]


def describe(model: onnx.ModelProto, name: str) -> None:
    """Write into the file what it is, what it wants, and whom it never heard."""
    helper.set_model_props(
        model,
        {
            "name": name,
            "version": VERSION,
            "labels": json.dumps(EMOTIONS),
            "sample_rate_hz": str(SAMPLE_RATE_HZ),
            "front_end": FRONT_END,
            "licence": "encoder: MIT (OpenAI Whisper base); head: trained on CREMA-D (ODbL 1.0); see NOTICE",
            "training_data": f"CREMA-D, {len(read_splits()['train'])} speakers, acted English",
            "test_speakers": json.dumps(read_splits()["test"]),
        },
    )


def quantise(source: onnx.ModelProto, target: Path, keep: list[str]) -> None:
    """Weights to 8 bits per output channel once, activations at run time.

    Range reduced: x86 without VNNI adds pairs of 8-bit products in 16 bits, which full-range weights overflow
    (ONNX Runtime manual, "Quantize ONNX models"); weights of 7 bits cannot. What that costs, `drift` repairs.
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


def drift() -> FloatArray:
    """[4]: by how much rounding moved the logits on average, over some clips of training speakers."""
    train = set(read_splits()["train"])
    clips = [clip for clip in read_clips("cremad") if clip.speaker in train][::_DRIFT_STEP]
    heard = [samples for clip in clips for samples in (read_audio(clip), trim(read_audio(clip)))]
    rounded, full = EmotionModel.load(shipped_path()), EmotionModel.load(full_precision_path())
    moved = np.mean([np.log(rounded.classify(samples) / full.classify(samples)) for samples in heard], axis=0)
    return np.asarray(moved - moved.mean(), np.float32)


def export(name: str, choice: Choice, head: Head) -> None:
    """Write both files; the 8-bit one twice, the second time with its drift taken off the head's bias."""
    model, keep = build(choice, head)
    describe(model, name)
    onnx.save(model, full_precision_path())
    quantise(model, shipped_path(), keep)
    shift = drift()
    print("drift of the logits:", shift.round(3).tolist())
    model, keep = build(choice, Head(head.weight, head.bias - shift))
    describe(model, name)
    quantise(model, shipped_path(), keep)


def main() -> None:
    """Write the float32 model into the cache, and the shipped one."""
    CACHE.mkdir(exist_ok=True)
    export(shipped_path().stem, read_choice(), read_head())
    print(shipped_path().name, f"{shipped_path().stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
