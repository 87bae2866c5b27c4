"""`ser-track join`: the bot in a meeting on another server, as a person sees it, or as JSON lines."""

import argparse
import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from aiohttp import web

from ser_track.cli.live_view import LiveView
from ser_track.config.schema import Config, load_config
from ser_track.events import MeetingChanged, Notice
from ser_track.labels import LabelSet
from ser_track.logging_setup import log_to_stderr
from ser_track.meetings.registry import KINDS, Kind, make_meeting
from ser_track.meetings.roster import Listener
from ser_track.meetings.session import Session
from ser_track.models import load_models
from ser_track.output.wire import EventLine
from ser_track.web.app import make_app
from ser_track.web.keys import SESSIONS

_GOODBYE: Final = "the bot was called back"
_EPILOG: Final = """\
Everybody in the meeting is told what the bot does, with a link where they refuse or agree. With --consent required,
the default, nobody is analysed before they agree. The link leads to this program: give --host, --port and --public-url
so that the others can reach it. Ctrl-C or SIGTERM: the bot says goodbye and leaves.

examples:
  ser-track join janus ws://127.0.0.1:8188 --room 1234
  SER_TRACK_PIN=… ser-track join janus wss://meet.example.org/janus --room 1234 --consent notice \\
      --host 0.0.0.0 --port 8080 --public-url https://bot.example.org
  ser-track join --json janus ws://127.0.0.1:8188 --room 1234 | jq 'select(.type == "emotion" and .final)'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads; the options of each kind of server are the fields of its target."""
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="events as JSON lines (docs/protocol.md), not a table")
    parser.add_argument("--consent", choices=("required", "notice"), help="of people there; default: required")
    parser.add_argument("--host", help="address for the link of the notice to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=0, help="its port (default: a free one)")
    parser.add_argument("--public-url", metavar="URL", help="where people reach that; without it, only from here")
    kinds = parser.add_subparsers(metavar="SERVER", dest="server", required=True)
    for name, kind in KINDS.items():
        _add_target(kinds.add_parser(name, help=kind.summary, description=f"Join {kind.summary}."), kind)


def run(args: argparse.Namespace) -> int:
    """Join, show, and leave when interrupted, or when the meeting is over (then 1).

    Raises:
        ConfigError, ModelError: the configuration or the model cannot be used.
        MeetingError: the meeting cannot be joined.
    """
    given: dict[str, dict[str, Any]] = {"server": {"port": args.port}, "meetings": {}}
    if args.host is not None:
        given["server"]["host"] = args.host
    for key in ("consent", "public_url"):
        if getattr(args, key) is not None:
            given["meetings"][key] = getattr(args, key)
    config = load_config(args.config, given)
    if args.json:
        log_to_stderr()
    app = make_app(config)
    target = {name: value for name, value in _target(args).items() if value is not None}
    with ExitStack() as stack:
        title = f"{args.server} {target['url']} room {target.get('room', '')}"
        show = _json if args.json else _view(stack, title, load_models(config.pipeline).classifier.labels)
        session = asyncio.run(_stay(app, config, args.server, target, show))
    if session is None or session.reason == _GOODBYE:
        return 0
    print(f"ser-track: error: {session.reason}", file=sys.stderr)
    return 1


async def _stay(
    app: web.Application, config: Config, kind: str, target: dict[str, Any], show: Listener
) -> Session | None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop_once, loop, stop)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.server.host, config.server.port)
        await site.start()
        base_url = config.meetings.public_url or f"http://{_host(config)}:{runner.addresses[0][1]}"
        sessions = app[SESSIONS]
        meeting = make_meeting(kind, target, sessions.services)
        joining = asyncio.create_task(sessions.join(meeting, base_url, listener=show))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([joining, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not joining.done():
            joining.cancel()
            await asyncio.wait([joining])
            return None
        session = await joining
        ending = asyncio.create_task(session.ended())
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        await sessions.leave(session, _GOODBYE)
        for task in (ending, stopping):
            task.cancel()
        return session
    finally:
        await runner.cleanup()


def _stop_once(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """The first Ctrl-C is polite; a second one ends the program at once."""
    stop.set()
    loop.remove_signal_handler(signal.SIGINT)


def _view(stack: ExitStack, title: str, labels: LabelSet) -> Listener:
    view = stack.enter_context(LiveView(title=title, labels=labels))

    def show(line: EventLine) -> None:
        match line.event:
            case Notice(text=text):
                view.say(text)
            case MeetingChanged(state="left"):
                pass  # said at the end, or asked for
            case MeetingChanged(state=state, reason=reason):
                view.say(state if reason is None else f"{state}: {reason}")
            case event:
                view.put(event)

    return show


def _json(line: EventLine) -> None:
    try:
        print(line.text, flush=True)
    except BrokenPipeError:  # the reader, say `head`, has enough: leave as politely as at any other end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.raise_signal(signal.SIGTERM)


def _add_target(parser: argparse.ArgumentParser, kind: Kind) -> None:
    parser.add_argument("url", metavar="URL", help="the server, as its own clients call it")
    for each in fields(kind.target):
        if each.name == "url":
            continue
        option = f"--{each.name.replace('_', '-')}"
        if each.type is bool:
            parser.add_argument(option, action="store_true", default=None)
        elif each.repr:
            parser.add_argument(option, required=each.default is MISSING)
        else:
            shown = f"secret: better given as {_variable(each)} in the environment, which no list of processes shows"
            parser.add_argument(option, default=os.environ.get(_variable(each)), help=shown)


def _target(args: argparse.Namespace) -> dict[str, Any]:
    return {each.name: getattr(args, each.name) for each in fields(KINDS[args.server].target)}


def _variable(secret: "Field[Any]") -> str:
    return f"SER_TRACK_{secret.name.upper()}"


def _host(config: Config) -> str:
    return "localhost" if config.server.host == "127.0.0.1" else config.server.host
