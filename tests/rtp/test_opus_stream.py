"""Real speech through libopus both ways; what the network does is done to the packets in between."""

import ctypes
import math
from collections.abc import Sequence

import numpy as np
import pytest

from bench.packets import FRAME_SAMPLES, encode
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.errors import AudioError
from ser_track.models.silero import SileroVad
from ser_track.models.trimming import voiced_windows
from ser_track.rtp import opus
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus import OpusDecoder
from ser_track.rtp.opus_packet import carries_previous, packet_length
from ser_track.rtp.opus_stream import OpusStream
from tests.helpers.packets import in_packets
from training.opus import encoded

FRAME_S = 0.02
FRAME = SAMPLE_RATE_HZ // 50
SSRC = 99


@pytest.fixture(scope="module")
def packets(spoken: FloatArray) -> list[bytes]:
    """The recording as a browser that was asked for error correction sends it."""
    return encode(at_48_khz(spoken), 32_000, fec="1", packet_loss="10")


def at_48_khz(samples: FloatArray) -> np.typing.NDArray[np.int16]:
    return np.asarray(np.repeat(samples, 3) * 32_767, np.int16)


def through(
    packets: Sequence[bytes | None], first_sequence: int = 65_000, first_timestamp: int = 2**32 - 96_000
) -> tuple[OpusStream, list[Chunk]]:
    """Packet ``n`` arrives at ``n`` times 20 ms; ``None`` does not."""
    stream, pieces = OpusStream(), list[Chunk]()
    for n, payload in enumerate(packets):
        if payload is not None:
            timestamp = (first_timestamp + n * FRAME_SAMPLES) % 2**32
            stream.put(Arrival(SSRC, (first_sequence + n) % 2**16, timestamp, payload, n * FRAME_S))
        pieces += in_packets(stream.take(n * FRAME_S))
    return stream, [*pieces, *in_packets(stream.flush())]


def placed(pieces: Sequence[Chunk], length: int) -> FloatArray:
    """All pieces where they belong in time; nothing overlaps."""
    out, end = np.zeros(length, np.float32), 0
    for at, samples in pieces:
        assert at >= end
        out[at : at + len(samples)] = samples[: max(0, length - at)]
        end = at + len(samples)
    return out


def test_without_loss_it_is_the_decoder_alone(packets: list[bytes]) -> None:
    decoder = OpusDecoder()
    expected = np.concatenate([decoder.decode(payload) for payload in packets])
    stream, pieces = through(packets)
    assert [at for at, _ in pieces] == [n * FRAME for n in range(len(packets))]
    np.testing.assert_array_equal(np.concatenate([samples for _, samples in pieces]), expected)
    assert stream.counts.concealed_samples == stream.counts.silent_samples == stream.counts.missing_samples == 0
    assert stream.counts.samples == len(expected)


@pytest.mark.parametrize("right", [1.0, 0.0])
def test_channels_are_averaged(right: float) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ).astype(np.float32) * 0.25
    _, pieces = through(encode(np.stack([at_48_khz(tone), at_48_khz(right * tone)], axis=1), 96_000))
    heard = np.concatenate([samples for _, samples in pieces])[4_000:12_000]
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.25 / math.sqrt(2) * (1 + right) / 2, rel=0.05)


def test_single_lost_packets_come_back_from_the_next_ones(packets: list[bytes]) -> None:
    lost = [n for n in range(20, len(packets), 20) if carries_previous(packets[n + 1])] if len(packets) > 40 else []
    assert len(lost) > 10
    stream, pieces = through([None if n in lost else payload for n, payload in enumerate(packets)])
    assert stream.counts.recovered == len(lost)
    assert stream.counts.concealed_samples == stream.counts.silent_samples == stream.counts.missing_samples == 0
    assert [at for at, _ in pieces] == [n * FRAME for n in range(len(packets))]
    whole = placed(through(packets)[1], len(packets) * FRAME)
    recovered = placed(pieces, len(packets) * FRAME)
    without = placed(through([b"" if n in lost else payload for n, payload in enumerate(packets)])[1], len(whole))
    rows = np.concatenate([np.arange(n * FRAME, (n + 1) * FRAME) for n in lost])
    error, silence = (float(np.mean((some - whole)[rows] ** 2)) for some in (recovered, without))
    assert error < silence / 2


def test_five_percent_loss_leaves_no_hole_and_the_voice_where_it_was(packets: list[bytes]) -> None:
    arrives = np.random.default_rng(5).random(len(packets)) >= 0.05
    arrives[0] = arrives[-1] = True
    stream, pieces = through([payload if here else None for payload, here in zip(packets, arrives, strict=True)])
    assert stream.counts.silent_samples == stream.counts.missing_samples == 0
    assert stream.counts.lost == int((~arrives).sum())
    length = len(packets) * FRAME // WINDOW_SAMPLES * WINDOW_SAMPLES
    clean, lossy = (voiced_windows(SileroVad(), placed(some, length)) for some in (through(packets)[1], pieces))
    arrived = np.repeat(arrives, FRAME)[:length].reshape(-1, WINDOW_SAMPLES).all(axis=1)
    assert np.mean((clean == lossy)[arrived]) >= 0.99


