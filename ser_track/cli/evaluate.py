"""`ser-track evaluate`: the accuracy of the model on labelled recordings."""

import argparse
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ser_track.cli.call_order import CORPUS, DEFAULT_NEUTRAL_SHARE, Mix, calls_of
from ser_track.cli.console import MODEL_HELP, Feedback, feedback
from ser_track.cli.evaluation_figures import as_text, figures, played_figures
from ser_track.cli.evaluation_runs import Judge, Judged, neutral_of
from ser_track.cli.features import check_features_file, save_features
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
each speaker's clips are played in a random order, and the model has adapted to what the speaker said before that clip,
and to nothing after it. The order is drawn from the clips' paths and speakers: it is the same each time, however the
rows are ordered.

--neutral-share says how much of what is played is neutral: 0.8, four of five, by default. Clips of the kind that is too
rare are repeated; a clip is judged the first time that it is played. With 0 and 1 each clip is played once, but the
model adapts only to clips that are not neutral, or only to neutral ones. With "corpus" each clip is played once, in the
manifest's own mix.

UAR is the unweighted average recall; its interval is a bootstrap over speakers. ECE is the expected calibration error
over 15 bins. Results are "sure" if their label is not "unsure" (pipeline.min_confidence); they are "confident and
wrong" if the confidence is 60 % or more and the label is not that of the manifest, as a share of all clips.

--save-features writes the embedding and the probabilities of each clip, for those who train a classifier of their own:
of all emotions in the manifest, those that the model does not have included. A name in .npz is for numpy, one in .csv
for pandas (docs/tune.md). ser-track tune learns a head with your own labels.

examples:
  ser-track evaluate clips/manifest.csv
  ser-track evaluate manifest.csv --model base --adapt --json figures.json
  ser-track evaluate manifest.csv --adapt --neutral-share corpus
  ser-track evaluate labelled.csv --model base --save-features features.npz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="CSV with the columns path, emotion[, speaker]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too, as fractions")
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--adapt", action="store_true", help="also in call order, with each speaker's own past")
    mix = f"with --adapt: share of neutral, 0 to 1, or 'corpus' (default: {DEFAULT_NEUTRAL_SHARE})"
    parser.add_argument("--neutral-share", type=_neutral_share, metavar="SHARE", help=mix)
    emotions = "evaluate our four, or our six, emotions (default: the labels of the model)"
    parser.add_argument("--emotions", type=int, choices=(4, 6), help=emotions)
    features = "write the embedding and the probabilities of each clip here: a name in .npz or .csv"
    parser.add_argument("--save-features", type=Path, metavar="FILE", help=features)


def run(args: argparse.Namespace) -> int:
    """Evaluate, print, and write ``--json``; clips that cannot be read are reported and counted.

    Raises:
        AudioError: none of the clips could be judged.
        ConfigError: the configuration, the manifest or an option cannot be used.
        ModelError: the model cannot be used.
    """
    if args.save_features is not None:
        check_features_file(args.save_features)
    chosen = {} if args.model is None else {"model": args.model}
    config = load_config(args.config, {"pipeline": chosen}).pipeline
    judge = Judge.of(load_models(config), args.emotions)
    manifest = read_manifest(args.manifest, judge.labels)
    mix = _mix(args, manifest, judge.labels)
    with feedback(results_on_terminal=False) as told:
        result = _evaluate(manifest, judge, config.min_confidence, mix, args.save_features, told)
    if not result["n"]:
        if args.save_features is not None and len(manifest.others) > 0:
            print("no figures: the model has none of the emotions in the manifest; the features are written")
            return int(told.failed)
        raise AudioError(
            f"{args.manifest} has no clip that could be judged; {_why_none(result['skipped'], judge.labels)}"
        )
    print(as_text(result), file=shown_on(sys.stdout))
    if args.json is not None:
        _write(args.json, result)
    return int(told.failed)


def _neutral_share(text: str) -> float | str:
    """Read the value of ``--neutral-share``."""
    if text == CORPUS:
        return CORPUS
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share of neutral; give a number from 0 to 1, or '{CORPUS}'")
    return share


def _mix(args: argparse.Namespace, manifest: Manifest, labels: LabelSet) -> Mix | None:
    """The calls that ``--adapt`` asks for; ``None`` without it."""
    share, neutral = args.neutral_share, neutral_of(labels)
    if not args.adapt:
        if share is not None:
            raise ConfigError("--neutral-share", ["it says how clips are played with --adapt; add --adapt"])
        return None
    if not all(clip.speaker for clip in manifest.clips):
        raise ConfigError(str(args.manifest), ["--adapt needs the speaker of each clip; fill in the column 'speaker'"])
    if neutral is None:
        if share not in (None, CORPUS):
            reason = f"none of the labels {', '.join(labels.names)} stands for neutral"
            raise ConfigError("--neutral-share", [f"{reason}; give '{CORPUS}', or set 'compatible' in the model"])
        return Mix(None)
    return Mix(None if share == CORPUS else DEFAULT_NEUTRAL_SHARE if share is None else share, neutral)


def _evaluate(
    manifest: Manifest, judge: Judge, min_confidence: float, mix: Mix | None, features: Path | None, told: Feedback
) -> dict[str, Any]:
    failed = [_failure(f"line {line}", "the row has no path or no emotion", told) for line in manifest.broken_lines]
    # Sums of floats depend on the order of the clips; the order of the rows must not change a figure.
    clips = sorted(manifest.clips, key=lambda clip: (clip.name, clip.speaker, clip.emotion))
    judged = _sorted_out(judge.alone(clips), "evaluating", len(clips), failed, told)
    if features is not None:
        outcomes = judge.alone(manifest.others)
        others = _sorted_out(outcomes, "listening to other emotions", len(manifest.others), failed, told)
        save_features(features, [*judged, *others], judge.labels, judge.models.classifier.name)
    result: dict[str, Any] = {"model": judge.models.classifier.name, "n": 0}
    if judged:
        result |= figures(judged, judge.labels, min_confidence)
    if judged and mix is not None:
        heard = [item.clip for item in judged]
        calls = calls_of([(clip.speaker, clip.name, clip.emotion) for clip in heard], mix)
        outcomes = judge.in_calls(heard, calls)
        again = _sorted_out(outcomes, "evaluating in call order", len(heard), failed, told)
        played = played_figures(heard, calls, mix)
        result["in_call"] = played | (figures(again, judge.labels, min_confidence) if again else {"n": 0})
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
