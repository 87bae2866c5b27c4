"""``ser-track serve``, which ``server.py`` runs too."""

import argparse
import gc
import ipaddress
import re
import socket
import ssl
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from ser_track.bot import Bot
from ser_track.cli.console import MODEL_HELP, log_to_stderr
from ser_track.config.schema import Config, ServerConfig, load_config
from ser_track.config.urls import is_loopback
from ser_track.errors import ConfigError
from ser_track.web.app import make_app
from ser_track.workers.app import make_front
from ser_track.workers.worker import SHUTDOWN_S, run_worker

_HERE: Final = Path("config.json")
"""Read if the command line does not name a configuration."""
_EVERY_ADDRESS: Final = {"": "localhost", "0.0.0.0": "localhost", "::": "[::1]"}
"""Hosts that stand for all addresses of this machine and cannot be opened, each with one that can."""


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
    context = tls_context(config.server)
    app = make_front(config, run_logging_worker) if config.server.workers > 1 else make_app(Bot(config))
    # Modules and models stay until the end: full collections need not walk them again and again.
    gc.freeze()
    try:
        web.run_app(
            app,
            host=config.server.host,
            port=config.server.port,
            ssl_context=context,
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
            print=lambda text: report_ready(config, text, _which(args.config, path)),
        )
    except OSError as error:
        where = f"{config.server.host}:{config.server.port}"
        raise ConfigError("server", [f"cannot listen on {where} ({error}); choose another --host or --port"]) from error
    return 0


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


def report_ready(config: Config, from_aiohttp: str, configuration: str) -> None:
    """Print `ready_text`, and then `exposure_warning` on stderr, where it is the last that is said of the start."""
    print(ready_text(config, from_aiohttp, configuration), flush=True)
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


def ready_text(config: Config, from_aiohttp: str, configuration: str) -> str:
    """The text to print when the server is ready: addresses that can be opened unchanged, and the ``configuration``.

    from_aiohttp: the text that `web.run_app` would print. Only this text has the port if ``server.port`` is 0.
    """
    server = config.server
    scheme = "http" if server.tls_certificate is None else "https"
    ports = re.findall(r"https?://\S+?:(\d+)", from_aiohttp)
    port = server.port or (ports[0] if ports else 0)
    token = "" if server.token is None else f"/?token={quote(server.token, safe='')}"
    here, others = _openable(server.host)
    lines = [f"ser_track is ready: {scheme}://{here}:{port}{token} (stop with Ctrl-C)"]
    if others is not None:
        lines.append(f"from other machines: {scheme}://{others}:{port}{token}")
    return "\n".join([*lines, f"configuration: {configuration}"])


def _openable(host: str) -> tuple[str, str | None]:
    """A host to open on this machine, and one for other machines if the server listens on all addresses."""
    if host == "127.0.0.1":
        return "localhost", None
    if host in _EVERY_ADDRESS:
        return _EVERY_ADDRESS[host], _own_address(host)
    return f"[{host}]" if ":" in host else host, None


def _own_address(host: str) -> str | None:
    """This machine's address on its network; ``None`` without a network."""
    of_ipv6 = host == "::"
    try:
        with socket.socket(socket.AF_INET6 if of_ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1" if of_ipv6 else "203.0.113.1", 9))  # a documentation address; sends nothing
            address: str = probe.getsockname()[0]
    except OSError:
        return None
    if ipaddress.ip_address(address).is_loopback:
        return None
    return f"[{address}]" if of_ipv6 else address


def _which(given: Path | None, path: Path | None) -> str:
    if path is None:
        return f"defaults (no --config, and no {_HERE} in this folder)"
    return str(path) if given is not None else f"{path} in this folder (use --config to name another)"