def test_a_long_hole_fades_and_is_silence(packets: list[bytes]) -> None:
    cut = [None if 50 <= n < 100 else payload for n, payload in enumerate(packets)]
    stream, pieces = through(cut)
    ends = [piece.end for piece in pieces]
    jumps = [at - end for end, (at, _) in zip(ends, pieces[1:], strict=False) if at != end]
    assert jumps == [SAMPLE_RATE_HZ - 120 * 16]
    assert stream.counts.concealed_samples == 120 * 16
    assert stream.counts.missing_samples == jumps[0]


def test_dtx_is_silence_of_the_right_length(spoken: FloatArray) -> None:
    pause = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    said = spoken[: 3 * SAMPLE_RATE_HZ]
    sent = encoded(np.concatenate([said, pause, said]).reshape(-1, FRAME), 24_000, dtx=True)
    stream, timestamp, pieces = OpusStream(), 0, list[Chunk]()
    sequence = 0
    for n, payload in enumerate(sent):
        if len(payload) > 2:  # as a browser does: what DTX makes that small is not sent
            stream.put(Arrival(SSRC, sequence, timestamp, payload, n * FRAME_S))
            sequence += 1
        timestamp += FRAME_SAMPLES
        pieces += in_packets(stream.take(n * FRAME_S))
    pieces = [*pieces, *in_packets(stream.flush())]
    assert stream.counts.silent_samples > SAMPLE_RATE_HZ
    assert stream.counts.concealed_samples == 0
    assert abs(pieces[-1].end - len(sent) * FRAME) <= 2 * FRAME


def test_a_broken_packet_is_concealed_and_counted(packets: list[bytes]) -> None:
    broken = [b"\xff\xff\xff" if n == 60 else payload for n, payload in enumerate(packets)]
    stream, pieces = through(broken)
    assert stream.counts.broken == 1
    assert stream.counts.silent_samples == stream.counts.missing_samples == 0
    assert sum(len(samples) for _, samples in pieces) == len(packets) * FRAME


def test_whatever_comes_in_as_a_packet_nothing_is_raised(packets: list[bytes]) -> None:
    rng = np.random.default_rng(9)
    hostile = [
        rng.bytes(int(rng.integers(1, 60))) if rng.random() < 0.3 else None if rng.random() < 0.2 else payload
        for payload in packets
    ]
    hostile[0] = packets[0]
    stream, pieces = through(hostile)
    assert stream.counts.broken > 10
    assert all(np.isfinite(samples).all() for _, samples in pieces)
    # What claims to be Opus and is not may last longer than it should, never beyond what a packet can last.
    assert pieces[-1].at <= len(packets) * FRAME


def test_another_ssrc_goes_on_in_time(packets: list[bytes]) -> None:
    stream, pieces = OpusStream(), list[Chunk]()
    for n, payload in enumerate(packets[:200]):
        ssrc, timestamp = (1, 5_000) if n < 100 else (2, 900_000_000)
        stream.put(Arrival(ssrc, n, timestamp + n * FRAME_SAMPLES, payload, n * FRAME_S))
        pieces += in_packets(stream.take(n * FRAME_S))
    pieces = [*pieces, *in_packets(stream.flush())]
    assert [at for at, _ in pieces] == [n * FRAME for n in range(200)]


@pytest.mark.parametrize("jump", [-500_000_000, 500_000_000, 2**31 - 1])
def test_a_clock_that_jumps_while_the_sequence_goes_on_does_not_move_the_sound(packets: list[bytes], jump: int) -> None:
    stream, pieces = OpusStream(), list[Chunk]()
    for n, payload in enumerate(packets[:200]):
        timestamp = 1_000_000_000 + n * FRAME_SAMPLES + (jump if n >= 100 else 0)
        stream.put(Arrival(SSRC, n, timestamp % 2**32, payload, n * FRAME_S))
        pieces += in_packets(stream.take(n * FRAME_S))
    pieces = [*pieces, *in_packets(stream.flush())]
    assert [at for at, _ in pieces] == [n * FRAME for n in range(200)]


def test_a_sender_that_was_muted_for_long_is_where_the_clock_says(packets: list[bytes]) -> None:
    stream, pieces = OpusStream(), list[Chunk]()
    for n, payload in enumerate(packets[:100]):
        time = n + (30_000 if n >= 50 else 0)  # ten minutes
        stream.put(Arrival(SSRC, n, time * FRAME_SAMPLES, payload, time * FRAME_S))
        pieces += in_packets(stream.take(time * FRAME_S))
    assert pieces[50].at == 30_050 * FRAME


