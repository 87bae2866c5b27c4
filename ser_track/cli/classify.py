"""`ser-track classify`: one emotion per recording."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from ser_track.cli.console import MODEL_HELP, display_name, feedback
from ser_track.config.schema import load_config
from ser_track.engine.classification import predict
from ser_track.errors import InferenceError, SerTrackError
from ser_track.models import Models, load_models
from ser_track.models.trimming import voiced_part
from ser_track.recordings.file import read_mono
from ser_track.safe_text import escaped, shown_on

_EPILOG: Final = """\
Each file's main audio track, mixed to mono, is treated as one piece of speech, from the first voiced moment to the
last: give clips of one voice. The label is the most likely emotion, even if its probability is low.
Columns, separated by tabs: path, label, confidence, then the probabilities of the model's labels, in its order (our
models: anger, happiness, sadness, neutral; ser-track models shows the labels of others).

examples:
  ser-track classify clips/*.wav
  ser-track classify --json clip.ogg | jq .probabilities
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="audio or video that FFmpeg opens")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of columns")
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)


def run(args: argparse.Namespace) -> int:
    """Classify each file. A file that fails is reported, and the others are still classified.

    Raises:
        ConfigError: the configuration cannot be used.
        ModelError: the model cannot be used.
    """
    chosen = {} if args.model is None else {"model": args.model}
    models = load_models(load_config(args.config, {"pipeline": chosen}).pipeline)
    with feedback(sys.stdout.isatty()) as told:
        for number, path in enumerate(args.files):
            told.show(display_name(path), number, len(args.files))
            try:
                result = _judge(path, models)
            except SerTrackError as error:
                told.fail(str(error))
                continue
            line = json.dumps(result, ensure_ascii=False) if args.json else _columns(result)
            print(line, file=shown_on(sys.stdout), flush=True)
    return int(told.failed)


def _judge(path: Path, models: Models) -> dict[str, Any]:
    """Raises SerTrackError, which names the file."""
    classifier, samples = models.classifier, read_mono(path)
    try:
        probabilities = predict(classifier, voiced_part(models.detector, samples)).probabilities
    except SerTrackError as error:  # raised by a model, which does not know the file
        raise InferenceError(f"{display_name(path)}: {error}") from error
    names = classifier.labels.names
    top = int(probabilities.argmax())
    return {
        "path": display_name(path),
        "label": names[top],
        "confidence": round(float(probabilities[top]), 4),
        "probabilities": {name: round(float(p), 4) for name, p in zip(names, probabilities, strict=True)},
        "model": classifier.name,
    }


def _columns(result: dict[str, Any]) -> str:
    shares = (f"{share:.4f}" for share in (result["confidence"], *result["probabilities"].values()))
    return "\t".join((escaped(result["path"]), result["label"], *shares))
