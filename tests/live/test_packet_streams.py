"""Many senders' packets on one thread: what is wrong with one is told, and disturbs nobody else."""

import pytest

from bench.packets import speech
from ser_track.chunk import Chunk
from ser_track.event_types import StreamKey
from ser_track.live.packet_streams import PacketStreams
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_stream import OpusStream
from tests.helpers.packets import in_packets

ANN, EVE = StreamKey("m", "ann", "1"), StreamKey("m", "eve", "1")
PACKETS = speech()


def send(streams: PacketStreams, key: StreamKey, n: int) -> None:
    streams.put(key, [Arrival(1, n, 960 * n, PACKETS[n], 0.02 * n)])


def test_what_was_sent_comes_out_by_sender_and_the_rest_on_flush() -> None:
    streams = PacketStreams()
    for n in (*range(10), 11):
        send(streams, ANN, n)
        send(streams, EVE, n)
    assert {key: in_packets(pieces)[-1].at for key, pieces in streams.take(0.22)} == {ANN: 320 * 9, EVE: 320 * 9}
    assert [at for at, _ in streams.flush(ANN)] == [320 * 10, 320 * 11]
    assert streams.flush(ANN) == []
    assert streams.counts.lost == 1


def test_a_stream_that_fails_is_named_and_the_others_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    streams, take = PacketStreams(), OpusStream.take

    def fails_for_eve(self: OpusStream, now: float) -> list[Chunk]:
        """Stands for a defect of ours: no packet is known that makes a real stream fail."""
        if self is streams._streams.get(EVE):
            raise RuntimeError("broken")
        return take(self, now)

    monkeypatch.setattr(OpusStream, "take", fails_for_eve)
    for n in range(10):
        send(streams, EVE, n)
        send(streams, ANN, n)
    assert {key for key, _ in streams.take(0.2)} == {ANN}
    assert [(key, str(error)) for key, error in streams.take_failed().items()] == [(EVE, "broken")]
    assert streams.take_failed() == {}


def test_a_stream_that_failed_goes_on_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine drops what lies in the past: a stream that began at 0 again would be deaf."""
    streams, take = PacketStreams(), OpusStream.take
    broken = [False]

    def fails_once(self: OpusStream, now: float) -> list[Chunk]:
        """Stands for a defect of ours: no packet is known that makes a real stream fail."""
        if broken[0]:
            broken[0] = False
            raise RuntimeError("broken")
        return take(self, now)

    monkeypatch.setattr(OpusStream, "take", fails_once)
    begins = list[int]()
    for n in range(100):
        broken[0] = n == 50
        send(streams, EVE, n)
        begins += [piece.at for _, pieces in streams.take(0.02 * n) for piece in in_packets(pieces)]
    assert begins == sorted(begins)
    assert begins[-1] == pytest.approx(99 * 320, abs=1_600)  # a tenth of a second could be jitter
    assert len(begins) >= 95
    assert set(streams.take_failed()) == {EVE}
