"""`ser-track evaluate`: the accuracy of the model on labelled recordings."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ser_track.cli.console import MODEL_HELP, Feedback, feedback
from ser_track.cli.evaluation_figures import as_text, figures
from ser_track.cli.evaluation_runs import Judge, Judged
from ser_track.cli.manifest import Clip, Manifest, read_manifest
from ser_track.config.schema import load_config
from ser_track.errors import AudioError, ConfigError, SerTrackError
from ser_track.labels import LabelSet
from ser_track.models import load_models
from ser_track.safe_text import shown_on

_EPILOG: Final = """\
MANIFEST is CSV in UTF-8 whose first line names the columns: path (relative to the manifest), emotion and, if known,
speaker; other columns are ignored. Emotions are the labels of the model, by name or title; for our models anger/angry,
happiness/happy, sadness/sad, neutral/calm, and with --emotions 6 also disgust and fear/fearful. Clips with other
emotions are counted and left out. Each clip is cut from its first
voiced moment to its last, as in a call, and judged by itself. With --adapt it is judged once more, as part of a call:
each speaker's clips are played in a random order (the same each time) with four neutral clips for each other clip. The
model has then adapted to what the speaker said before that clip, and to nothing after it.

UAR is the unweighted average recall; its interval is a bootstrap over speakers. ECE is the expected calibration error
over 15 bins. Results are "sure" if their label is not "unsure" (pipeline.min_confidence).

examples:
  ser-track evaluate clips/manifest.csv
  ser-track evaluate manifest.csv --model base --adapt --json figures.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="CSV with the columns path, emotion[, speaker]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too, as fractions")
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--adapt", action="store_true", help="also in call order, with each speaker's own past")
    emotions = "evaluate our four, or our six, emotions (default: the labels of the model)"
    parser.add_argument("--emotions", type=int, choices=(4, 6), help=emotions)


def run(args: argparse.Namespace) -> int:
    """Evaluate, print, and write ``--json``; clips that cannot be read are reported and counted.

    Raises:
        AudioError: none of the clips could be judged.
        ConfigError: the configuration or the manifest cannot be used.
        ModelError: the model cannot be used.
    """
    chosen = {} if args.model is None else {"model": args.model}
    config = load_config(args.config, {"pipeline": chosen}).pipeline
    judge = Judge.of(load_models(config), args.emotions)
    manifest = read_manifest(args.manifest, judge.labels)
    if args.adapt and not all(clip.speaker for clip in manifest.clips):
        raise ConfigError(str(args.manifest), ["--adapt needs the speaker of each clip; fill in the column 'speaker'"])
    with feedback(results_on_terminal=False) as told:
        result = _evaluate(manifest, judge, config.min_confidence, args.adapt, told)
    if not result["n"]:
        raise AudioError(
            f"{args.manifest} has no clip that could be judged; {_why_none(result['skipped'], judge.labels)}"
        )
    print(as_text(result), file=shown_on(sys.stdout))
    if args.json is not None:
        _write(args.json, result)
    return int(told.failed)


def _evaluate(manifest: Manifest, judge: Judge, min_confidence: float, adapt: bool, told: Feedback) -> dict[str, Any]:
    failed = [_failure(f"line {line}", "the row has no path or no emotion", told) for line in manifest.broken_lines]
    total = len(manifest.clips)
    judged = _sorted_out(judge.alone(manifest.clips), "evaluating", total, failed, told)
    result: dict[str, Any] = {"model": judge.models.classifier.name, "n": 0}
    if judged:
        result |= figures(judged, judge.labels, min_confidence)
    if judged and adapt:
        again = _sorted_out(judge.in_call(judged), "evaluating in call order", total, failed, told)
        result["in_call"] = figures(again, judge.labels, min_confidence)
    return {**result, "skipped": {"emotions": manifest.other_emotions, "files": failed}}


def _sorted_out(
    outcomes: Iterable[tuple[Clip, Judged | SerTrackError]], what: str, total: int, failed: list[Any], told: Feedback
) -> list[Judged]:
    """Return the clips that could be judged; add the others to `failed`, and report them."""
    judged: list[Judged] = []
    for number, (clip, outcome) in enumerate(outcomes, 1):
        told.show(what, number, total)
        if isinstance(outcome, Judged):
            judged.append(outcome)
        else:
            failed.append(_failure(clip.name, str(outcome), told))
    return judged


def _failure(name: str, reason: str, told: Feedback) -> dict[str, str]:
    told.fail(f"{name}: {reason}")
    return {"path": name, "reason": reason}


def _why_none(skipped: dict[str, Any], labels: LabelSet) -> str:
    others = ", ".join(skipped["emotions"]) or "none"
    return f"{len(skipped['files'])} failed, emotions left out: {others}; give clips of {', '.join(labels.names)}"


def _write(path: Path, result: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--json", [f"{path} cannot be written ({error.strerror}); name another file"]) from error
