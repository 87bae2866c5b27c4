"""`ser-track listen`: your own microphone, live in the terminal or as JSON lines."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.cli.console import MODEL_HELP, display_name, tell
from ser_track.cli.live_view import LiveView
from ser_track.config.schema import Config, load_config
from ser_track.event_types import Fault
from ser_track.labels import LabelSet
from ser_track.models import load_models, new_engine
from ser_track.output.jsonl import JsonLines
from ser_track.output.wire import encode
from ser_track.protocols import Sink
from ser_track.recordings.microphone import Microphone, input_devices
from ser_track.recordings.paced import Paced
from ser_track.recordings.recording import open_recording
from ser_track.replay import replay
from ser_track.safe_text import printable, shown_on

_BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ // 10
_EPILOG: Final = """\
Nothing is recorded. Ctrl-C ends the command, after the result of the segment that is still open.
The microphone needs the package sounddevice (pip install sounddevice, or ser-track[microphone]) and, on Linux,
PortAudio (Debian: libportaudio2). With --file, a file is played in real time instead: no audio hardware is needed.

examples:
  ser-track listen
  ser-track listen --device "USB" --json | jq 'select(.final) | .label'
  ser-track listen --file call.wav
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--device", type=_device, metavar="DEVICE", help="number or part of the name of a microphone")
    what.add_argument("--list-devices", action="store_true", help="list the microphones and exit")
    what.add_argument(
        "--file", type=Path, metavar="FILE", help="analyse this file, in real time, instead of a microphone"
    )
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="with --file: play it N times as fast")
    parser.add_argument(
        "--json", action="store_true", help="print events as JSON lines (docs/protocol.md), not a table"
    )


def run(args: argparse.Namespace) -> int:
    """Listen until the file ends or somebody presses Ctrl-C; 1 if something failed on the way.

    Raises:
        AudioError: the microphone or the file cannot be opened.
        ConfigError: the configuration cannot be used, or the device does not exist.
        ModelError: the model cannot be used.
    """
    if args.list_devices:
        return _list_devices()
    config = load_config(args.config, {"pipeline": {} if args.model is None else {"model": args.model}})
    with ExitStack() as stack:
        source, name = _microphone(args, config) if args.file is None else _file(args, stack)
        models = load_models(config.pipeline)
        engine = new_engine(config.pipeline, models)
        sink = _sink(args, name, models.classifier.labels, stack)
        stack.enter_context(_ended_by_ctrl_c(source.stop))
        failures = list[str]()
        for event in replay(source, name, engine, _BLOCK_SAMPLES):
            sink.put(encode(event))
            if isinstance(event, Fault) and event.message not in failures:
                failures.append(event.message)
    if isinstance(source, Microphone) and source.loss is not None:
        remedy = "this machine is too slow or too busy; use the model small, or close other programs"
        tell(f"warning: {source.loss}; {remedy}")
    for failure in failures:
        tell(f"error: {failure}")
    return int(bool(failures))


def _microphone(args: argparse.Namespace, config: Config) -> tuple[Microphone, str]:
    runtime = config.runtime
    microphone = Microphone(args.device, runtime.max_held_audio_s, runtime.stalled_after_s)
    return microphone, microphone.device.name


def _file(args: argparse.Namespace, stack: ExitStack) -> tuple[Paced, str]:
    return Paced(stack.enter_context(open_recording(args.file)), args.speed), display_name(args.file)


def _sink(args: argparse.Namespace, name: str, labels: LabelSet, stack: ExitStack) -> Sink:
    if args.json:
        return JsonLines(shown_on(sys.stdout))
    return stack.enter_context(LiveView(title=f"{name} (Ctrl-C ends)", labels=labels))


@contextmanager
def _ended_by_ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C asks the source to end; a second one ends at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _list_devices() -> int:
    for device in input_devices():
        default = ", default" if device.is_default else ""
        print(f"{device.number:3} {printable(device.name)} ({device.rate_hz} Hz){default}")
    return 0


def _device(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a speed; give a number from 0.1 to 1000")
    return speed
