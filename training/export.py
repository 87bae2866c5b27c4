"""Calibrates a trained network and writes it as a shipped file: `python -m training.export small tiny-2m0-s1`.

Large matrix products become 8-bit; the pooling and the heads stay in float32. The float32 model stays in the cache, for
comparison.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from scipy.optimize import minimize_scalar

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.models.emotion import EmotionModel
from ser_track.models.log_mel import FRONT_END
from training import encoder
from training.corpora import Clip, read_clips, terms
from training.encoder import Temperatures
from training.listening import Heard, hear, hear_in_call, prepare
from training.records import SHIPPED_FILE
from training.rounding import corrected, quantise
from training.spectra import CACHE
from training.splits import read_splits

VERSION: Final = "3.0.0"
UNHEARD: Final = 1.7
HEARD: Final = 1.4
"""Temperatures of a corpus that training left out, against those of validation speakers: with nothing known of a voice,
and in a call (`training.adaptation`). Calibrated on validation speakers alone, a file is too confident elsewhere."""
WEIGHTS_FOLDER: Final = Path(__file__).parents[1] / "ser_track" / "models" / "weights"
_DRIFT_STEP: Final = 30  # every 30th training clip


def shipped_path(name: str) -> Path:
    """Where a shipped file lies."""
    return WEIGHTS_FOLDER / f"{name}.onnx"


def full_precision_path(name: str) -> Path:
    """The same model before it is rounded."""
    return CACHE / f"{name}-fp32.onnx"


def cremad(group: str, n_emotions: int = len(EMOTIONS)) -> list[Clip]:
    """The clips of one group of speakers."""
    speakers = set(read_splits()[group])
    return [clip for clip in read_clips("cremad", n_emotions) if clip.speaker in speakers]


def temperature(answers: list[tuple[FloatArray, NDArray[np.int64]]]) -> float:
    """The divisor of the logits that makes the labels most likely (Guo et al. 2017); answers: [n, C] and labels [n]."""

    def loss(log_t: float) -> float:
        lost = []
        for probabilities, labels in answers:
            logits = np.log(np.maximum(probabilities, 1e-9)) / np.exp(log_t)
            logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
            lost.append(-logits[np.arange(len(labels)), labels])
        return float(np.concatenate(lost).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def calibrate(model: EmotionModel) -> tuple[Temperatures, Heard, Heard]:
    """Temperatures over validation speakers, alone and in call order alike; and what was heard, alone and in call."""
    clips = cremad("validation", len(SIX_EMOTIONS))
    audio = prepare(clips)
    alone = hear(model, clips, audio)
    adapted = hear_in_call(model, clips, audio)
    counts = alone.of_four()
    four = temperature([(heard.four[counts], heard.labels[counts]) for heard in (alone, adapted)])
    six = temperature([(heard.six, heard.labels) for heard in (alone, adapted)])
    return Temperatures(round(four, 4), round(six, 4), UNHEARD, HEARD), alone, adapted


def describe(model: onnx.ModelProto, name: str, corpora: Sequence[str]) -> None:
    """Write into the file what it is and wants, what it was trained on under which terms, and whom it never heard."""
    used = [*corpora, "esc10"]
    helper.set_model_props(
        model,
        {
            "name": name,
            "version": VERSION,
            "labels": json.dumps(EMOTIONS),
            "six_labels": json.dumps(SIX_EMOTIONS),
            "sample_rate_hz": str(SAMPLE_RATE_HZ),
            "front_end": FRONT_END,
            "licence": "encoder: MIT (OpenAI Whisper), fine-tuned on the training data named here; see NOTICE",
            "training_data": "; ".join(f"{terms(each).title} ({terms(each).source})" for each in used),
            "training_licences": json.dumps({terms(each).title: terms(each).licence for each in used}),
            "test_speakers": json.dumps([name for each in corpora for name in read_splits(each).get("test", ())]),
        },
    )


def drift(name: str, clips: Sequence[Clip], audio: Sequence[FloatArray]) -> FloatArray:
    """[size]: by how much rounding moved the embeddings on average, over some clips of training speakers."""
    rounded, full = (EmotionModel.load(path) for path in (shipped_path(name), full_precision_path(name)))
    moved = hear(rounded, clips, audio).embeddings - hear(full, clips, audio).embeddings
    return np.asarray(moved.mean(axis=0), np.float32)


@dataclass(frozen=True, slots=True)
class Source:
    """A trained network on its way to a file."""

    name: str
    tensors: dict[str, FloatArray]
    merge: int | None
    corpora: tuple[str, ...]

    def build(self, temperatures: Temperatures) -> tuple[onnx.ModelProto, list[str]]:
        """The described float32 model, and the products that stay so."""
        model, keep = encoder.build(self.tensors, self.merge, temperatures)
        describe(model, self.name, self.corpora)
        return model, keep

    def round(self, temperatures: Temperatures, target: Path, audio: Sequence[FloatArray]) -> None:
        """Write the 8-bit model, corrected over some clips."""
        model, keep = self.build(temperatures)
        quantise(model, target, keep)
        quantise(corrected(model, target, audio), target, keep)


def export(source: Source) -> Temperatures:
    """Write both files; the 8-bit one with the mean error of each product, and then of the embedding, taken off."""
    # Temperatures divide logits: they are fitted before the gate mixes the answers, on the file that will be used.
    open_gate = {name: value for name, value in source.tensors.items() if not name.startswith("gate.")}
    model, _ = replace(source, tensors=open_gate).build(Temperatures())
    onnx.save(model, full_precision_path(source.name))
    target, clips = shipped_path(source.name), cremad("train", len(SIX_EMOTIONS))[::_DRIFT_STEP]
    audio = prepare(clips)
    replace(source, tensors=open_gate).round(Temperatures(), target, audio)
    moved = drift(source.name, clips, audio)
    print("mean drift of the embedding:", float(np.abs(moved).mean().round(4)))
    bias = source.tensors["embed.bias"] - moved * source.tensors["deviation"]
    replace(source, tensors=open_gate | {"embed.bias": bias}).round(Temperatures(), target, audio)
    temperatures, _, _ = calibrate(EmotionModel.load(target))
    replace(source, tensors=source.tensors | {"embed.bias": bias}).round(temperatures, target, audio)
    model, _ = source.build(temperatures)
    onnx.save(model, full_precision_path(source.name))
    return temperatures


def main() -> None:
    """Write the float32 model into the cache and the shipped one, and note where it came from."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("small", "base"))
    parser.add_argument("network", help="what training.finetune stored, without network- and .npz")
    args = parser.parse_args()
    tensors, facts = encoder.read_network(CACHE / f"network-{args.network}.npz")
    temperatures = export(Source(args.name, tensors, facts["merge"], tuple(facts["plan"]["corpora"])))
    record = json.loads(SHIPPED_FILE.read_text(encoding="utf-8")) if SHIPPED_FILE.exists() else {}
    record[args.name] = {"network": args.network, "temperatures": asdict(temperatures), **facts}
    SHIPPED_FILE.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(shipped_path(args.name).name, f"{shipped_path(args.name).stat().st_size / 1e6:.2f} MB", temperatures)


if __name__ == "__main__":
    main()
