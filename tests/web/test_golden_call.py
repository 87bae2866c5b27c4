"""The golden recording's packets in a call, recorded there and replayed: the call, its recording and the file agree."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import pytest
from aiortc import MediaStreamTrack
from av.audio.stream import AudioStream

from ser_track.event_types import StreamKey
from ser_track.live.packet_streams import PacketStreams
from ser_track.mediajson.writer import MediaJsonWriter
from ser_track.rtp.header import Arrival
from tests.helpers.peer import Peer
from tests.test_golden import PROBABILITY_TOLERANCE
from tests.test_golden_paths import OGG, Events, analyzed, check_same, segments
from tests.web.conftest import Running


class PacketTrack(MediaStreamTrack):
    """Sends the packets of ``OGG`` as they are, 20 ms each, and then the last of them, which is silence, for ever."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        with av.open(str(OGG)) as container:
            self._packets: list[av.Packet[AudioStream]] = [each for each in container.demux(audio=0) if each.size]
        self._sent = 0
        self._begun = 0.0

    async def recv(self) -> "av.Packet[AudioStream]":
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(self._begun + self._sent * 0.02 - time.monotonic())
        packet = self._packets[min(self._sent, len(self._packets) - 1)]
        packet.pts = self._sent * 960
        self._sent += 1
        return packet


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaJsonWriter]:
    """Keeps all packets that the server hears in call.jsonl."""
    put = PacketStreams.put
    with (tmp_path / "call.jsonl").open("ab") as file:
        kept = MediaJsonWriter(file, clock_offset_s=time.time() - time.monotonic(), max_bytes=1 << 30)

        def put_and_keep(streams: PacketStreams, key: StreamKey, arrivals: Iterable[Arrival]) -> None:
            arrivals = list(arrivals)
            for arrival in arrivals:
                kept.put(key.stream, "Ada", arrival)
            put(streams, key, arrivals)

        monkeypatch.setattr(PacketStreams, "put", put_and_keep)
        yield kept


async def called(server: Running, last_segment: int) -> Events:
    """The events of a call in which the packets are sent."""
    peer = Peer(server.http, server.url)
    try:
        await peer.join("call", "Ada", PacketTrack())
        await peer.wait_for("emotion", timeout_s=60, segment=last_segment, final=True)
    finally:
        await peer.close()
    return peer.events


def finals(events: Events) -> Events:
    return [event for event in events if event["type"] == "emotion" and event["final"]]


async def test_a_call_its_recording_and_the_file_agree(
    server: Running, record: MediaJsonWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = await asyncio.to_thread(analyzed, OGG, capsys)  # on the event loop it would hold everything up
    call = await called(server, last_segment=max(event["segment"] for event in segments(file)))
    check_same(call, file)
    record.flush()
    replayed = await asyncio.to_thread(analyzed, tmp_path / "call.jsonl", capsys)
    assert [event["name"] for event in replayed if event["type"] == "joined"] == ["Ada"]
    assert segments(replayed)[: len(segments(call))] == segments(call)
    for one, other in zip(finals(call), finals(replayed), strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=PROBABILITY_TOLERANCE)
