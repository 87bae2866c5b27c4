"""`ser-track`: reads the command line, runs one command, and turns errors into one line and an exit code."""

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
from ser_track.cli.log_lines import warn_on_stderr
from ser_track.errors import BadRequestError, ConfigError, ModelError, SerTrackError
from ser_track.safe_text import printable
from ser_track.shortages import explained

COMMANDS: Final = {
    "serve": "run the server: rooms in the browser, and the bot that shows how each voice sounds",
    "listen": "analyse your microphone, live in the terminal",
    "join": "send the bot into a meeting on another server, live in the terminal",
    "analyze": "analyse recordings, who speaks when and how it sounds: events, captions, tables and more",
    "classify": "give one emotion per recording",
    "evaluate": "measure the accuracy of a model on labelled recordings",
    "tune": "learn a head with your own labels from labelled recordings, on one of our models",
    "models": "list models and voice detectors: labels, licence, size, speed on this machine",
}
_EXAMPLES: Final = """examples:
  ser-track serve
  ser-track listen
  ser-track join janus ws://127.0.0.1:8188 --room 1234
  ser-track analyze meeting.mp4 > events.jsonl
  ser-track analyze --channels split call.wav
  ser-track classify --json clips/*.wav
  ser-track --config config.json evaluate manifest.csv

exit codes: 0 success, 1 a file failed (the others were done), 2 wrong usage, configuration or model
"""
_BROKEN_PIPE: Final = 141
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in ``argv`` (default: that of the process) and return the exit code.

    Raises:
        SystemExit: the usage is wrong (2), or help was requested (0).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as JSON must be, whatever the locale
    warn_on_stderr()
    args = make_parser().parse_args(argv)
    args.config = args.config or args.config_before
    try:
        return int(args.run(args))
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except (SerTrackError, OSError) as error:
        text = explained(error) if isinstance(error, OSError) else str(error)
        print(f"ser-track: error: {printable(text)}", file=sys.stderr)
        return 2 if isinstance(error, (BadRequestError, ConfigError, ModelError)) else 1
    except KeyboardInterrupt:
        return _INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in text that is safe for a terminal: arguments may be the names of anyone's files."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, and exit."""
        super().error(printable(message))


class _CommandParser(_Parser):
    """Parser of one command. It imports the command only when its arguments are read, so `--help` stays fast."""

    module: str | None = None
    _intermixing = False

    def parse_known_args(  # type: ignore[override]  # declared by four overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Add the command's arguments, then parse as argparse does; options may also stand between files."""
        if self._intermixing:
            return super().parse_known_args(args, namespace)
        if self.module is not None:
            command, self.module = import_module(self.module), None
            command.add_arguments(self)
            with suppress(argparse.ArgumentError):  # a command may add --config itself
                _add_config(self, "config")
            self.set_defaults(run=command.run)
        found, unknown = self._parsed(args, namespace)
        if unknown:  # else the parser of `ser-track` says so, with its own usage
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _parsed(
        self, args: Sequence[str] | None, namespace: argparse.Namespace | None
    ) -> tuple[argparse.Namespace, list[str]]:
        if args is not None and "--" in args:  # intermixing loses the arguments after it
            return super().parse_known_args(args, namespace)
        self._intermixing = True  # it calls this method again
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False


class _Version(argparse.Action):
    """Like argparse's own, but the version is looked up only when it is requested, because that is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and exit."""
        print(f"ser-track {ser_track.__version__}")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        "ser-track",
        description="Speech emotion recognition for every voice in a conference or a recording.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_config(parser, "config_before")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_CommandParser)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.module = f"ser_track.cli.{name}"
    return parser


def _add_config(parser: argparse.ArgumentParser, destination: str) -> None:
    meaning = "configuration, JSON (default: built-in defaults)"
    parser.add_argument("--config", dest=destination, type=Path, metavar="FILE", help=meaning)
