"""`ser-track evaluate`: how often the model is right on labelled recordings."""

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from ser_track.cli.console import Feedback, feedback
from ser_track.cli.manifest import Clip, Manifest, read_manifest
from ser_track.cli.report import Judged, as_text, figures
from ser_track.config import load_config
from ser_track.errors import AudioError, ConfigError, SerTrackError
from ser_track.models import load_emotion_model
from ser_track.ports import EmotionClassifier
from ser_track.sources.file import read_mono

_EPILOG: Final = """\
MANIFEST is CSV in UTF-8 whose first line names the columns: path (relative to the manifest), emotion and, if known,
speaker; other columns are ignored. Emotions are anger/angry, happiness/happy, sadness/sad, neutral/calm; clips of
others are counted and left out. Each clip is judged by itself, as a whole. UAR is the unweighted average recall; its
interval is a bootstrap over speakers. ECE is the expected calibration error over 15 bins.

examples:
  ser-track evaluate clips/manifest.csv
  ser-track evaluate manifest.csv --model candidate.onnx --json figures.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="CSV with the columns path, emotion[, speaker]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too, as fractions")
    parser.add_argument("--model", metavar="PATH", help="'default' or an ONNX file (default: what --config says)")


def run(args: argparse.Namespace) -> int:
    """Evaluate, print, and write ``--json``; clips that cannot be read are named and counted.

    Raises:
        AudioError: no clip at all could be judged.
        ConfigError: the configuration or the manifest cannot be used.
        ModelError: the model cannot be used.
    """
    chosen = {} if args.model is None else {"model": args.model}
    classifier = load_emotion_model(load_config(args.config, {"pipeline": chosen}).pipeline.model)
    manifest = read_manifest(args.manifest)
    with feedback(results_on_terminal=False) as told:
        result = _evaluate(manifest, classifier, told)
    if not result["n"]:
        raise AudioError(f"{args.manifest} has no clip that could be judged; {_why_none(result['skipped'])}")
    print(as_text(result))
    if args.json is not None:
        _write(args.json, result)
    return int(told.failed)


def _evaluate(manifest: Manifest, classifier: EmotionClassifier, told: Feedback) -> dict[str, Any]:
    judged: list[Judged] = []
    failed = [_failure(f"line {line}", "the row has no path or no emotion", told) for line in manifest.broken_lines]
    for number, (clip, outcome) in enumerate(_outcomes(manifest, classifier), 1):
        told.show("evaluating", number, len(manifest.clips))
        if isinstance(outcome, Judged):
            judged.append(outcome)
        else:
            failed.append(_failure(clip.name, str(outcome), told))
    skipped = {"emotions": manifest.other_emotions, "files": failed}
    return {"model": classifier.name, **(figures(judged) if judged else {"n": 0}), "skipped": skipped}


def _failure(name: str, reason: str, told: Feedback) -> dict[str, str]:
    told.fail(f"{name}: {reason}")
    return {"path": name, "reason": reason}


def _outcomes(manifest: Manifest, classifier: EmotionClassifier) -> Iterator[tuple[Clip, Judged | SerTrackError]]:
    """In the manifest's order; the native code of decoder and network lets go of the GIL, so threads help."""

    def judge(clip: Clip) -> tuple[Clip, Judged | SerTrackError]:
        try:
            return clip, Judged(clip, classifier.classify(read_mono(clip.path)))
        except SerTrackError as error:
            return clip, error

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield from pool.map(judge, manifest.clips)
    finally:
        pool.shutdown(cancel_futures=True)


def _why_none(skipped: dict[str, Any]) -> str:
    others = ", ".join(skipped["emotions"]) or "none"
    return (
        f"{len(skipped['files'])} failed, emotions left out: {others}; give clips of anger, happiness, sadness, neutral"
    )


def _write(path: Path, result: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--json", [f"{path} cannot be written ({error.strerror}); name another file"]) from error
