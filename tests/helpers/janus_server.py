"""Debian's Janus, started for a test on free ports."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.helpers.programs import Program, require_server, running

ROOM = 1234
WITH_PIN = 1235
SMALL = 1236
WITH_DTX = 1237
PIN = "sesame"
ADMIN = "adminpwd"
ADMIN_OF_ALL = "overlord"
"""Of the admin API."""
_LIBRARY = next(iter(Path("/usr/lib").glob("*/janus")), Path("/usr/lib/janus"))
_UNUSED_PLUGINS = (
    *("voicemail", "sip", "nosip", "lua", "duktape", "recordplay"),
    *("streaming", "audiobridge", "echotest", "videocall", "textroom"),
)
_UNUSED_TRANSPORTS = ("rabbitmq", "mqtt", "nanomsg", "pfunix", "http")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def own_address() -> str:
    """Janus never uses 127.0.0.1 for media."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        address: str = probe.getsockname()[0]
        return address


class JanusServer:
    """A Janus process. Killed and started again it has the same port, and none of its sessions."""

    def __init__(self, folder: Path, api_secret: str | None = None) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        admin_port = free_port()
        self.admin_url = f"ws://127.0.0.1:{admin_port}"
        self._executable = require_server("janus")
        self._folder = folder
        self._running = AsyncExitStack()
        self._process: Program
        _configure(folder, self.port, admin_port, api_secret)

    async def start(self) -> None:
        self._process = await self._running.enter_async_context(running(self._executable, "-F", str(self._folder)))
        # The plugins are there before the transport.
        await self._process.wait_for(
            r"websockets server.*started|WebSockets.*thread started|HTTP/Janus sessions watchdog"
        )
        await self._process.wait_for(r"WebSockets thread started")

    async def kill(self) -> None:
        self._process.kill()
        await self._running.aclose()

    async def stop(self) -> None:
        await self._running.aclose()


@asynccontextmanager
async def janus(folder: Path, api_secret: str | None = None) -> AsyncIterator[JanusServer]:
    """A running Janus."""
    server = JanusServer(folder, api_secret)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _configure(folder: Path, port: int, admin_port: int, api_secret: str | None) -> None:
    kinds = ("plugins", "transports", "events", "loggers")
    folders = "\n".join(f'{kind}_folder = "{_LIBRARY}/{kind}"' for kind in kinds)
    plugins, transports = (
        ",".join(f"libjanus_{name}.so" for name in unused) for unused in (_UNUSED_PLUGINS, _UNUSED_TRANSPORTS)
    )
    secret = f'api_secret = "{api_secret}"' if api_secret else ""
    (folder / "janus.jcfg").write_text(
        f"""general: {{ configs_folder = "{folder}"
{folders}
{secret}
admin_secret = "{ADMIN_OF_ALL}"
debug_level = 4 }}
nat: {{ ice_enforce_list = "{own_address()}"
ignore_mdns = true
full_trickle = false }}
media: {{ ipv6 = false }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
    )
    room = f'audiocodec = "opus"\nnotify_joining = true\nsecret = "{ADMIN}"\n'
    (folder / "janus.plugin.videoroom.jcfg").write_text(
        f"""general: {{}}
room-{ROOM}: {{ {room} publishers = 20 }}
room-{WITH_PIN}: {{ {room} publishers = 8
pin = "{PIN}" }}
room-{SMALL}: {{ {room} publishers = 1 }}
room-{WITH_DTX}: {{ {room} publishers = 8
opus_dtx = true }}
"""
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ json = "compact"\nws = true\nws_port = {port}\nws_ip = "127.0.0.1"\nwss = false }}\n'
        f'admin: {{ admin_ws = true\nadmin_ws_port = {admin_port}\nadmin_ws_ip = "127.0.0.1" }}\n'
    )
