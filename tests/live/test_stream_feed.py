"""A tap rebases media time and notices when its sender falls silent on the network."""

import numpy as np

from ser_track.chunk import Chunk
from ser_track.event_types import EndReason, Resumed, Stalled, StreamKey
from ser_track.live.live_engine import LiveEngine
from ser_track.live.stream_feed import StreamFeed

KEY = StreamKey("m", "ann", "1")


class Recorder(LiveEngine):
    """A stand-in for the live engine that notes what a tap gives it: no thread is wanted here."""

    def __init__(self) -> None:
        self.given: list[tuple[int, int]] = []
        self.pauses: list[EndReason] = []

    def open(self, key: StreamKey) -> None:
        pass

    def pause(self, key: StreamKey, reason: EndReason = "stalled") -> None:
        self.pauses.append(reason)

    def push(self, key: StreamKey, chunk: Chunk) -> None:
        self.given.append((chunk.at, len(chunk.samples)))


def test_the_first_sample_is_time_zero() -> None:
    live = Recorder()
    tap = StreamFeed(live, KEY, now=0.0, stalled_after_s=5)
    tap.push(Chunk(7_000, np.zeros(320, np.float32)))
    tap.push(Chunk(7_640, np.zeros(320, np.float32)))
    assert live.given == [(0, 320), (640, 320)]


def test_silence_on_the_network_is_told_once_and_its_end_too() -> None:
    live = Recorder()
    tap = StreamFeed(live, KEY, now=0.0, stalled_after_s=5)
    assert tap.check(4.9) is None
    assert live.pauses == [], "nothing was said that could be closed"
    assert tap.check(5.0) == Stalled(KEY, 5.0)
    assert tap.check(9.0) is None
    tap.push(Chunk(0, np.zeros(320, np.float32)))
    assert tap.check(9.5) == Resumed(KEY)
    assert tap.check(14.4) is None
    assert tap.check(14.5) == Stalled(KEY, 5.0)


def test_speech_that_stops_arriving_is_closed_once_without_waiting_for_more() -> None:
    live = Recorder()
    tap = StreamFeed(live, KEY, now=0.0, stalled_after_s=5)
    tap.push(Chunk(0, np.zeros(320, np.float32)))
    tap.check(0.5)
    tap.check(1.0)
    assert live.pauses == []
    tap.check(1.5)
    tap.check(2.0)
    assert live.pauses == ["stalled"]
    tap.push(Chunk(320, np.zeros(320, np.float32)))
    tap.check(2.5)
    tap.check(3.5)
    assert live.pauses == ["stalled", "stalled"]


def test_who_leaves_silence_out_is_silent_and_never_stalled() -> None:
    live = Recorder()
    tap = StreamFeed(live, KEY, now=0.0, stalled_after_s=5, sends_silence=False)
    tap.push(Chunk(0, np.zeros(320, np.float32)))
    assert [tap.check(float(now)) for now in range(60)] == [None] * 60
    assert live.pauses == ["silence"]


def test_who_is_muted_is_not_stalled_and_afterwards_has_time_to_begin() -> None:
    live = Recorder()
    tap = StreamFeed(live, KEY, now=0.0, stalled_after_s=5)
    tap.push(Chunk(0, np.zeros(320, np.float32)))
    assert [tap.check(float(now), muted=True) for now in range(60)] == [None] * 60
    assert live.pauses == ["silence"]
    assert tap.check(62.0) is None
    assert tap.check(64.0) == Stalled(KEY, 6.0)
