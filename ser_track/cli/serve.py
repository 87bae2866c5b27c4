"""``ser-track serve``, and what ``server.py`` runs."""

import argparse
import gc
import ssl
from pathlib import Path

from aiohttp import web

from ser_track.bot import Bot
from ser_track.config.schema import Config, ServerConfig, load_config
from ser_track.errors import ConfigError
from ser_track.logging_setup import log_to_stderr
from ser_track.web.app import make_app
from ser_track.workers.app import make_front
from ser_track.workers.worker import SHUTDOWN_S


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the server."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (default: config.json here)")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8080; 0 takes a free one)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the rooms (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    Raises:
        ConfigError: the configuration cannot be used.
        ModelError: a model file is missing or does not fit.
        WorkerError: with several workers, one of them does not start.
    """
    log_to_stderr()
    path = args.config or (Path("config.json") if Path("config.json").is_file() else None)
    given = {key: getattr(args, key) for key in ("host", "port", "workers") if getattr(args, key) is not None}
    config = load_config(path, {"server": given})
    context = tls_context(config.server)
    app = make_front(config) if config.server.workers > 1 else make_app(Bot(config))
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
            print=lambda text: print(_banner(config, text), flush=True),
        )
    except OSError as error:
        where = f"{config.server.host}:{config.server.port}"
        raise ConfigError("server", [f"cannot listen on {where} ({error}); choose another --host or --port"]) from error
    return 0


def tls_context(server: ServerConfig) -> ssl.SSLContext | None:
    """HTTPS if a certificate is configured: browsers give no microphone to plain HTTP, localhost aside.

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


def _banner(config: Config, text: str) -> str:
    scheme = "http" if config.server.tls_certificate is None else "https"
    host = "localhost" if config.server.host == "127.0.0.1" else config.server.host
    if config.server.port:
        return f"ser_track is ready: {scheme}://{host}:{config.server.port} (stop with Ctrl-C)"
    return f"ser_track is ready:\n{text}"