def test_a_clock_far_ahead_of_ours_is_not_followed_however_small_its_steps(packets: list[bytes]) -> None:
    stream, pieces = OpusStream(), list[Chunk]()
    for n in range(1500):  # nine packets' time in each: 270 s within 30
        stream.put(Arrival(SSRC, n, n * 9 * FRAME_SAMPLES, packets[n % len(packets)], n * FRAME_S))
        pieces += in_packets(stream.take(n * FRAME_S))
        # Ten seconds ahead for whom it is about, ten more for who begins anew there.
        assert all(at / SAMPLE_RATE_HZ < n * FRAME_S + 20.2 for at, _ in pieces[-2:])
    assert len(pieces) > 100


def test_a_run_of_broken_packets_is_concealed_like_any_hole(packets: list[bytes]) -> None:
    stream, pieces = through([b"\xff\xff\xff" if 50 <= n < 100 else payload for n, payload in enumerate(packets)])
    assert stream.counts.broken == 50
    assert stream.counts.concealed_samples == 120 * 16
    assert stream.counts.missing_samples == SAMPLE_RATE_HZ - 120 * 16
    assert pieces[-1].at == (len(packets) - 1) * FRAME


def test_packets_that_became_longer_during_a_loss_leave_no_hole(spoken: FloatArray) -> None:
    short = encode(at_48_khz(spoken[:SAMPLE_RATE_HZ]), 32_000, fec="1", packet_loss="10")
    long = encode(
        at_48_khz(spoken[SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ]), 32_000, frame_ms=60, fec="1", packet_loss="10"
    )
    stream, pieces, time = OpusStream(), list[Chunk](), 0
    for n, payload in enumerate(short + long):
        if n != len(short):  # the first of the long ones
            stream.put(Arrival(SSRC, n, time * FRAME_SAMPLES, payload, time * FRAME_S))
        time += 1 if n < len(short) else 3
        pieces += in_packets(stream.take(time * FRAME_S))
    pieces = [*pieces, *in_packets(stream.flush())]
    assert stream.counts.silent_samples == stream.counts.missing_samples == 0
    assert [at for at, _ in pieces[1:]] == [piece.end for piece in pieces[:-1]]


def test_what_the_sender_marks_as_silent_is_silence_that_passes(packets: list[bytes]) -> None:
    stream, pieces = through([payload[:1] if 50 <= n < 100 else payload for n, payload in enumerate(packets)])
    silent = [(len(samples), at) for at, samples in pieces if not len(samples)]
    # After half a second, in which it may be the end of a word: as it passes, not when the voice comes back.
    assert silent == [(0, (n + 1) * FRAME) for n in range(75, 100)]
    assert stream.counts.silent_samples == SAMPLE_RATE_HZ // 2
    assert stream.counts.concealed_samples == stream.counts.broken == 0


def test_a_muted_sender_is_not_misjudged_for_it(spoken: FloatArray) -> None:
    said, pause = spoken[: 4 * SAMPLE_RATE_HZ], np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    whole = np.concatenate([said, pause, said, pause, said])
    sent = encode(at_48_khz(whole), 32_000)
    heard = {}
    for told in (False, True):
        stream, pieces = OpusStream(), list[Chunk]()
        for n, payload in enumerate(sent):
            silent = told and not whole[n * FRAME : (n + 1) * FRAME].any()
            stream.put(Arrival(SSRC, n, n * FRAME_SAMPLES, payload, n * FRAME_S, 127 if silent else None))
            pieces += in_packets(stream.take(n * FRAME_S))
        heard[told] = voiced_windows(SileroVad(), placed([*pieces, *stream.flush()], len(whole)))
    assert stream.counts.silent_samples >= 2 * SAMPLE_RATE_HZ
    assert heard[False].sum() > 100
    assert np.mean(heard[True] == heard[False]) > 0.995


def test_padding_is_not_decoded(packets: list[bytes]) -> None:
    stream, pieces = through([b"" if n in (30, 31) else payload for n, payload in enumerate(packets[:100])])
    assert stream.counts.broken == 0
    assert stream.counts.lost == 0
    assert pieces[-1].at == 99 * FRAME


@pytest.mark.parametrize(
    ("payload", "length"),
    [
        (b"", 0),
        (b"\x08", 960),
        (b"\x18", 2880),
        (b"\x79\x00", 1920),
        (b"\xfb\x03", 2880),
        (b"\xfb", 0),
        (b"\xff\xff", 0),
    ],
)
def test_packet_length(payload: bytes, length: int) -> None:
    assert packet_length(payload) == length


def test_the_flag_of_error_correction_is_the_one_that_libopus_reads(packets: list[bytes]) -> None:
    library = opus.library()
    assert library is not None
    if not hasattr(library, "opus_packet_has_lbrr"):
        pytest.skip("this libopus is older than 1.5 and has no opus_packet_has_lbrr")
    said = [
        bool(library.opus_packet_has_lbrr(ctypes.c_char_p(payload), ctypes.c_int32(len(payload))))
        for payload in packets
    ]
    assert [carries_previous(payload) for payload in packets] == said
    assert any(said)
    assert not all(said)


def test_a_decoder_says_what_is_wrong() -> None:
    with pytest.raises(AudioError, match="3 bytes cannot be decoded"):
        OpusDecoder().decode(b"\xff\xff\xff")
