"""`ser-track join`: the bot in a meeting on another server; its events as a table, or as JSON lines."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import MISSING, Field
from typing import Any, Final

from aiohttp import web

from ser_track.bot import Bot
from ser_track.cli.addresses import openable
from ser_track.cli.console import tell
from ser_track.cli.live_view import LiveView
from ser_track.cli.log_lines import log_to_stderr
from ser_track.config.schema import Config, load_config
from ser_track.errors import BadRequestError
from ser_track.event_types import EncodedEvent
from ser_track.meetings.adapter import Adapter
from ser_track.meetings.registry import find_adapter, joinable, read_target, read_url
from ser_track.meetings.session import Session
from ser_track.protocols import Sink
from ser_track.safe_text import shown_on
from ser_track.web.app import make_notice_app
from ser_track.web.descriptors import raise_limit
from ser_track.web.listening import listeners, new_runner

_EPILOG: Final = """\
Give the meeting as a URL whose scheme is the kind of meeting (janus://host:port?room=1234), or as the kind and the
address that the server's own clients use (janus ws://host:port --room 1234). Options may come before or after it.

Who is analysed: everyone in the meeting gets a notice of what the bot does. With --consent required, nobody is
analysed before they agree. With --consent notice, people are analysed until they refuse.

How people answer: the notice has a link to a web page, which this program serves until the bot leaves. Without
further options only this machine can open it; --host, --port and --public-url let others open it. With --no-link no
web server is started, and people answer in the meeting itself, if their client can send such a message.

Ctrl-C or SIGTERM ends it: the bot delivers its last results, says goodbye and leaves.

examples:
  ser-track join 'janus://127.0.0.1:8188?room=1234'
  ser-track join janus ws://127.0.0.1:8188 --room 1234 --consent notice
  SER_TRACK_PIN=1234 ser-track join januss://meet.example.org/janus --room 1234 --host 0.0.0.0 --port 8080 \\
      --public-url https://bot.example.org
  ser-track join janus ws://127.0.0.1:8188 --room 1234 --json | jq 'select(.type == "emotion" and .final)'
  ser-track join whep https://media.example.org/talk/whep --name Ann --consent notice
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads; the options of each kind of meeting are the fields of its target."""
    parser.epilog = _EPILOG
    parser.usage = "ser-track join [options] [KIND] URL [options]"
    parser.add_argument("meeting", nargs="+", metavar="URL", help="the meeting, optionally after its KIND")
    parser.add_argument("--json", action="store_true", help="print events as JSON lines, not a table")
    parser.add_argument(
        "--consent", choices=("required", "notice"), help="rule for people who have not answered (default: required)"
    )
    parser.add_argument("--no-link", action="store_true", help="start no web server; people answer in the meeting")
    parser.add_argument("--host", help="address that the web server listens on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=0, help="port of the web server (default: a free one)")
    parser.add_argument("--public-url", metavar="URL", help="address by which people in the meeting reach it")
    taken: dict[str, type | None] = dict.fromkeys(parser._option_string_actions)
    for kind, adapter in joinable().items():
        group = parser.add_argument_group(f"{kind} ({', '.join(f'{s}://' for s in adapter.schemes)})", adapter.summary)
        for name in adapter.fields:
            if name != "url":
                _add_option(group, adapter, name, taken)


def run(args: argparse.Namespace) -> int:
    """Join, show the events, and leave when interrupted. Return 1 if the meeting is over.

    Raises:
        ConfigError, ModelError: the configuration or the model cannot be used.
        BadRequestError: the arguments do not name a meeting.
        MeetingError: the meeting cannot be joined.
    """
    given: dict[str, dict[str, Any]] = {"server": {"port": args.port}, "meetings": {}}
    if args.host is not None:
        given["server"]["host"] = args.host
    for key in ("consent", "public_url"):
        if getattr(args, key) is not None:
            given["meetings"][key] = getattr(args, key)
    config = load_config(args.config, given)
    try:
        adapter, target = _target(args)
    except BadRequestError as error:
        raise BadRequestError(f"{error}; `ser-track join --help` shows how to name a meeting") from error
    if args.json:
        log_to_stderr()
    raise_limit(config)
    bot = Bot(config)
    link = adapter.capabilities.needs_link and not args.no_link
    with ExitStack() as stack:
        view = LiveView(title=target.where, labels=bot.labels)
        sink: Sink = _JsonLines() if args.json else stack.enter_context(view)
        session = asyncio.run(_stay(bot, adapter, target, link, sink))
    if session is None or session.called_back:
        return 0
    tell(f"error: {session.reason}")
    return 1


async def _stay(bot: Bot, adapter: Adapter, target: Any, link: bool, sink: Sink) -> Session | None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop_once, loop, stop)
    async with AsyncExitStack() as stack:
        if link:
            base_url: str | None = await stack.enter_async_context(_serving(bot))
        else:
            await stack.enter_async_context(bot)
            base_url = None
        joining = asyncio.create_task(bot.meetings.join(adapter, target, base_url, sinks=[sink]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([joining, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not joining.done():
            joining.cancel()
            await asyncio.wait([joining])
            return None
        session = await joining
        if link:
            tell(_about_the_server(bot.config, str(base_url)))
        ending = asyncio.create_task(session.ended())
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        if session.state != "left":
            await bot.meetings.call_back(session)
        for task in (ending, stopping):
            task.cancel()
        return session


@asynccontextmanager
async def _serving(bot: Bot) -> AsyncIterator[str]:
    """Run a web server for the page behind the notice's link; yields the address at which people reach it."""
    config = bot.config
    app = make_notice_app(bot)
    runner = new_runner(app)
    await runner.setup()
    try:
        sockets = await asyncio.to_thread(listeners, app, config.server.host, config.server.port)
        for listener in sockets:
            await web.SockSite(runner, listener).start()
        here, others = openable(config.server.host)
        base_url = config.meetings.public_url or f"http://{others or here}:{sockets[0].getsockname()[1]}"
        yield base_url
    finally:
        await runner.cleanup()


def _about_the_server(config: Config, base_url: str) -> str:
    told = f"a web server runs at {base_url} until the bot leaves"
    told += ": people in the meeting answer there, by the notice's link"
    if config.meetings.public_url is None and config.server.host in ("127.0.0.1", "::1", "localhost"):
        told += ". Only this machine can open it; --host, --port and --public-url let others open it"
    return f"{told} (--no-link starts no web server)"


def _stop_once(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """The first Ctrl-C leaves the meeting; a second one ends the program at once."""
    stop.set()
    loop.remove_signal_handler(signal.SIGINT)


class _JsonLines:
    """Prints events as JSON lines, for programs."""

    def put(self, event: EncodedEvent) -> None:
        """See `Sink`."""
        try:
            print(event.text, file=shown_on(sys.stdout), flush=True)
        except (OSError, UnicodeError) as error:
            if not isinstance(error, BrokenPipeError):  # such as `head`, which has what it wanted
                tell(f"error: events cannot be printed ({error}); the bot leaves")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            signal.raise_signal(signal.SIGTERM)


def _target(args: argparse.Namespace) -> tuple[Adapter, Any]:
    """The adapter, and the meeting that the arguments name. Raises BadRequestError."""
    match args.meeting:
        case [url]:
            scheme = url.partition(":")[0]
            adapter = next((each for each in joinable().values() if scheme in each.schemes), None)
            return read_url(url, _given(args, adapter))
        case [kind, url]:
            adapter = find_adapter(kind)
            return adapter, read_target(adapter, {"url": url, **_given(args, adapter)})
    raise BadRequestError(f"give one meeting: [KIND] URL, and not '{' '.join(args.meeting)}'")


def _given(args: argparse.Namespace, adapter: Adapter | None) -> dict[str, Any]:
    """Values of this kind's fields from the environment and the arguments. Options of other kinds are refused later."""
    if adapter is None:
        return {}
    options = {name: value for name, value in vars(args).items() if name.startswith("--")}
    secrets = (each for each in adapter.fields.values() if not each.repr)
    given = {each.name: os.environ[_variable(each)] for each in secrets if _variable(each) in os.environ}
    for name in adapter.fields:
        own = _option(name, adapter)
        value = options.pop(own if own in options else _option(name), None)
        if value is not None:
            given[name] = value
    return given | {option[2:]: value for option, value in options.items() if value is not None}


def _option(name: str, adapter: Adapter | None = None) -> str:
    return f"--{'' if adapter is None else f'{adapter.kind}-'}{name.replace('_', '-')}"


def _add_option(group: Any, adapter: Adapter, name: str, taken: dict[str, type | None]) -> None:
    """Kinds share an option of the same name and type. If the name is taken by another type, it gets a prefix."""
    kind, option = adapter.types[name], _option(name)
    if option in taken and taken[option] != kind:
        option = _option(name, adapter)
    if option in taken:
        return
    taken[option] = kind
    each = adapter.fields[name]
    # The destination is the option itself, so that it cannot collide with another argument's.
    if kind is bool:
        group.add_argument(option, dest=option, action="store_true", default=None, help=_help(each))
    else:
        group.add_argument(option, dest=option, metavar=name.upper(), help=_help(each))


def _help(each: "Field[Any]") -> str:
    told = [each.metadata["description"]] if "description" in each.metadata else []
    if each.default is MISSING:
        told.append("required")
    if not each.repr:
        shown = f"better set as {_variable(each)} in the environment, which process lists do not show"
        told.append(f"secret: {shown}")
    return "; ".join(part.rstrip(".") for part in told).replace("%", "%%")


def _variable(secret: "Field[Any]") -> str:
    return f"SER_TRACK_{secret.name.upper()}"
