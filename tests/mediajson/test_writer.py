"""What a meeting's recording holds is what was heard, also where it ends early."""

import io
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.mediajson.dump import MediaJsonDump
from ser_track.mediajson.writer import MediaJsonWriter
from ser_track.recordings.recording import open_recording
from ser_track.rtp.header import Arrival, read_header, read_packet
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.packet_reader import RecordedPacket
from ser_track.rtp.red import unpack
from tests.helpers.packets import digital_silence, heard, red_voice, voice
from tests.helpers.signals import noise

ROOM_ENOUGH = 1 << 30
OFFSET_S = 1_700_000_000.0


def arrivals(count: int, begin_s: float = 100.0, level: int | None = None, **how: int) -> list[Arrival]:
    """Of the voice, by a clock that begins at 100 s."""
    found = []
    for at_s, packet in voice(count, begin_s, **how):
        header = read_header(packet)
        assert header is not None
        found.append(read_packet(header, packet, None, at_s)._replace(level=level))
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
        for at, samples in stream.take(packet.now + 0.001):
            live[at : at + len(samples)] = samples
    for at, samples in stream.flush():
        live[at : at + len(samples)] = samples
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == ("Ada",)
        assert recording.duration_s == pytest.approx(3.96, abs=0.001)
        (track,) = heard(recording).values()
    # The very first packet is missing, so time begins with the second.
    assert np.array_equal(track, live[: len(track)])
    assert len(track) == 199 * 320


def test_copies_of_lost_packets_are_kept_and_heard_again(tmp_path: Path) -> None:
    packets = list[Arrival]()
    for number, (at_s, packet) in enumerate(red_voice(100)):
        header = read_header(packet)
        assert header is not None
        if number % 10 != 7:
            packets += unpack(read_packet(header, packet, None, 100 + at_s))
    recorded(tmp_path / "a", [("p-1-s1", "Ada", packet) for packet in packets])
    whole = [("p-1-s1", "Ada", packet) for packet in arrivals(100)]
    recorded(tmp_path / "b", whole)
    tracks = list[FloatArray]()
    for path in (tmp_path / "a", tmp_path / "b"):
        with open_recording(path) as recording:
            tracks += heard(recording).values()
    assert np.array_equal(tracks[0], tracks[1])


def chunks_recorded(path: Path, chunks: list[Chunk], now: float = 100.0) -> None:
    with path.open("ab") as file:
        record = MediaJsonWriter(file, OFFSET_S, ROOM_ENOUGH)
        for chunk in chunks:
            record.put_chunk("s1", "Ada", chunk, now)


def test_decoded_audio_is_read_at_its_media_time_to_24_bits(tmp_path: Path) -> None:
    chunks = [
        Chunk(0, noise(700)),
        Chunk(703, noise(320, 1)),
        Chunk(90_001, noise(40_000, 2)),
        Chunk(95_000, noise(9, 3)),
    ]
    chunks_recorded(tmp_path / "a", chunks)
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == ("Ada",)
        # Sent faster than it was spoken, it lasts as long as it was spoken.
        assert recording.duration_s == pytest.approx((90_001 + 32_000) / SAMPLE_RATE_HZ, abs=0.001)
        pieces = [chunk for _, chunk in recording]
    assert [chunk.at for chunk in pieces] == [0, 703, 90_001, 106_001, 122_001, 95_000], "no line holds over a second"
    for sent, read in zip(chunks[:2], pieces, strict=False):
        np.testing.assert_allclose(read.samples, sent.samples, atol=2**-24)
    whole = np.concatenate([piece.samples for piece in pieces[2:5]])
    np.testing.assert_allclose(whole, chunks[2].samples, atol=2**-24)


def test_samples_of_16_bits_are_kept_exactly_and_what_is_louder_than_full_scale_is_clipped(tmp_path: Path) -> None:
    levels = np.arange(-32_768, 32_768).astype(np.float32) / 32_768
    chunks_recorded(tmp_path / "a", [Chunk(0, np.append(levels, np.array([1.0, -1.5, 7.0], np.float32)))])
    with open_recording(tmp_path / "a") as recording:
        (track,) = heard(recording).values()
    assert np.array_equal(track[:65_536], levels)
    assert np.array_equal(track[65_536:], np.array([1 - 2**-23, -1, 1 - 2**-23], np.float32))


def test_decoded_audio_of_a_second_stream_begins_when_it_came(tmp_path: Path) -> None:
    with (tmp_path / "a").open("ab") as file:
        record = MediaJsonWriter(file, OFFSET_S, ROOM_ENOUGH)
        record.put_chunk("s1", "Ada", Chunk(0, noise(16_000)), 100.0)
        record.put_chunk("s2", "Bob", Chunk(0, noise(16_000)), 102.1)
    with open_recording(tmp_path / "a") as recording:
        first = {name: chunk.at for name, chunk in reversed(list(recording))}
    assert first["Ada"] == 0
    assert first["Bob"] / SAMPLE_RATE_HZ == pytest.approx(2.1, abs=0.016)


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
    muted = [packet._replace(payload=digital_silence()) for packet in arrivals(100, level=127)]
    recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in muted])
    with open_recording(tmp_path / "a") as recording:
        assert sum(len(piece.chunk.samples) for piece in recording) == SAMPLE_RATE_HZ // 2


def test_levels_are_kept_as_the_sender_gave_them(tmp_path: Path) -> None:
    levels = [None, 0, 40, 126, 127]
    packets = [packet._replace(level=levels[number % 5]) for number, packet in enumerate(arrivals(50))]
    recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in packets])
    with (tmp_path / "a").open("rb") as file:
        read = [each.arrival for each in MediaJsonDump(file).packets() if isinstance(each, RecordedPacket)]
    assert [arrival.level for arrival in read] == [packet.level for packet in packets]


def test_names_of_any_kind(tmp_path: Path) -> None:
    name = 'Zoë "\\ \n' + "x" * 500
    recorded(tmp_path / "a", [("s1", name, packet) for packet in arrivals(10)])
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == (name[:200],)


def test_where_it_ends_in_a_line_all_before_it_is_heard_and_that_is_told(tmp_path: Path) -> None:
    recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in arrivals(100)])
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-50])
    pieces = list[ParticipantChunk]()
    with (
        open_recording(tmp_path / "a") as recording,
        pytest.raises(AudioError, match="cut off in the middle of its last"),
    ):
        pieces.extend(recording)
    assert sum(len(piece.chunk.samples) for piece in pieces) == 99 * 320


def test_a_full_recording_says_so_and_how_much_it_left_out(tmp_path: Path) -> None:
    record = recorded(tmp_path / "a", [("s1", "Ada", packet) for packet in arrivals(100)], max_bytes=10_000)
    assert 0 < record.left_out < 100
    assert (tmp_path / "a").stat().st_size < 10_400
    pieces = list[ParticipantChunk]()
    with open_recording(tmp_path / "a") as recording, pytest.raises(AudioError, match="had reached its limit"):
        pieces.extend(recording)
    assert sum(len(piece.chunk.samples) for piece in pieces) == (100 - record.left_out) * 320


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
