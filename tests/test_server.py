"""`server.py` as people start it: a process with a URL, options, clear refusals, HTTPS and a quick, clean end."""

import asyncio
import datetime
import ipaddress
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import ROOT, SPOKEN

START_S = 60
STOP_S = 5


@dataclass
class Served:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    url: str
    host: str
    port: int
    _errors: Path

    @property
    def errors(self) -> str:
        """What it wrote to stderr so far."""
        return self._errors.read_text(encoding="utf-8")


Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts `server.py` with the given arguments and waits for its URL; all are gone in the end."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Served:
            folder = tmp_path_factory.mktemp("server")
            # Sockets that are left for the garbage collector are to be heard of.
            command = [sys.executable, "-W", "default::ResourceWarning", "server.py", *arguments]
            with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
                process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err)
            stack.callback(_end, process)
            scheme, host, port = _printed_url(process, folder)
            return Served(process, f"{scheme}://{host}:{port}", host, int(port), folder / "err")

        yield start


def _printed_url(process: "subprocess.Popen[bytes]", folder: Path) -> tuple[str, ...]:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"(https?)://([\w.]+):(\d+)\D", (folder / "out").read_text(encoding="utf-8")):
            return found.groups()
        time.sleep(0.05)
    raise AssertionError(f"no URL was printed (exit code {process.poll()}): {(folder / 'err').read_text()}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def plain(serve: Serve) -> Served:
    """One server with nothing but a free port, for all tests that only look at it."""
    return serve("--port", "0")


def refused(*arguments: str) -> str:
    """The one line with which the server refuses to start."""
    command = [sys.executable, "server.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_S, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("ser-track: error: ")
    return line


def written(path: Path, **sections: dict[str, Any]) -> str:
    path.write_text(json.dumps(sections), encoding="utf-8")
    return str(path)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


async def fetch(url: str) -> tuple[int, str]:
    async with ClientSession() as http, http.get(url) as response:
        return response.status, await response.text()


def fetched_status(url: str, trusting: ssl.SSLContext) -> int:
    with urllib.request.urlopen(url, timeout=STOP_S, context=trusting) as response:
        status: int = response.status
    return status


async def closed(connection: socket.socket) -> None:
    """Returns once the event loop has let go of ``connection``: TLS says goodbye after aiohttp's session has ended."""
    async with asyncio.timeout(STOP_S):
        while connection.fileno() != -1:  # noqa: ASYNC110  # aiohttp tells nobody when it is closed
            await asyncio.sleep(0.01)


async def test_it_prints_the_address_at_which_its_page_and_its_health_are(plain: Served) -> None:
    assert (plain.host, plain.port > 0) == ("localhost", True)
    status, health = await fetch(f"{plain.url}/healthz")
    assert (status, json.loads(health)) == (200, {"status": "ok", "rooms": 0, "participants": 0})
    status, page = await fetch(f"{plain.url}/")
    assert status == 200
    assert "<html" in page


def test_nobody_on_the_network_can_reach_it_unless_asked_for(plain: Served) -> None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("203.0.113.1", 9))  # sends nothing: only asks which address of ours would be used
            ours = probe.getsockname()[0]
    except OSError:
        pytest.skip("this machine is on no network")
    if ipaddress.ip_address(ours).is_loopback:
        pytest.skip("this machine is on no network")
    with socket.create_connection(("127.0.0.1", plain.port), timeout=2):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((ours, plain.port), timeout=2)


async def test_host_port_and_config_do_what_they_say(serve: Serve, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has 127.0.0.2 without setting it up")
    port = free_port()
    # Host and port of the command line win over the file; the rest of the file holds.
    config = written(tmp_path / "c.json", server={"host": "127.0.0.1", "port": 1, "token": "sesame"})
    served = serve("--host", "127.0.0.2", "--port", str(port), "--config", config)
    assert served.url == f"http://127.0.0.2:{port}"
    assert (await fetch(f"{served.url}/metrics"))[0] == 401
    assert (await fetch(f"{served.url}/metrics?token=open"))[0] == 403
    assert (await fetch(f"{served.url}/metrics?token=sesame"))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_help_names_every_option() -> None:
    command = [sys.executable, "server.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--host HOST", "--port PORT", "--config FILE"):
        assert f"\n  {option} " in done.stdout


def test_every_mistake_of_a_configuration_is_named_at_once(tmp_path: Path) -> None:
    config = written(
        tmp_path / "c.json",
        pipeline={"end_silence": 1, "vad_min_confidence": 7},
        server={"port": "eighty"},
        rooms={"max_rooms": 0},
        rrooms={},
    )
    line = refused("--config", config)
    for named in ("pipeline.end_silence", "pipeline.vad_min_confidence", "server.port", "rooms.max_rooms", "'rrooms'"):
        assert named in line


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "gone.json: the file does not exist" in refused("--config", str(tmp_path / "gone.json"))


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("--port", str(port))
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert "--port" in line


def test_a_host_that_is_not_ours_is_named() -> None:
    assert "cannot listen on 203.0.113.1:0" in refused("--host", "203.0.113.1", "--port", "0")


@pytest.mark.parametrize(("content", "reason"), [(None, "does not exist"), (b"words", "is not a usable ONNX model")])
def test_a_model_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    model = tmp_path / "model.onnx"
    if content is not None:
        model.write_bytes(content)
    line = refused("--port", "0", "--config", written(tmp_path / "c.json", pipeline={"model": str(model)}))
    assert f"{model} {reason}" in line


class Certificate:
    """A certificate for this machine that signs itself, and two keys: its own and another."""

    def __init__(self, folder: Path) -> None:
        self.path, self.key, self.other_key = (folder / name for name in ("cert.pem", "key.pem", "other.pem"))
        key = self._write_key(self.key)
        self._write_key(self.other_key)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        today = datetime.datetime.now(datetime.UTC)
        alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _write_key(path: Path) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return key


async def test_https_with_a_certificate_that_the_client_trusts(serve: Serve, tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    tls = {"tls_certificate": str(certificate.path), "tls_key": str(certificate.key)}
    served = serve("--port", "0", "--config", written(tmp_path / "c.json", server=tls))
    assert served.url.startswith("https://")
    trusting = ssl.create_default_context(cafile=str(certificate.path))
    assert await asyncio.to_thread(fetched_status, f"{served.url}/healthz", trusting) == 200
    async with (
        ClientSession() as http,
        http.ws_connect(f"{served.url.replace('https', 'wss')}/ws", ssl=trusting) as page,
    ):
        await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
        assert (await page.receive_json())["type"] == "welcome"
        connection = page.get_extra_info("socket")
    await closed(connection)


@pytest.mark.parametrize("wrong", ["another key", "no key", "no certificate"])
def test_a_certificate_without_its_key_is_named(tmp_path: Path, wrong: str) -> None:
    certificate = Certificate(tmp_path)
    key = {"another key": certificate.other_key, "no key": tmp_path / "gone"}.get(wrong, certificate.key)
    path = tmp_path / "gone" if wrong == "no certificate" else certificate.path
    config = written(tmp_path / "c.json", server={"tls_certificate": str(path), "tls_key": str(key)})
    line = refused("--port", "0", "--config", config)
    named = {"no key": "server.tls_key must", "no certificate": "server.tls_certificate must"}
    assert named.get(wrong, "server.tls_certificate and server.tls_key cannot be used") in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_soon_with_people_inside_who_are_told(serve: Serve, number: signal.Signals) -> None:
    served = serve("--port", "0")
    async with ClientSession() as http, http.ws_connect(f"{served.url}/ws") as page:
        await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
        assert (await page.receive_json())["type"] == "welcome"
        speaker = Peer(http, served.url)
        await speaker.join("r", "Speaker", RecordingTrack(SPOKEN))
        await speaker.wait_for("speech_started", participant=speaker.id)
        begun = time.monotonic()
        served.process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            while (message := await page.receive()).type is WSMsgType.TEXT:
                pass
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
        code = await asyncio.to_thread(served.process.wait, STOP_S)
        assert time.monotonic() - begun < STOP_S
        await speaker.close()
    assert code == 0, served.errors
    assert "Traceback" not in served.errors
    assert "ResourceWarning" not in served.errors
