"""`ser-track analyze`: turns recordings into the events of a live call, or into files made from them."""

import argparse
from pathlib import Path
from typing import Final

from ser_track.cli.analyze.analysis import Task
from ser_track.cli.analyze.batch import Batch
from ser_track.cli.analyze.documents import add_document_arguments, documents_of
from ser_track.cli.analyze.inputs import find_inputs
from ser_track.cli.analyze.pool import usable_cores
from ser_track.cli.analyze.settings import settings_of
from ser_track.cli.analyze.targets import add_output_arguments, open_outputs
from ser_track.cli.console import MODEL_HELP, feedback
from ser_track.config.schema import load_config
from ser_track.models import load_models

_EPILOG: Final = """\
FILE is audio or video, a recording of packets (Janus .mjr, pcap, pcapng, rtpdump, MediaJson; docs/recordings.md), a
folder with such files, a pattern in quotes, or - for standard input. The type of a file is detected from its content.

By default each line is one event (docs/protocol.md). 'participant' is the track's title, else track-1, track-2 …; in
packets it identifies the sender; --names replaces it. 'stream' is FILE. Times are seconds from the beginning of the
earliest track, video included, as in a player, or from the first packet. Several files are analysed in parallel;
their events are in the order of the files. If a file cannot be read, it is reported, the others are still analysed,
and the exit code is 1.
What makes results poor, such as a very quiet track or two voices on two channels, is noted on stderr with a remedy.

With --out FOLDER/ each recording gets files of its own there, one per format (call.wav: call.vtt, call.csv). A file is
either complete or missing, also after Ctrl-C. --resume skips recordings that have all their files, according to
FOLDER/ser-track-done.jsonl, unless the files, the recording, the model or the settings have changed since. Recordings
that failed are tried again.

examples:
  ser-track analyze meeting.mkv --out events.jsonl
  ser-track analyze --final-only --jobs 4 calls/*.opus > events.jsonl
  ser-track analyze --format vtt,csv --out results/ meeting.mp4
  ser-track analyze --format vtt meeting.mp4 > meeting.vtt
  ser-track analyze --out results/ --resume --report 'pages/{folder}-{name}.html' archive/
  ser-track analyze --channels split --names Agent,Caller call.wav | jq 'select(.type == "emotion")'
  ser-track analyze --together videoroom-1234-user-*-audio-*.mjr
  arecord -f S16_LE -r 16000 -t wav | ser-track analyze -
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="recordings to analyse: see below")
    parser.add_argument(
        "--channels", choices=("mix", "split"), default="mix", help="split: each channel of a track is a participant"
    )
    parser.add_argument(
        "--names", type=_names, default=(), metavar="A,B,…", help="names of the participants, in their order"
    )
    parser.add_argument(
        "--together", action="store_true", help="treat the FILEs, which hold recorded packets, as one meeting"
    )
    payload_type = "RTP's number for Opus in captures; default: every dynamic number whose packets are Opus"
    parser.add_argument("--payload-type", type=_payload_type, metavar="N", help=payload_type)
    parser.add_argument("--final-only", action="store_true", help="do not compute provisional results")
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)
    add_output_arguments(parser)
    add_document_arguments(parser)
    jobs = "cores to use: a process for each file, threads where a file has several cores; default: all usable cores"
    parser.add_argument("--jobs", type=_positive, metavar="N", help=jobs)


def run(args: argparse.Namespace) -> int:
    """Analyse each recording. A recording that fails is reported, and the others are still analysed.

    Raises:
        ConfigError: the configuration, or where to write to, cannot be used.
        ModelError: the model cannot be used.
    """
    inputs = find_inputs(args.files, args.together)
    chosen = {} if args.model is None else {"model": args.model}
    config = load_config(args.config, {"pipeline": chosen}).pipeline
    classifier = load_models(config).classifier  # a bad model is reported once, here and not by the workers
    documents = documents_of(args, inputs.found, config.min_confidence, classifier.labels)
    split, provisional = args.channels == "split", not args.final_only
    task = Task(config, documents, split, provisional, args.names, args.payload_type)
    with (
        open_outputs(args.format, args.out, inputs.found, settings_of(task, classifier.name), args.resume) as output,
        feedback(output.on_terminal) as told,
    ):
        for message in inputs.missing:
            told.fail(message)
        Batch(output, task, args.jobs or usable_cores(), told).run()
        return int(told.failed)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"'{text}' must be different names with commas between them, as Ann,Bob")
    return names


def _payload_type(text: str) -> int:
    if not text.isdecimal() or int(text) > 127:
        raise argparse.ArgumentTypeError(f"{text} is not an RTP payload type; give 0 to 127")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a number of processes; give 1 or more")
    return int(text)
