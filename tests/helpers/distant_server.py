"""A server and a participant in networks of their own; signalling goes through doors, which are Unix sockets."""

import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession, UnixConnector
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.networks import Networks
from tests.helpers.programs import Program, running

HTTP_PORT = 8080


@dataclass
class Served:
    """A running server, and the way to it for signalling."""

    program: Program
    door: Path
    http: ClientSession

    async def metric(self, name: str) -> dict[str, float]:
        """The values of ``name``, by its first label's value ("" without labels)."""
        async with self.http.get("http://localhost/metrics") as response:
            families = [*text_string_to_metric_families(await response.text())]
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return {next(iter(sample.labels.values()), ""): sample.value for sample in samples}

    async def tracks(self) -> dict[str, float]:
        """How many audio tracks were received on which way."""
        return await self.metric("ser_track_tracks_total")


@asynccontextmanager
async def opened(networks: Networks, network: str, outside: str, inside: str) -> AsyncIterator[None]:
    """A door for signalling, in one of the networks."""
    command = (*networks.within(network), sys.executable, "-m", "tests.helpers.socket_forwarder", outside, inside)
    async with running(*command) as door:
        await door.wait_for("the door is open")
        yield


@asynccontextmanager
async def served(
    networks: Networks, network: str, folder: Path, ice_servers: Sequence[dict[str, str]] = ()
) -> AsyncIterator[Served]:
    """`server.py` in ``network``, with these ICE servers."""
    config, door = folder / "config.json", folder / "door"
    config.write_text(json.dumps({"runtime": {"ice_servers": list(ice_servers)}}), encoding="utf-8")
    python = (*networks.within(network), sys.executable)
    command = ("-W", "default::ResourceWarning", "server.py", "--config", str(config), "--port", str(HTTP_PORT))
    async with AsyncExitStack() as stack:
        program = await stack.enter_async_context(running(*python, *command))
        await program.wait_for("ser_track is ready")
        await stack.enter_async_context(opened(networks, network, str(door), str(HTTP_PORT)))
        http = await stack.enter_async_context(ClientSession(connector=UnixConnector(str(door))))
        yield Served(program, door, http)


def speaks(networks: Networks, network: str, server: Served) -> AbstractAsyncContextManager[Program]:
    """A participant in ``network``, who knows no ICE server at all."""
    python = (*networks.within(network), sys.executable)
    return running(*python, "-m", "tests.helpers.participant_process", str(server.door), "r", "Ann")


def complaints(output: str) -> list[str]:
    """The lines of a log that ought not to be there."""
    return re.findall(r".*(?:Traceback|Warning|WARNING|ERROR).*", output)
