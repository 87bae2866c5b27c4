"""Makes tests/data/packets: one voice, recorded by real recorders: `uv run python scripts/make_packet_recordings.py`.

Needs Debian's `janus`, `tcpdump`, `wireshark-common` (dumpcap), `ffmpeg`, `golang-go` and
`golang-github-pion-webrtc.v3-dev`, and the right to capture on the loopback interface. All recordings have the same
Opus packets, those of spoken.ogg, so any difference between their results comes from the reader. They are stored in
the repository; make them again only to change them.
"""

import asyncio
import itertools
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import av
from aiohttp import ClientSession, ClientWebSocketResponse
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av.stream import Stream

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "tests" / "data"
PACKETS: Final = DATA / "packets"
_RTP_PORT: Final = 5004
_DUMP_PORT: Final = 5006
_JANUS: Final = "ws://127.0.0.1:8188"
_ROOM: Final = 1234
_FRAGMENT_PACKETS: Final = 300
_PADDING: Final = "adelay=448S:all=1,apad=pad_dur=1"
"""A reader of the file leaves out the encoder's delay of 6.5 ms, a reader of packets does not. This can move borders of
segments by two windows, so the silence before the recording is chosen so that none moves by more than one."""
_GOPATH: Final = "/usr/share/gocode"


def encode(ogg: Path) -> None:
    """spoken.wav with silence before and a second after it, as 20 ms Opus packets at 20 kbit/s."""
    encoding = ["-c:a", "libopus", "-ar", "48000", "-b:a", "20k", "-application", "voip", "-frame_duration", "20"]
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(DATA / "spoken.wav"), "-af", _PADDING, *encoding]
    subprocess.run([*command, "-bitexact", str(ogg)], check=True)


def send(ogg: Path, *ports: int) -> None:
    """The packets of ``ogg`` as plain RTP, in real time."""
    targets = "|".join(f"[f=rtp]rtp://127.0.0.1:{port}" for port in ports)
    command = ["ffmpeg", "-v", "error", "-re", "-i", str(ogg), "-map", "0:a", "-c", "copy", "-f", "tee", targets]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    time.sleep(2)  # the last packets are on their way through the kernel's capture


@contextmanager
def running(*command: str | Path, **options: Any) -> Iterator[None]:
    """Run ``command`` in the background, and ask it to end afterwards."""
    process = subprocess.Popen([*map(str, command)], **options)
    time.sleep(5)  # janus and tcpdump have no common way to report that they are ready
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def capture(ogg: Path, work: Path) -> None:
    """pcap of an interface with Ethernet, pcapng of the pseudo-interface "any", and rtpdump of the socket."""
    build = {**os.environ, "GO111MODULE": "off", "GOPATH": _GOPATH, "GOCACHE": str(work / "cache")}
    source = ROOT / "scripts" / "recorders" / "rtpdump.go"
    subprocess.run(["go", "build", "-o", str(work / "rtpdump"), str(source)], check=True, env=build)
    wanted, every = f"udp port {_RTP_PORT}", f"udp port {_RTP_PORT} and inbound"
    pcap, pcapng = work / "spoken.pcap", work / "fragment.pcapng"
    with (
        running("tcpdump", "-q", "-i", "lo", "-s", "0", "-U", "-Z", "root", "-w", pcap, wanted),
        running("dumpcap", "-q", "-i", "any", "-c", str(_FRAGMENT_PACKETS), "-w", pcapng, "-f", every),
        running(work / "rtpdump", f"127.0.0.1:{_DUMP_PORT}", PACKETS / "spoken.rtpdump"),
    ):
        send(ogg, _RTP_PORT, _DUMP_PORT)
    for file in (pcap, pcapng):
        (PACKETS / file.name).write_bytes(file.read_bytes())


