"""RED is heard as the packets in it, and what the network lost comes from its copies."""

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.rtp.header import Arrival, read_header, read_packet
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.red import RedUnpacker, read_red, unpack
from tests.helpers.packets import Sent, opus, red_payload, red_voice, voice

_20_MS = SAMPLE_RATE_HZ // 50


def arrivals(sent: list[Sent]) -> list[Arrival]:
    found = list[Arrival]()
    for at_s, packet in sent:
        header = read_header(packet)
        assert header is not None
        arrival = read_packet(header, packet, None, at_s)
        found += unpack(arrival, 111) if header.payload_type & 127 == 63 else [arrival]
    return found


def through(sent: list[Sent]) -> tuple[OpusStream, FloatArray]:
    stream, pieces = OpusStream(), list[Chunk]()
    for arrival in arrivals(sent):
        stream.put(arrival)
        pieces += stream.take(arrival.now)
    pieces += stream.flush()
    track = np.zeros(pieces[-1].end, np.float32)
    for at, samples in pieces:
        track[at : at + len(samples)] = samples
    return stream, track


def lossy(sent: list[Sent], lost: set[int]) -> list[Sent]:
    return [each for number, each in enumerate(sent) if number not in lost]


def test_the_blocks_of_a_packet_are_read_with_their_ages() -> None:
    blocks = read_red(red_payload(5, 2))
    assert blocks is not None
    assert [(block.age, block.payload) for block in blocks] == [(1920, opus()[3]), (960, opus()[4]), (0, opus()[5])]
    assert read_red(red_payload(5, 0)) == [(111, 0, opus()[5])]


@pytest.mark.parametrize("payload", [b"", b"\xef", b"\xef\x0f\0", b"\xef\x0f\0\x10\x6fabc", b"\xef\0\0\0" * 300])
def test_what_is_cut_off_or_no_red_is_not_unpacked(payload: bytes) -> None:
    assert read_red(payload) is None
    assert unpack(Arrival(1, 1, 1, payload, 0.0)) == []


def test_without_loss_the_copies_change_nothing() -> None:
    plain, red = through(voice(100)), through(red_voice(100, 2))
    assert np.array_equal(plain[1], red[1])
    assert (red[0].counts.lost, red[0].counts.duplicates, red[0].counts.received) == (0, 0, 100)


@pytest.mark.parametrize(("copies", "lost"), [(1, {10, 30, 32, 77}), (2, {10, 11, 40, 60, 61}), (3, {5, 6, 7, 50})])
def test_lost_packets_come_from_the_copies_as_if_they_had_not_been_lost(copies: int, lost: set[int]) -> None:
    stream, track = through(lossy(red_voice(100, copies), lost))
    assert np.array_equal(track, through(voice(100))[1])
    assert stream.counts.recovered == stream.counts.lost == len(lost)
    assert stream.counts.concealed_samples == stream.counts.missing_samples == 0


def test_red_and_plain_packets_of_one_source_are_one_voice() -> None:
    mixed = [
        red if number // 7 % 2 else plain
        for number, (plain, red) in enumerate(zip(voice(98), red_voice(98), strict=True))
    ]
    stream, track = through(lossy(mixed, {8, 40, 50}))
    assert np.array_equal(track, through(voice(98))[1])
    assert stream.counts.recovered == 3


def test_a_copy_waits_for_nobody_and_a_packet_that_comes_after_it_is_a_duplicate() -> None:
    stream = OpusStream()
    packets = {arrival.sequence: arrival for arrival in arrivals(voice(20))}
    red = arrivals(red_voice(20))
    first = red[0].sequence
    for arrival in red:
        if arrival.redundant or arrival.sequence != first + 10:
            stream.put(arrival)
        ends = [piece.end for piece in stream.take(arrival.now)]
        if not arrival.redundant and arrival.sequence == first + 12:
            assert ends[-1] == 13 * _20_MS, "nothing is held back behind the lost packet"
    stream.put(packets[first + 10]._replace(now=0.5))
    assert stream.counts.duplicates == 1
    assert stream.flush() == []


def test_copies_of_another_source_or_of_the_time_before_the_first_packet_are_not_heard() -> None:
    stream = OpusStream()
    red = arrivals(red_voice(20))[8:]
    strange = [arrival._replace(ssrc=9) for arrival in arrivals(red_voice(30)) if arrival.redundant]
    for arrival in [*red, *strange]:
        stream.put(arrival)
    pieces = stream.flush()
    assert pieces[0].at == 0
    assert sum(len(piece.samples) for piece in pieces) == pieces[-1].end
    assert stream.counts.recovered == 0


def test_where_silence_was_not_sent_a_copy_lies_where_it_was_spoken() -> None:
    """After a pause, the packet before the lost one is 100 ms older, not 20 ms."""
    sent = red_voice(60, 2)
    later = [
        Sent(at_s + 0.1, packet[:4] + (int.from_bytes(packet[4:8]) + 4_800 & 0xFFFFFFFF).to_bytes(4) + packet[8:])
        for at_s, packet in sent[30:]
    ]
    stream, track = through([*sent[:30], *lossy(later, {3})])
    assert stream.counts.recovered == 1
    assert len(track) == 60 * _20_MS + SAMPLE_RATE_HZ // 10


def test_red_that_nobody_announced_is_known_by_its_packets() -> None:
    unpacker, found = RedUnpacker(), list[Arrival]()
    for at_s, packet in red_voice(50):
        header = read_header(packet)
        assert header is not None
        found += unpacker.unpack(read_packet(header, packet, None, at_s))
    assert [each.payload for each in found[1:] if not each.redundant] == list(opus()[1:50])


def test_opus_is_not_taken_for_red() -> None:
    unpacker = RedUnpacker()
    dice = np.random.default_rng(4)
    plain = [Arrival(1, n, n * 960, payload, 0.0) for n, payload in enumerate(opus())]
    music = [Arrival(1, n, n * 960, b"\xfc" + dice.bytes(90), 0.0) for n in range(5_000)]
    for arrival in [*plain, *music]:
        assert unpacker.unpack(arrival) == [arrival]
