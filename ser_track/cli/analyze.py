"""`ser-track analyze`: recordings in, the events of a live call out, or files made of them."""

import argparse
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ser_track.cli.console import Feedback, display_name, feedback
from ser_track.cli.outputs import Outputs, Put, add_output_arguments, open_outputs
from ser_track.cli.pictures import Pictures, pictures_of
from ser_track.cli.pictures import add_arguments as add_picture_arguments
from ser_track.cli.pool import Progress, in_order, usable_cores
from ser_track.config import PipelineConfig, load_config
from ser_track.core.engine import Engine
from ser_track.errors import AudioError, InferenceError
from ser_track.models import load_models
from ser_track.replay import replay
from ser_track.sources.file import open_tracks
from ser_track.types import SAMPLE_RATE_HZ, Event, Fault

_EPILOG: Final = """\
Each line is one event (docs/protocol.md). 'participant' is the track's title or language, else track-1, track-2 …;
'stream' is FILE as you gave it. Times are seconds from where the earliest track of the file begins. Several files are
worked on at once; their events come in the order of the files all the same, each file's when it is done.

examples:
  ser-track analyze meeting.mkv --out events.jsonl
  ser-track analyze --final-only --jobs 4 calls/*.opus > events.jsonl
  ser-track analyze --format vtt,csv --out results meeting.mp4
  ser-track analyze --channels split --final-only call.wav | jq 'select(.type == "emotion")'
"""


@dataclass(frozen=True, slots=True)
class _Task:
    """What is done to each file."""

    config: PipelineConfig
    split: bool
    provisional: bool
    threads: int
    pictures: Pictures


@dataclass(frozen=True, slots=True)
class _Analysed:
    """What came of one file: events, and what failed; ``broken`` where a model did, which ends the command."""

    events: list[Event]
    failures: list[str]
    broken: InferenceError | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="audio or video that FFmpeg opens")
    parser.add_argument(
        "--channels", choices=("mix", "split"), default="mix", help="split: each channel of a track is a participant"
    )
    parser.add_argument("--final-only", action="store_true", help="compute no provisional results")
    add_output_arguments(parser)
    add_picture_arguments(parser)
    jobs = "cores to use: a process for each file, threads where a file has several cores; default: all that we may use"
    parser.add_argument("--jobs", type=_positive, metavar="N", help=jobs)


def run(args: argparse.Namespace) -> int:
    """Analyze each file; one that fails is named, the others are done all the same.

    Raises:
        ConfigError: the configuration, or where to write to, cannot be used.
        ModelError: the model cannot be used.
    """
    cores = args.jobs or usable_cores()
    jobs = min(cores, len(args.files))
    # Cores that no file is left for: there the classifier works beside the voice detector.
    threads = max(0, cores // jobs - 1)
    config = load_config(args.config).pipeline
    pictures = pictures_of(args, args.files, config.min_confidence)
    task = _Task(config, args.channels == "split", not args.final_only, threads, pictures)
    load_models(task.config)  # what is wrong with them is said once, and by no worker
    with open_outputs(args.format, args.out, args.files) as outputs, feedback(outputs.on_terminal) as told:
        if jobs > 1:
            _analyze_at_once(args.files, jobs, task, outputs, told)
        else:
            for path in args.files:
                with outputs.recording(path) as put:
                    _analyze(path, task, put, told.fail, partial(told.show, display_name(path)))
    return int(told.failed)


def _analyze_at_once(files: list[Path], jobs: int, task: _Task, outputs: Outputs, told: Feedback) -> None:
    def show(done: float) -> None:
        told.show(f"{len(files)} files", done, len(files))

    with closing(in_order(partial(_analyze_apart, task), files, jobs, show)) as results:
        for path, analysed in zip(files, results, strict=True):
            with outputs.recording(path) as put:
                for event in analysed.events:
                    put(event)
                for failure in analysed.failures:
                    told.fail(failure)
                if analysed.broken is not None:
                    raise analysed.broken


def _analyze_apart(task: _Task, path: Path, progress: Progress) -> _Analysed:
    """In a worker: what is written and said of one file, to be written and said in its turn."""
    events, failures, broken = list[Event](), list[str](), None

    def show(position_s: float, duration_s: float | None) -> None:
        progress(min(1.0, position_s / duration_s) if duration_s else 0.0)

    try:
        _analyze(path, task, events.append, failures.append, show)
    except InferenceError as error:
        broken = error
    return _Analysed(events, failures, broken)


def _analyze(
    path: Path,
    task: _Task,
    put: Put,
    fail: Callable[[str], None],
    show: Callable[[float, float | None], None],
) -> None:
    config, models = task.config, load_models(task.config)
    engine = Engine(models.detector, models.classifier, config)
    block_samples = round(config.consumed_duration_s * SAMPLE_RATE_HZ)
    try:
        with open_tracks(path, task.split) as recording, task.pictures.of(path, fail) as gathering:

            def tell() -> None:
                show(recording.position_s, recording.duration_s)

            name = display_name(path)
            events = replay(
                gathering.listen(recording),
                name,
                engine,
                block_samples,
                provisional=task.provisional,
                threads=task.threads,
                on_block=tell,
            )
            for event in gathering.watch(events):
                if isinstance(event, Fault):
                    fail(event.message)
                put(event)
    except AudioError as error:
        fail(str(error))


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number of processes; give 1 or more")
    return int(text)