class PacketTrack(MediaStreamTrack):
    """The packets of a file as they are, in real time."""

    kind = "audio"

    def __init__(self, path: Path) -> None:
        super().__init__()
        with av.open(str(path)) as container:
            self._packets = [packet for packet in container.demux(audio=0) if packet.size]
        self._next = 0
        self._begun = 0.0
        self.done = asyncio.Event()

    async def recv(self) -> "av.Packet[Stream]":
        """The next packet when it is due; waits forever after the last."""
        if self._next == len(self._packets):
            self.done.set()
            await asyncio.Event().wait()
        packet = self._packets[self._next]
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(self._begun + self._next * 0.02 - time.monotonic())
        packet.pts = self._next * 960
        self._next += 1
        return packet


async def publish(ogg: Path) -> None:
    """Send ``ogg`` into the room, as a browser would."""
    async with ClientSession() as http, http.ws_connect(_JANUS, protocols=["janus-protocol"]) as janus:
        session = (await ask(janus, janus="create"))["data"]["id"]
        handle = (await ask(janus, janus="attach", session_id=session, plugin="janus.plugin.videoroom"))["data"]["id"]
        to: dict[str, Any] = {"janus": "message", "session_id": session, "handle_id": handle}
        await ask(janus, **to, body={"request": "join", "ptype": "publisher", "room": _ROOM, "id": 7, "display": "Ada"})
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        track = PacketTrack(ogg)
        connection.addTrack(track)
        await connection.setLocalDescription(await connection.createOffer())
        offer = {"type": "offer", "sdp": connection.localDescription.sdp}
        reply = await ask(janus, **to, body={"request": "publish"}, jsep=offer)
        await connection.setRemoteDescription(RTCSessionDescription(reply["jsep"]["sdp"], "answer"))
        await track.done.wait()
        await connection.close()
        await ask(janus, janus="destroy", session_id=session)


_transactions = map(str, itertools.count())


async def ask(janus: ClientWebSocketResponse, /, **request: Any) -> dict[str, Any]:
    """The response to one request; other messages are skipped."""
    transaction = next(_transactions)
    await janus.send_json({**request, "transaction": transaction})
    async for message in janus:
        reply: dict[str, Any] = message.json()
        if reply.get("transaction") == transaction and reply["janus"] != "ack":
            if reply["janus"] == "error" or "error" in reply.get("plugindata", {}).get("data", {}):
                raise RuntimeError(str(reply))
            return reply
    raise ConnectionError("janus hung up")


def record_with_janus(ogg: Path, work: Path) -> None:
    """A VideoRoom that records; its .mjr is kept under Janus's own name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own = probe.getsockname()[0]
    room = f'room-{_ROOM}: {{ audiocodec = "opus", record = true, rec_dir = "{work}", publishers = 2 }}'
    config = {
        "janus": f'general: {{ }} nat: {{ ice_enforce_list = "{own}" }} media: {{ ipv6 = false }}',
        "janus.plugin.videoroom": room,
        "janus.transport.websockets": 'general: { ws = true, ws_port = 8188, ws_ip = "127.0.0.1", json = "compact" }',
    }
    for name, text in config.items():
        (work / f"{name}.jcfg").write_text(text)
    # In that folder, because Janus 1.1 sometimes crashes when it ends, and leaves a core dump of hundreds of megabytes.
    with running("janus", "-C", work / "janus.jcfg", "-F", work, stdout=subprocess.DEVNULL, cwd=work):
        asyncio.run(publish(ogg))
    (recorded,) = work.glob("*.mjr")
    for old in PACKETS.glob("*.mjr"):
        old.unlink()
    (PACKETS / recorded.name).write_bytes(recorded.read_bytes())


def main() -> None:
    """Make all of them."""
    PACKETS.mkdir(exist_ok=True)
    ogg = PACKETS / "spoken.ogg"
    encode(ogg)
    with tempfile.TemporaryDirectory() as folder:
        capture(ogg, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        record_with_janus(ogg, Path(folder))


if __name__ == "__main__":
    main()
