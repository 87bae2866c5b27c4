"""A door through the firewall, for signalling: networks keep Unix sockets apart as little as files.

``python -m tests.helpers.socket_forwarder FROM TO`` passes on what comes; each end is a TCP port of the network that it
runs in, or the path of a Unix socket. One runs beside the server, and one beside a browser, which knows no Unix
sockets.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

HOST = "127.0.0.1"


async def _pass_on(source: StreamReader, sink: StreamWriter) -> None:
    try:
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    except ConnectionError:
        pass  # the other side is gone; ours ends too
    sink.close()


async def _connect(end: str) -> tuple[StreamReader, StreamWriter]:
    if end.isdigit():
        return await asyncio.open_connection(HOST, int(end))
    return await asyncio.open_unix_connection(end)


async def main(outside: str, inside: str) -> None:
    async def enter(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            far_reader, far_writer = await _connect(inside)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))

    is_port = outside.isdigit()
    listen = asyncio.start_server(enter, HOST, int(outside)) if is_port else asyncio.start_unix_server(enter, outside)
    async with await listen as door:
        print("the door is open", flush=True)
        await door.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
