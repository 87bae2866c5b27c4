"""The same sound gives the same events in a call and from a file; docs/protocol.md states to which tolerance.

Two steps: what arrives in a call, kept and replayed, gives the call's events. What was sent is not quite what arrives,
because Opus lies between; how far apart the events of the two may be is the second test.
"""

import fractions
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc.codecs.opus import OpusEncoder
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from ser_track.config.schema import PipelineConfig
from ser_track.rtp.opus import OpusDecoder
from tests.helpers.event_schema import parse_lines
from tests.helpers.peer import FRAME_SAMPLES, RATE_HZ, Peer, RecordingTrack
from tests.paths import SPOKEN
from tests.test_golden import PROBABILITY_TOLERANCE
from tests.web.conftest import Running

Events = list[dict[str, Any]]
Samples = NDArray[np.int16]

# Opus changes a voice a little, and so decides a window or two (32 ms each) at a border; measured: 64 ms.
BORDER_TOLERANCE_S = 0.1
# Where the model wavers, that little change moves more; measured: 0.16 in one probability, so 0.33 in a margin.
CLEAR_MARGIN = 0.35


def write(path: Path, samples: Samples, rate_hz: int, channels: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def write_floats(path: Path, samples: FloatArray) -> Path:
    """Not rounded to 16 bits: what is decoded from packets is not either."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_f32le", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate = RATE_HZ
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """The recording and two seconds of silence, so that in a file, too, its last phrase ends by silence."""
    with wave.open(str(SPOKEN)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return write(tmp_path / "sent.wav", np.pad(samples, (0, 2 * RATE_HZ)), RATE_HZ, 1)


@pytest.fixture
def arrived(sent: Path, tmp_path: Path) -> Path:
    """What a receiver without loss hears of it: through the encoder of the peer and the decoder of the server."""
    with wave.open(str(sent)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    encoder, decoder, heard = OpusEncoder(), OpusDecoder(), list[FloatArray]()
    for at in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + FRAME_SAMPLES], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, fractions.Fraction(1, RATE_HZ)
        heard += [decoder.decode(packet) for packet in encoder.encode(frame)[0]]
    return write_floats(tmp_path / "arrived.wav", np.concatenate(heard))


def replayed(path: Path, capsys: pytest.CaptureFixture[str]) -> Events:
    assert main(["analyze", "--final-only", str(path)]) == 0
    return parse_lines(capsys.readouterr().out)


@pytest.fixture
def arrived_events(arrived: Path, capsys: pytest.CaptureFixture[str]) -> Events:
    """Made outside the event loop: reading files would hold it up."""
    return replayed(arrived, capsys)


def segments(events: Events) -> Events:
    """What does not depend on who spoke where, in the order of the stream."""
    kept = ("segment", "start_s", "end_s", "reason", "classified")
    return [{key: event[key] for key in kept} for event in events if event["type"] == "speech_ended"]


def finals(events: Events) -> dict[int, dict[str, Any]]:
    return {event["segment"]: event for event in events if event["type"] == "emotion" and event["final"]}


async def called(server: Running, path: Path, last_segment: int) -> Events:
    """The events of a call in which ``path`` is said."""
    peer = Peer(server.http, server.url)
    try:
        await peer.join("call", "Speaker", RecordingTrack(path))
        await peer.wait_for("emotion", timeout_s=60, segment=last_segment, final=True)
    finally:
        await peer.close()
    return peer.events


async def test_what_arrives_in_a_call_gives_the_same_events_when_replayed(
    server: Running, sent: Path, arrived_events: Events
) -> None:
    file = arrived_events
    call = await called(server, sent, last_segment=max(finals(file)))
    assert segments(call) == segments(file)
    assert [event["classified"] for event in segments(file)].count(True) == len(finals(file)) >= 3
    assert finals(call).keys() == finals(file).keys()
    for number, event in finals(call).items():
        assert event["probabilities"] == pytest.approx(finals(file)[number]["probabilities"], abs=PROBABILITY_TOLERANCE)


def test_opus_moves_borders_by_a_tenth_of_a_second_and_no_clear_label(
    sent: Path, arrived_events: Events, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = replayed(sent, capsys), arrived_events
    judged = 0
    for one, other in zip(segments(before), segments(after), strict=True):
        assert (one["segment"], one["reason"]) == (other["segment"], other["reason"])
        assert other["start_s"] == pytest.approx(one["start_s"], abs=BORDER_TOLERANCE_S)
        assert other["end_s"] == pytest.approx(one["end_s"], abs=BORDER_TOLERANCE_S)
        if abs(one["end_s"] - one["start_s"] - PipelineConfig().min_segment_s) > 2 * BORDER_TOLERANCE_S:
            judged += one["classified"]
            assert one["classified"] == other["classified"]
    clear = [event for event in finals(before).values() if margin(event) > CLEAR_MARGIN]
    assert (judged, len(clear)) == (3, 2)
    for event in clear:
        assert finals(after)[event["segment"]]["label"] == event["label"]


def test_the_same_file_twice_gives_identical_lines(sent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for _ in range(2):
        assert main(["analyze", str(sent)]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""


def margin(event: dict[str, Any]) -> float:
    second, first = sorted(event["probabilities"].values())[-2:]
    return float(first - second)
