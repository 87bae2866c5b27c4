"""`ser-track tune`: a head with the user's own labels, on the embedding of one of our models."""

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ser_track.cli.analyze.atomic_files import replaced
from ser_track.cli.console import MODEL_HELP, Feedback, feedback
from ser_track.cli.tune.own_labels import OwnClips, problems_of
from ser_track.config.schema import load_config
from ser_track.errors import AudioError, ConfigError
from ser_track.safe_text import shown_on

_EPILOG: Final = """\
MANIFEST is CSV in UTF-8 whose first line names the columns: path (relative to the manifest), emotion and speaker; other
columns are ignored. The emotions are your own labels, from two to 32, in any words. Each needs at least 10 clips of at
least 3 speakers; some hundred clips of ten or more speakers are a good start. Each clip is cut from its first voiced
moment to its last. If labels have the names of ours (anger/angry, happiness/happy, sadness/sad, neutral/calm), programs
that know our four can go on using them.

FILE is a model like ours: the same network and the same adaptation to voices, with a head that is learnt here. Use its
path wherever a model can be named. Equal clips give an equal file.

Figures come from cross-validation: each clip is judged by a head that heard neither the clip nor its speaker.
"Before" is the base model, "after" such a head; the head in FILE is then learnt from all clips. UAR, ECE and "in a
call" are those of ser-track evaluate --adapt. If the base model was trained on your clips, "before" is too good.

It needs the packages onnx and scikit-learn: pip install 'ser-track[tune]'.

examples:
  ser-track tune labelled.csv --out mine.onnx
  ser-track tune labelled.csv --model base --out mine.onnx --json figures.json
"""
_NEEDED: Final = {"onnx": "onnx", "sklearn": "scikit-learn"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="CSV with the columns path, emotion, speaker")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the model here: a name in .onnx")
    parser.add_argument("--model", metavar="MODEL", help=f"the base: {MODEL_HELP}")
    parser.add_argument("--name", help="name of the model in events (default: that of FILE, without .onnx)")
    parser.add_argument(
        "--folds",
        choices=("speakers", "clips"),
        default="speakers",
        help="parts of the cross-validation: whole speakers (default), or single clips, for one's own voice alone",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too, as fractions")


def run(args: argparse.Namespace) -> int:
    """Hear the clips, judge and learn a head, write the model, print the figures.

    Raises:
        AudioError: too many clips could not be heard.
        ConfigError: the configuration, the manifest or an option cannot be used, or a package is missing.
        ModelError: the base model cannot be used.
    """
    _check(args)
    own = OwnClips.read(args.manifest)
    by_speaker = args.folds == "speakers"
    if problems := problems_of(own.clips, own.labels, by_speaker):
        raise ConfigError(str(args.manifest), problems)
    from ser_track.cli.tune.tuning import Tuning  # not sooner: it needs packages that may be missing

    chosen = {} if args.model is None else {"model": args.model}
    config = load_config(args.config, {"pipeline": chosen}).pipeline
    with feedback(results_on_terminal=False) as told:
        tuning = Tuning.of(config, args.name or args.out.stem, by_speaker)
        failed = [_failure(f"line {line}", "the row has no path or no emotion", told) for line in own.broken_lines]
        judged = []
        for number, (clip, outcome) in enumerate(tuning.hear(own.clips), 1):
            told.show("listening", number, len(own.clips))
            if isinstance(outcome, Exception):
                failed.append(_failure(clip.name, str(outcome), told))
            else:
                judged.append(outcome)
        if problems := problems_of([item.clip for item in judged], own.labels, by_speaker):
            raise AudioError(f"{args.manifest}: too few clips could be heard: {'; '.join(problems)}")
        tuned = tuning.tuned(judged, own.labels)
    with replaced(args.out) as part:
        part.write_bytes(tuned.file)
    print(tuned.text, file=shown_on(sys.stdout))
    if args.json is not None:
        _write(args.json, {**tuned.figures, "skipped": {"files": failed}})
    return int(told.failed)


def _check(args: argparse.Namespace) -> None:
    """Say before the work what would be in its way after it."""
    if missing := [package for module, package in _NEEDED.items() if find_spec(module) is None]:
        need = f"it needs {' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed"
        raise ConfigError("tune", [f"{need}; pip install 'ser-track[tune]'"])
    beside = args.out.with_suffix(".json")
    problems = []
    if args.out.suffix != ".onnx":
        problems.append(f"{args.out} is not the name of a model; give a name that ends in .onnx")
    elif beside.exists() or (args.json is not None and args.json.resolve() == beside.resolve()):
        problems.append(f"{beside} would be taken for the description of {args.out}; give one of them another name")
    elif not args.out.parent.is_dir():
        problems.append(f"the folder {args.out.parent} does not exist; create it, or name another")
    if problems:
        raise ConfigError("--out", problems)
    name = args.name or args.out.stem
    if not name.isprintable() or "@" in name or not name.strip():
        raise ConfigError("--name", [f"{name!r} cannot be a model's name; give printable text without '@'"])


def _failure(name: str, reason: str, told: Feedback) -> dict[str, str]:
    told.fail(f"{name}: {reason}")
    return {"path": name, "reason": reason}


def _write(path: Path, result: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--json", [f"{path} cannot be written ({error.strerror}); name another file"]) from error
