"""A participant in a process of its own: speaks, writes each event and its path as a line of JSON, leaves at SIGTERM.

``python -m tests.helpers.participant_process SOCKET ROOM NAME``; signalling goes through the Unix socket.
"""

import asyncio
import json
import signal
import sys

from aiohttp import ClientSession, UnixConnector

from ser_track.output.data_channel import read_message
from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import SPOKEN


def _path(peer: Peer) -> str:
    """What kind of candidate is at either end of the connection, the server's last."""
    pair = peer.connection.getSenders()[0].transport.transport._connection._nominated[1]
    ends = pair.local_candidate, pair.remote_candidate
    return json.dumps({"path": [f"{end.type} {end.host}" for end in ends]})


def _write(message: str) -> None:
    for event in read_message(message):
        print(json.dumps(event), flush=True)


async def main(door: str, room: str, name: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with ClientSession(connector=UnixConnector(door)) as http:
        peer = Peer(http, "http://localhost")
        peer.channel.on("message", _write)
        await peer.join(room, name, RecordingTrack(SPOKEN))
        await peer.wait_for("joined", participant=peer.id)
        print(_path(peer), flush=True)
        await stop.wait()
        await peer.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
