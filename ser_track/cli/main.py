"""`ser-track`: reads the command line, runs one command, turns errors into one line and an exit code."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

import ser_track
from ser_track.errors import BadRequestError, ConfigError, ModelError, SerTrackError

COMMANDS: Final = {
    "serve": "the server: rooms in the browser, and the bot that tells which emotion is in each voice",
    "listen": "your microphone, live in the terminal",
    "join": "the bot in a meeting on another server, live in the terminal",
    "analyze": "who speaks when in recordings, and how it sounds: events, captions, tables and more",
    "classify": "one emotion per recording",
    "evaluate": "measure the model on labelled recordings",
    "models": "the models and voice detectors that there are: labels, licence, size, speed on this machine",
}
_EXAMPLES: Final = """examples:
  ser-track serve
  ser-track listen
  ser-track join janus ws://127.0.0.1:8188 --room 1234
  ser-track analyze meeting.mp4 > events.jsonl
  ser-track analyze --channels split call.wav
  ser-track classify --json clips/*.wav
  ser-track --config config.json evaluate manifest.csv

exit codes: 0 all went well, 1 a file failed (the others were done), 2 wrong usage, configuration or model
"""
_BROKEN_PIPE: Final = 141
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` (default: the process's) names; returns the exit code.

    Raises:
        SystemExit: wrong usage (2), or help was asked for (0).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as JSON must be, whatever the locale
    args = make_parser().parse_args(argv)
    args.config = args.config or args.config_before
    try:
        return int(args.run(args))
    except BrokenPipeError:
        # The reader, say `head`, has enough. Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except (SerTrackError, OSError) as error:
        print("ser-track: error:", " ".join(str(error).split()), file=sys.stderr)
        return 2 if isinstance(error, (BadRequestError, ConfigError, ModelError)) else 1
    except KeyboardInterrupt:
        return _INTERRUPTED


class _CommandParser(argparse.ArgumentParser):
    """Parser of one command, which imports the command only when its arguments are read: `--help` stays fast."""

    module: str | None = None
    _intermixing = False

    def parse_known_args(  # type: ignore[override]  # declared by four overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, after the command's arguments were added; options may stand between files too."""
        if self._intermixing:
            return super().parse_known_args(args, namespace)
        if self.module is not None:
            command, self.module = import_module(self.module), None
            command.add_arguments(self)
            with suppress(argparse.ArgumentError):  # a command may describe --config itself
                _add_config(self, "config")
            self.set_defaults(run=command.run)
        found, unknown = self._parsed(args, namespace)
        if unknown:  # else the parser of `ser-track` says so, with its own usage
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _parsed(
        self, args: Sequence[str] | None, namespace: argparse.Namespace | None
    ) -> tuple[argparse.Namespace, list[str]]:
        if args is not None and "--" in args:  # intermixing loses what comes after it
            return super().parse_known_args(args, namespace)
        self._intermixing = True  # it calls this method again
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False


class _Version(argparse.Action):
    """As argparse's own, but the version is looked up only when it is asked for: that takes longer than all of this."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and end."""
        print(f"ser-track {ser_track.__version__}")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        "ser-track",
        description="Speech emotion recognition for every voice in a conference or a recording.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_config(parser, "config_before")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_CommandParser)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.module = f"ser_track.cli.{name}"
    return parser


def _add_config(parser: argparse.ArgumentParser, destination: str) -> None:
    meaning = "configuration, JSON; without it all is default"
    parser.add_argument("--config", dest=destination, type=Path, metavar="FILE", help=meaning)
