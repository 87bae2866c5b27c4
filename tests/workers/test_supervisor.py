"""`server.py --workers` as people start it: one port, one end, and nobody left over however it comes."""

import asyncio
import os
import signal
import ssl
import sys
import time
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSMsgType

from tests.helpers.mediajson_events_bridge import Bridge
from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import SPOKEN
from tests.test_server import STOP_S, Certificate, Serve, Served, closed, fetched_status, refused, written
from tests.workers.conftest import SOON_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="child processes are listed in /proc, which is Linux's")


def children(served: Served) -> dict[int, str]:
    """Command lines of the processes that a server has started, by process id."""
    threads = Path(f"/proc/{served.process.pid}/task").iterdir()  # each has those that it started
    listed = [child for thread in threads for child in (thread / "children").read_text().split()]
    return {int(child): Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in listed}


def workers(served: Served) -> list[int]:
    return [pid for pid, command in children(served).items() if "spawn_main" in command]


def sockets_folder(pid: int) -> Path:
    """Where the worker with this process id listens."""
    inodes = {str(link.readlink())[len("socket:[") : -1] for link in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return next(Path(line[7]).parent for line in lines if len(line) > 7 and line[6] in inodes)


async def gone(pid: int) -> None:
    """Returns when the process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(SOON_S):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_all_of_it_after_the_last_results(serve: Serve, number: signal.Signals) -> None:
    served = await asyncio.to_thread(serve, "--port", "0", "--workers", "2")
    started = children(served)
    assert len(workers(served)) == 2
    folder = sockets_folder(workers(served)[0])
    async with (
        ClientSession() as http,
        http.ws_connect(f"{served.url}/ws") as page,
        http.ws_connect(f"{served.url}/ws"),
    ):
        await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
        assert (await page.receive_json())["type"] == "welcome"
        speaker = Peer(http, served.url)
        await speaker.join("r", "Speaker", RecordingTrack(SPOKEN))
        await speaker.wait_for("speech_started", participant=speaker.id)
        begun = time.monotonic()
        served.process.send_signal(number)
        if number is signal.SIGINT:  # as a terminal does: to every process of its group
            for pid in workers(served):
                os.kill(pid, number)
        async with asyncio.timeout(STOP_S):
            while (message := await page.receive()).type is WSMsgType.TEXT:
                pass
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
        await speaker.wait_for("speech_ended", participant=speaker.id, reason="flush")
        code = await asyncio.to_thread(served.process.wait, STOP_S)
        assert time.monotonic() - begun < STOP_S
        await speaker.close()
    assert code == 0, served.errors
    assert "Traceback" not in served.errors
    assert "ResourceWarning" not in served.errors
    for pid in started:
        await gone(pid)
    assert not folder.exists()


async def test_when_the_front_is_killed_its_workers_end_and_tidy_up(serve: Serve) -> None:
    served = await asyncio.to_thread(serve, "--port", "0", "--workers", "2")
    started = children(served)
    folder = sockets_folder(workers(served)[0])
    served.process.kill()
    for pid in started:
        await gone(pid)
    assert not folder.exists()
    for number in (1, 2):
        assert f" ERROR worker {number} ser_track.workers.worker: the front process is gone; ending" in served.errors


async def test_a_killed_worker_is_named_in_the_log_and_started_again_by_itself(serve: Serve) -> None:
    served = await asyncio.to_thread(serve, "--port", "0", "--workers", "2")
    before = workers(served)
    os.kill(before[0], signal.SIGKILL)
    await gone(before[0])
    async with asyncio.timeout(SOON_S), ClientSession() as http:
        while True:
            async with http.get(f"{served.url}/healthz") as response:
                health = await response.json()
            if (len(workers(served)), health["workers"]) == (2, {"1": "ok", "2": "ok"}):
                break
            await asyncio.sleep(0.1)  # who asks for the health of a server has no event to wait for
    assert before[1] in workers(served)
    assert " ERROR ser_track.workers.supervisor: worker " in served.errors
    assert "ended with exit code -9; it is started again" in served.errors


async def test_https_is_the_fronts(serve: Serve, tmp_path: Path) -> None:
    certificate = await asyncio.to_thread(Certificate, tmp_path)
    server = {"tls_certificate": str(certificate.path), "tls_key": str(certificate.key), "workers": 2}
    served = await asyncio.to_thread(serve, "--port", "0", "--config", written(tmp_path / "c.json", server=server))
    assert served.url.startswith("https://")
    trusting = ssl.create_default_context(cafile=str(certificate.path))
    assert await asyncio.to_thread(fetched_status, f"{served.url}/healthz", trusting) == 200
    headers = {"Origin": served.url}
    async with ClientSession() as http, http.ws_connect(f"{served.url}/ws", ssl=trusting, headers=headers) as page:
        await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
        assert (await page.receive_json())["type"] == "welcome"
        connection = page.get_extra_info("socket")
        bridge = await Bridge.open(http, served.url, "one", ssl=trusting)
        await bridge.start("ann")
        assert (await bridge.wait_for("notice"))["url"].startswith(f"{served.url}/meetings/m-")
        await bridge.close()
    await closed(connection)


def test_a_model_that_cannot_be_used_is_named_once(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"words")
    config = written(tmp_path / "c.json", pipeline={"model": str(model)})
    assert f"{model} is not a usable ONNX model" in refused("--port", "0", "--workers", "2", "--config", config)


def test_a_number_of_workers_that_makes_no_sense_is_refused() -> None:
    assert "server.workers must be from 1 to 64, not 0" in refused("--workers", "0")
