"""SERTrack: passes every frame on as it is and hears it on the way; `consume` reads what nobody else reads."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.frame import Frame
from av.packet import Packet

from ser_track.audio.track import SERTrack, consume
from ser_track.chunk import Chunk, FloatArray
from ser_track.errors import AudioError
from tests.helpers.audio_frames import frame, frames
from tests.helpers.signals import joined, noise, tone


class ListTrack(MediaStreamTrack):
    """A track that always has its next frame ready, and ends after the last."""

    kind = "audio"

    def __init__(self, items: "Sequence[Frame | Packet[Any]]") -> None:
        super().__init__()
        self.items = list(items)

    async def recv(self) -> "Frame | Packet[Any]":
        if self.readyState != "live" or not self.items:
            self.stop()
            raise MediaStreamError
        return self.items.pop(0)


class VideoTrack(ListTrack):
    kind = "video"


class Heard:
    """Collects what a track pushes."""

    def __init__(self) -> None:
        self.pieces: list[Chunk] = []

    def push(self, chunk: Chunk) -> None:
        self.pieces.append(chunk)

    def samples(self) -> FloatArray:
        return joined(samples for _, samples in self.pieces)


async def read(track: MediaStreamTrack) -> "list[Frame | Packet[Any]]":
    """Everything until the end."""
    got = []
    while True:
        try:
            got.append(await track.recv())
        except MediaStreamError:
            return got


async def test_the_very_same_frames_come_through_untouched() -> None:
    sent = frames(noise(48_000), 48_000)
    before = [(each.to_ndarray().tobytes(), each.pts) for each in sent]
    track = SERTrack(ListTrack(sent), Heard().push)
    got = await read(track)
    assert [id(each) for each in got] == [id(each) for each in sent]
    assert [(each.to_ndarray().tobytes(), each.pts) for each in sent] == before
    assert (track.frames, track.faults) == (50, 0)


async def test_the_samples_of_every_frame_are_pushed_at_their_time_and_the_end_is_flushed() -> None:
    heard = Heard()
    await read(SERTrack(ListTrack(frames(tone(440, 1, 48_000), 48_000)), heard.push))
    ends = [at + len(samples) for at, samples in heard.pieces]
    assert [at for at, _ in heard.pieces] == [0, *ends[:-1]]
    assert ends[-1] == 16_000
    np.testing.assert_allclose(heard.samples()[200:-200], tone(440, 1)[200:-200], atol=0.01)


async def test_it_ends_with_the_wrapped_track_and_says_so() -> None:
    track, ended = SERTrack(ListTrack(frames(noise(960), 48_000)), Heard().push), list[bool]()
    track.on("ended", lambda: ended.append(True))
    await read(track)
    assert (track.readyState, ended) == ("ended", [True])


async def test_stopping_it_stops_the_wrapped_track() -> None:
    wrapped = ListTrack(frames(noise(4_800), 48_000))
    track = SERTrack(wrapped, Heard().push)
    track.stop()
    assert wrapped.readyState == "ended"
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_reading_on_after_the_end_pushes_nothing_twice() -> None:
    heard = Heard()
    track = SERTrack(ListTrack(frames(noise(4_800), 48_000)), heard.push)
    await read(track)
    pushed = len(heard.samples())
    assert await read(track) == []
    assert len(heard.samples()) == pushed == 1_600


def test_video_is_refused() -> None:
    with pytest.raises(AudioError, match="video"):
        SERTrack(VideoTrack([]), Heard().push)


def with_a_bad_frame() -> list[av.AudioFrame]:
    sent = frames(noise(16_000), 16_000)
    sent[3] = frame(np.full((320, 1), np.nan, np.float32), 3 * 320, rate_hz=16_000)
    return sent


async def test_a_frame_that_cannot_be_heard_passes_all_the_same_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    heard, sent = Heard(), with_a_bad_frame()
    track = SERTrack(ListTrack(sent), heard.push)
    assert await read(track) == sent
    assert [at // 320 for at, _ in heard.pieces] == [0, 1, 2, *range(4, 50)]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "passed through without analysis" in record.getMessage()


async def test_who_asks_for_faults_gets_the_first_and_each_500th_instead_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = list[AudioError]()
    bad = frame(np.full((960, 1), np.nan, np.float32))
    track = SERTrack(ListTrack([bad] * 501), Heard().push, faults.append)
    assert len(await read(track)) == 501
    assert (len(faults), track.faults, caplog.records) == (2, 501, [])


async def test_a_listener_that_fails_does_not_break_the_track(caplog: pytest.LogCaptureFixture) -> None:
    def push(chunk: Chunk) -> None:
        raise ZeroDivisionError

    sent = [frame(np.zeros((960, 1), np.float32), 960 * number) for number in range(3)]
    assert await read(SERTrack(ListTrack(sent), push)) == sent
    assert "ZeroDivisionError" in caplog.text


async def test_a_track_of_encoded_packets_passes_unheard_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    packets = [av.Packet(b"opus"), av.Packet(b"opus")]
    heard = Heard()
    assert await read(SERTrack(ListTrack(packets), heard.push)) == packets
    assert heard.pieces == []
    assert len(caplog.records) == 1


async def test_consume_reads_to_the_end_and_lets_others_run_meanwhile() -> None:
    track, turns = ListTrack([frame(np.zeros((960, 1), np.float32))] * 500), 0

    async def others() -> None:
        nonlocal turns
        while track.items:
            turns += 1
            await asyncio.sleep(0)

    await asyncio.gather(consume(track), others())
    assert (track.items, track.readyState) == ([], "ended")
    assert turns >= 500 // 10 - 1  # one after every ten frames
