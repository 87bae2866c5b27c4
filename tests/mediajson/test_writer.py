"""What a meeting's recording holds is what was heard, also where it ends early."""

import io
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.errors import AudioError
from ser_track.mediajson.writer import MediaJsonWriter
from ser_track.recordings.recording import open_recording
from ser_track.recordings.tracks import Piece
from ser_track.rtp.header import Arrival, read_header, read_packet
from ser_track.rtp.opus_stream import OpusStream
from tests.helpers.packets import heard, voice

ROOM_ENOUGH = 1 << 30
OFFSET_S = 1_700_000_000.0


def arrivals(count: int, begin_s: float = 100.0, silent: bool = False, **how: int) -> list[Arrival]:
    """Of the voice, by a clock that begins at 100 s."""
    found = []
    for at_s, packet in voice(count, begin_s, **how):
        header = read_header(packet)
        assert header is not None
        found.append(read_packet(header, packet, None, at_s)._replace(silent=silent))
    return found


def recorded(path: Path, packets: list[tuple[str, str, Arrival]], max_bytes: int = ROOM_ENOUGH) -> MediaJsonWriter:
    with path.open("ab") as file:
        record = MediaJsonWriter(file, OFFSET_S, max_bytes)
        for packet in packets:
            record.put(*packet)
    return record


def test_what_is_read_is_what_was_heard(tmp_path: Path) -> None:
    packets = arrivals(200)
    lossy = [packet for number, packet in enumerate(packets) if number % 20]
    recorded(tmp_path / "a", [("p-1-s1", "Ada", packet) for packet in lossy])
    stream, live = OpusStream(), np.zeros(200 * 320, np.float32)
    for packet in lossy:
        stream.put(packet)
        for samples, at in stream.take(packet.now + 0.001):
            live[at : at + len(samples)] = samples
    for samples, at in stream.flush():
        live[at : at + len(samples)] = samples
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == ("Ada",)
        assert recording.duration_s == pytest.approx(3.96, abs=0.001)
        (track,) = heard(recording).values()
    # The very first packet is missing, so time begins with the second.
    assert np.array_equal(track, live[: len(track)])
    assert len(track) == 199 * 320


def test_streams_are_apart_and_two_of_one_name_too(tmp_path: Path) -> None:
    both = zip(arrivals(50), arrivals(50, ssrc=9), strict=True)
    packets = [each for one, other in both for each in (("s1", "Ada", one), ("s2", "Ada", other))]
    recorded(tmp_path / "a", packets)
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == ("Ada", "Ada-2")
        assert [len(track) for track in heard(recording).values()] == [SAMPLE_RATE_HZ, SAMPLE_RATE_HZ]


def test_another_ssrc_of_one_stream_goes_on_in_it(tmp_path: Path) -> None:
    packets = [*arrivals(50), *arrivals(50, begin_s=103, ssrc=9)]
    recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in packets])
    with open_recording(tmp_path / "a") as recording:
        (track,) = heard(recording).values()
    assert len(track) / SAMPLE_RATE_HZ == pytest.approx(4, abs=0.05)


def test_silence_that_was_marked_is_left_out_again(tmp_path: Path) -> None:
    recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in arrivals(100, silent=True)])
    with open_recording(tmp_path / "a") as recording:
        assert sum(len(piece.samples) for piece in recording) == SAMPLE_RATE_HZ // 2


def test_names_of_any_kind(tmp_path: Path) -> None:
    name = 'Zoë "\\ \n' + "x" * 500
    recorded(tmp_path / "a", [("s1", name, packet) for packet in arrivals(10)])
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == (name[:200],)


def test_where_it_ends_in_a_line_all_before_it_is_heard_and_that_is_told(tmp_path: Path) -> None:
    recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in arrivals(100)])
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-50])
    pieces = list[Piece]()
    with (
        open_recording(tmp_path / "a") as recording,
        pytest.raises(AudioError, match="cut off in the middle of its last"),
    ):
        pieces.extend(recording)
    assert sum(len(piece.samples) for piece in pieces) == 99 * 320


def test_a_full_recording_says_so_and_how_much_it_left_out(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in arrivals(100)], max_bytes=10_000)
    assert 0 < record.left_out < 100
    assert (tmp_path / "a").stat().st_size < 10_400
    pieces = list[Piece]()
    with open_recording(tmp_path / "a") as recording, pytest.raises(AudioError, match="had reached its limit"):
        pieces.extend(recording)
    assert sum(len(piece.samples) for piece in pieces) == (100 - record.left_out) * 320


def test_at_most_a_second_is_not_on_its_way_to_the_disk() -> None:
    class Disk(io.BytesIO):
        safe = 0

        def flush(self) -> None:
            self.safe = self.tell()

    disk = Disk()
    record = MediaJsonWriter(disk, OFFSET_S, ROOM_ENOUGH)
    behind = []
    for packet in arrivals(200):
        record.put("s1", "Ada", packet)
        behind.append(disk.getvalue()[disk.safe :].count(b"\n"))
    assert max(behind) <= 50
    assert behind[0] == 0
