"""`ser-track analyze`: recordings in, the events of a live call out."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from ser_track.cli.console import Feedback, display_name, feedback
from ser_track.cli.replay import replay
from ser_track.config import load_config
from ser_track.core.engine import Engine
from ser_track.errors import AudioError, ConfigError
from ser_track.models import load_models
from ser_track.sinks.jsonl import JsonLines
from ser_track.sources.file import open_tracks
from ser_track.types import SAMPLE_RATE_HZ, Emotion, Event, Fault

_EPILOG: Final = """\
Each line is one event (docs/protocol.md). 'participant' is the track's title or language, else track-1, track-2 …;
'stream' is FILE as you gave it. Times are seconds from where the earliest track of the file begins.

examples:
  ser-track analyze meeting.mkv --out events.jsonl
  ser-track analyze --channels split --final-only call.wav | jq 'select(.type == "emotion")'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="audio or video that FFmpeg opens")
    parser.add_argument(
        "--channels", choices=("mix", "split"), default="mix", help="split: each channel of a track is a participant"
    )
    parser.add_argument("--final-only", action="store_true", help="leave out provisional results")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the events here instead of to stdout")


def run(args: argparse.Namespace) -> int:
    """Analyze each file; one that fails is named, the others are done all the same.

    Raises:
        ConfigError: the configuration, or where to write to, cannot be used.
        ModelError: the model cannot be used.
    """
    pipeline = load_config(args.config).pipeline
    models = load_models(pipeline)
    engine = Engine(models.detector, models.classifier, pipeline)
    block_samples = round(pipeline.consumed_duration_s * SAMPLE_RATE_HZ)
    with _output(args) as output, feedback(output.isatty()) as told:
        sink = JsonLines(output)
        for path in args.files:
            for event in _events(path, args.channels == "split", engine, block_samples, told):
                if not (args.final_only and isinstance(event, Emotion) and not event.final):
                    sink.put(event)
    return int(told.failed)


def _events(path: Path, split: bool, engine: Engine, block_samples: int, told: Feedback) -> Iterator[Event]:
    name = display_name(path)
    try:
        with open_tracks(path, split) as recording:

            def tell() -> None:
                told.show(name, recording.position_s, recording.duration_s)

            for event in replay(recording, name, engine, block_samples, tell):
                if isinstance(event, Fault):
                    told.fail(event.message)
                yield event
    except AudioError as error:
        told.fail(str(error))


@contextmanager
def _output(args: argparse.Namespace) -> Iterator[TextIO]:
    if args.out is None:
        yield sys.stdout
        return
    if any(args.out.exists() and path.exists() and args.out.samefile(path) for path in args.files):
        raise ConfigError("--out", [f"{args.out} is one of the recordings; name another file"])
    try:
        file = args.out.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--out", [f"{args.out} cannot be written ({error.strerror}); name another file"]) from error
    with file:
        yield file
