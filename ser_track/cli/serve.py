"""``ser-track serve``, which ``server.py`` runs too."""

import argparse
import asyncio
import gc
import signal
import ssl
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from ser_track.bot import Bot
from ser_track.cli.addresses import openable
from ser_track.cli.console import MODEL_HELP
from ser_track.cli.log_lines import log_to_stderr
from ser_track.config.schema import Config, ServerConfig, load_config
from ser_track.config.urls import is_loopback
from ser_track.errors import ConfigError
from ser_track.web.app import make_app
from ser_track.web.descriptors import raise_limit
from ser_track.web.listening import listeners, new_runner
from ser_track.workers.app import make_front
from ser_track.workers.worker import run_worker

_HERE: Final = Path("config.json")
"""Read if the command line does not name a configuration."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the server."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration, JSON (default: config.json in this folder, if it exists)",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8080; 0 takes a free one)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the rooms (default: 1)")
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    Raises:
        ConfigError: the configuration cannot be used.
        ModelError: a model file is missing or does not fit.
        WorkerError: one of several workers does not start.
    """
    log_to_stderr()
    path = args.config or (_HERE if _HERE.is_file() else None)
    given = {key: getattr(args, key) for key in ("host", "port", "workers") if getattr(args, key) is not None}
    chosen = {} if args.model is None else {"model": args.model}
    config = load_config(path, {"server": given, "pipeline": chosen})
    raise_limit(config)
    context = tls_context(config.server)
    app = make_front(config, run_logging_worker) if config.server.workers > 1 else make_app(Bot(config))
    # Modules and models stay until the end: full collections need not walk them again and again.
    gc.freeze()
    with suppress(KeyboardInterrupt, asyncio.CancelledError):  # the usual end: Ctrl-C or SIGTERM
        asyncio.run(_serve(app, config, context, _which(args.config, path)))
    return 0


async def _serve(app: web.Application, config: Config, context: ssl.SSLContext | None, which: str) -> None:
    """Serve until this task is cancelled, as by SIGINT or SIGTERM. Raises ConfigError if it cannot listen."""
    task = asyncio.current_task()
    assert task is not None
    with suppress(NotImplementedError):  # Windows has no such signal
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _cancel_once, task)
    runner = new_runner(app)
    try:
        await runner.setup()
        sockets = await asyncio.to_thread(listeners, app, config.server.host, config.server.port)
        for listener in sockets:
            await web.SockSite(runner, listener, ssl_context=context).start()
        report_ready(config, sockets[0].getsockname()[1], which)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _cancel_once(task: "asyncio.Task[Any]") -> None:
    """A second SIGTERM must not interrupt the goodbyes."""
    if not task.cancelling():
        task.cancel()


def tls_context(server: ServerConfig) -> ssl.SSLContext | None:
    """HTTPS if a certificate is configured: browsers do not allow the microphone over plain HTTP, except on localhost.

    Raises:
        ConfigError: the certificate or key cannot be read, or they do not belong together.
    """
    if server.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(server.tls_certificate, server.tls_key)
    except OSError as error:  # ssl.SSLError is one
        problem = f"server.tls_certificate and server.tls_key cannot be used ({error}); give a matching PEM pair"
        raise ConfigError(server.tls_certificate, [problem]) from error
    return context


def run_logging_worker(number: int, config: Config, path: str, news: "Connection[Any, Any]") -> None:
    """Run a worker in this process; it logs to the stderr that it shares with the front."""
    log_to_stderr(f"worker {number}")
    run_worker(number, config, path, news)


def report_ready(config: Config, port: int, configuration: str) -> None:
    """Print `ready_text`, and then `exposure_warning` on stderr, where it is the last that is said of the start."""
    print(ready_text(config, port, configuration), flush=True)
    if (warning := exposure_warning(config)) is not None:
        print(warning, file=sys.stderr, flush=True)


def exposure_warning(config: Config) -> str | None:
    """A warning that cannot be missed if others can reach the server, and it has no token or no TLS."""
    server, public = config.server, urlsplit(config.meetings.public_url or "").hostname
    outside = [urlsplit(origin).hostname or origin for origin in server.allowed_origins]
    proxied = any(not is_loopback(name) for name in (*outside, *([public] if public else [])))
    listens = not is_loopback(server.host)
    risks = []
    if server.token is None and (listens or proxied):
        risks.append(
            "server.token is not set: anyone who can reach this server can join every room and fill all of them."
        )
    if server.tls_certificate is None and listens:
        risks.append("server.tls_certificate is not set: token and results travel unencrypted, and browsers give no")
        risks.append("microphone to pages from other machines. (Ignore this behind a proxy that encrypts.)")
    if not risks:
        return None
    where = f"it listens on {server.host or 'all addresses'}" if listens else "a proxy publishes it"
    lines = [f"WARNING: this server is open to other machines ({where}).", "", *risks, "See docs/operations.md."]
    bar = "!" * (max(map(len, lines)) + 4)
    return "\n".join(["", bar, *(f"! {line}" for line in lines), bar, ""])


def ready_text(config: Config, port: int, configuration: str) -> str:
    """The text to print when the server is ready: addresses that can be opened unchanged, and the ``configuration``.

    port: the one it listens on, which the system chose if ``server.port`` is 0.
    """
    server = config.server
    scheme = "http" if server.tls_certificate is None else "https"
    token = "" if server.token is None else f"/?token={quote(server.token, safe='')}"
    here, others = openable(server.host)
    lines = [f"ser_track is ready: {scheme}://{here}:{port}{token} (stop with Ctrl-C)"]
    if others is not None:
        lines.append(f"from other machines: {scheme}://{others}:{port}{token}")
    return "\n".join([*lines, f"configuration: {configuration}"])


def _which(given: Path | None, path: Path | None) -> str:
    if path is None:
        return f"defaults (no --config, and no {_HERE} in this folder)"
    return str(path) if given is not None else f"{path} in this folder (use --config to name another)"
