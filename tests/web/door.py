"""A door through the firewall for signalling: a Unix socket, which knows no networks, before a TCP port of this one.

``python -m tests.web.door SOCKET PORT`` runs beside the server until it is stopped.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter


async def _pass_on(source: StreamReader, sink: StreamWriter) -> None:
    try:
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    except ConnectionError:
        pass  # the other side is gone; ours ends too
    sink.close()


async def main(path: str, port: int) -> None:
    async def enter(reader: StreamReader, writer: StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(reader, server_writer), _pass_on(server_reader, writer))

    async with await asyncio.start_unix_server(enter, path) as door:
        print("the door is open", flush=True)
        await door.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
