"""The naive design, kept as a baseline: `bench.live` starts it.

Each track is read with ``recv()``, resampled by PyAV and given to Silero's own `VADIterator`, all in the event loop.
It has no emotion model and sends no results. It needs torch, which this project does not use:

    python -m venv /tmp/naive && /tmp/naive/bin/pip install aiortc aiohttp numpy torch silero-vad
    uv run python -m bench.live --naive-python /tmp/naive/bin/python
"""

import asyncio
import socket

import av
import numpy as np
import torch
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from silero_vad import VADIterator, load_silero_vad

_WINDOW = 512
torch.set_num_threads(1)
_connections: set[RTCPeerConnection] = set()
_tasks: set["asyncio.Task[None]"] = set()


async def offer(request: web.Request) -> web.Response:
    """Answer the offer of one participant."""
    body = await request.json()
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    _connections.add(connection)

    @connection.on("track")
    def _track(track: MediaStreamTrack) -> None:
        task = asyncio.create_task(hear(track))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    await connection.setRemoteDescription(RTCSessionDescription(body["sdp"], "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    return web.json_response({"sdp": connection.localDescription.sdp, "participant": str(len(_connections))})


async def hear(track: MediaStreamTrack) -> None:
    """Resample frames to 16 kHz, cut them into windows, and run the detector."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    detector = VADIterator(load_silero_vad(), sampling_rate=16_000)
    held = np.empty(0, np.float32)
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, av.AudioFrame)
        for resampled in resampler.resample(frame):
            held = np.concatenate([held, resampled.to_ndarray()[0].astype(np.float32) / 32768])
        while len(held) >= _WINDOW:
            detector(torch.from_numpy(held[:_WINDOW].copy()))
            held = held[_WINDOW:]


async def health(request: web.Request) -> web.Response:
    """Respond when the server runs."""
    return web.json_response({})


def main() -> None:
    app = web.Application()
    app.add_routes([web.post("/offer", offer), web.get("/healthz", health)])
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    web.run_app(app, sock=listening, print=None)


if __name__ == "__main__":
    main()
