"""Recorded packets are heard as a call would: loss, reordering, gaps; several senders in one time."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.recording import open_meeting, open_recording
from ser_track.rtp.opus import OpusDecoder
from tests.helpers.packets import Sent, heard, mjr, noise, opus, pcap_of, rtp, rtpdump, stereo_opus, voice
from tests.helpers.signals import level_db

_20_MS = SAMPLE_RATE_HZ // 50


def decoded(count: int) -> FloatArray:
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(payload) for payload in opus()[:count]])


def test_what_came_whole_is_what_was_sent(tmp_path: Path) -> None:
    with open_recording(rtpdump(tmp_path / "a", voice(200))) as recording:
        assert recording.participants == ("ssrc-00c0ffee",)
        assert recording.duration_s == pytest.approx(3.98)
        (track,) = heard(recording).values()
        assert recording.position_s == pytest.approx(3.98)
    assert np.array_equal(track, decoded(200))


@pytest.mark.parametrize("write", [rtpdump, mjr, pcap_of])
def test_channels_of_stereo_become_participants(tmp_path: Path, write: Callable[[Path, list[Sent]], Path]) -> None:
    both = [Sent(0.02 * n, rtp(n, payload)) for n, payload in enumerate(stereo_opus(200)[:400])]
    one = voice(400, begin_s=0.005, ssrc=7) if write is not mjr else []
    path = write(tmp_path / "a.mjr", sorted([*both, *one]))
    with open_recording(path, split_channels=True) as recording:
        names = recording.participants
        tracks = list(heard(recording).values())
    stem = names[0].removesuffix("-left")
    assert names[:2] == (f"{stem}-left", f"{stem}-right")
    assert len(names) == 2 + bool(one)
    left, right = (track.astype(np.float64) for track in tracks[:2])
    overlap = slice(210 * _20_MS, 390 * _20_MS)
    earlier = slice(overlap.start - 200 * _20_MS, overlap.stop - 200 * _20_MS)
    assert np.corrcoef(right[overlap], left[earlier])[0, 1] > 0.9
    assert abs(np.corrcoef(right[overlap], left[overlap])[0, 1]) < 0.2


def test_stereo_that_cancels_is_heard_and_told(tmp_path: Path) -> None:
    sent = [Sent(0.02 * n, rtp(n, payload)) for n, payload in enumerate(stereo_opus(-1)[:400])]
    with open_recording(rtpdump(tmp_path / "a", sent)) as recording:
        (track,) = heard(recording).values()
        [remark] = recording.remarks
    assert level_db(track) == pytest.approx(level_db(decoded(400)), abs=1)
    assert "has channels in 'ssrc-00c0ffee' that cancel each other when mixed" in remark
    with open_recording(rtpdump(tmp_path / "b", voice(200)), split_channels=True) as recording:
        assert recording.participants == ("ssrc-00c0ffee",)


def test_senders_without_end_are_bounded_and_told(tmp_path: Path) -> None:
    scan = [Sent(20 + n / 1000, rtp(0, b"x", ssrc=100_000 + n)) for n in range(10_001)]
    with open_recording(rtpdump(tmp_path / "a", [*voice(100), *scan])) as recording:
        assert recording.participants == ("ssrc-00c0ffee",)
        with pytest.raises(AudioError, match="has more than 10000 senders: 2 packets of the others were not"):
            heard(recording)


def test_a_packet_that_came_late_is_in_its_place(tmp_path: Path) -> None:
    sent = voice(200)
    sent[50] = sent[50]._replace(at_s=sent[52].at_s + 0.001)
    with open_recording(rtpdump(tmp_path / "a", sorted(sent))) as recording:
        (track,) = heard(recording).values()
    assert np.array_equal(track, decoded(200))


def test_a_packet_that_came_too_late_is_made_up_as_in_the_call(tmp_path: Path) -> None:
    sent = voice(200)
    lost = rtpdump(tmp_path / "lost", [each for number, each in enumerate(sent) if number != 50])
    sent[50] = sent[50]._replace(at_s=sent[50].at_s + 1)
    tracks = list[FloatArray]()
    for path in (lost, rtpdump(tmp_path / "late", sorted(sent))):
        with open_recording(path) as recording:
            tracks += heard(recording).values()
    assert np.array_equal(tracks[0], tracks[1])
    assert len(tracks[0]) == 200 * _20_MS
    hole = slice(50 * _20_MS, 51 * _20_MS)
    assert tracks[0][hole].any()
    assert not np.array_equal(tracks[0][hole], decoded(200)[hole])
    assert np.array_equal(tracks[0][: hole.start], decoded(200)[: hole.start])


def test_a_pause_in_sending_is_as_long_as_it_was(tmp_path: Path) -> None:
    before, after = voice(100), voice(200)[100:]
    later = [Sent(at_s + 30, rtp(100 + number + 1500, opus()[100 + number])) for number, (at_s, _) in enumerate(after)]
    with open_recording(rtpdump(tmp_path / "a", [*before, *later])) as recording:
        pieces = list(recording)
    step = max(range(1, len(pieces)), key=lambda n: pieces[n].chunk.at - pieces[n - 1].chunk.at)
    gap = pieces[step].chunk.at - (pieces[step - 1].chunk.end)
    assert pieces[step].chunk.at == 1600 * _20_MS
    assert gap / SAMPLE_RATE_HZ == pytest.approx(30, abs=0.13)  # 120 ms of it are made up: packets are missing


def test_who_comes_later_begins_later_on_the_grid_of_windows(tmp_path: Path) -> None:
    late = voice(100, begin_s=2.345, first=100, ssrc=7)
    with open_recording(rtpdump(tmp_path / "a", sorted([*voice(200), *late]))) as recording:
        assert recording.participants == ("ssrc-00c0ffee", "ssrc-00000007")
        first = dict[str, ParticipantChunk]()
        for piece in recording:
            first.setdefault(piece.participant, piece)
    at = first["ssrc-00000007"].chunk.at
    assert at % WINDOW_SAMPLES == 0
    assert at / SAMPLE_RATE_HZ == pytest.approx(2.345, abs=0.016)
    assert first["ssrc-00c0ffee"].chunk.at == 0


def test_files_of_one_meeting_share_the_time_of_day(tmp_path: Path) -> None:
    ada = mjr(tmp_path / "videoroom-12-user-ada-99-audio-0.mjr", voice(100))
    bob = mjr(tmp_path / "videoroom-12-user-bob-99-audio-0.mjr", voice(100, first=100), u=1_700_000_001_500_000)
    with open_meeting([bob, ada]) as recording:
        assert recording.participants == ("user-bob", "user-ada")
        first = dict[str, int]()
        for piece in recording:
            first.setdefault(piece.participant, piece.chunk.at)
    assert first["user-ada"] == 0
    assert first["user-bob"] / SAMPLE_RATE_HZ == pytest.approx(1.5, abs=0.016)


def test_a_file_without_time_of_day_is_no_part_of_a_meeting(tmp_path: Path) -> None:
    ada = mjr(tmp_path / "a.mjr", voice(10))
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match=r"b\.wav has no time of day"), open_meeting([ada, tmp_path / "b.wav"]):
        pass


def test_a_clock_that_was_set_back_moves_nothing(tmp_path: Path) -> None:
    sent = voice(200)
    back = [each._replace(at_s=each.at_s + 5) if number < 100 else each for number, each in enumerate(sent)]
    with open_recording(rtpdump(tmp_path / "a", back)) as recording:
        (track,) = heard(recording).values()
    assert np.array_equal(track, decoded(200))


def test_encrypted_audio_is_told_and_not_heard(tmp_path: Path) -> None:
    path = pcap_of(tmp_path / "a", noise(300))
    stream = r"1 stream of audio \(192\.0\.2\.7:40002 to "
    with pytest.raises(AudioError, match=rf"{stream}.*encrypted \(SRTP\) or uses another codec"):
        open_recording(path).__enter__()
    with pytest.raises(AudioError, match=r"SRTP"):
        open_recording(path, payload_type=111).__enter__()


def test_beside_a_voice_it_is_told_after_the_voice(tmp_path: Path) -> None:
    with open_recording(pcap_of(tmp_path / "a", [*voice(200), *noise(200, ssrc=9)])) as recording:
        pieces = list[ParticipantChunk]()
        with pytest.raises(AudioError, match=r"1 stream of audio .*SSRC 00000009"):
            pieces.extend(recording)
    assert np.array_equal(np.concatenate([piece.chunk.samples for piece in pieces]), decoded(200))


def test_video_beside_it_is_nothing_to_tell_of(tmp_path: Path) -> None:
    video = [Sent(n / 30, packet) for n, (_, packet) in enumerate(noise(60, ssrc=9, kind=96, clock=3_000))]
    with open_recording(pcap_of(tmp_path / "a", [*voice(100), *video])) as recording:
        assert len(heard(recording)) == 1


def test_a_payload_type_that_is_not_dynamic_must_be_told(tmp_path: Path) -> None:
    path = rtpdump(tmp_path / "a", voice(100, kind=77))
    with pytest.raises(AudioError, match=r"payload types seen: 77\); say which one is with --payload-type"):
        open_recording(path).__enter__()
    with open_recording(path, payload_type=77) as recording:
        (track,) = heard(recording).values()
    assert np.array_equal(track, decoded(100))


def test_too_few_packets_to_tell_are_heard_when_they_are_told(tmp_path: Path) -> None:
    path = rtpdump(tmp_path / "a", voice(3))
    with pytest.raises(AudioError, match=r"--payload-type"):
        open_recording(path).__enter__()
    with open_recording(path, payload_type=111) as recording:
        (track,) = heard(recording).values()
    assert np.array_equal(track, decoded(3))


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    packets = opus()
    sent = (Sent(0.02 * n, rtp(n, packets[n % len(packets)])) for n in range(15_000))
    path = rtpdump(tmp_path / "a", sent)
    tracemalloc.start()
    with open_recording(path) as recording:
        seconds = sum(len(piece.chunk.samples) for piece in recording) / SAMPLE_RATE_HZ
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds == pytest.approx(300)
    assert peak_bytes < 500_000  # all of the packets would be 1.2 MB, all of the sound 19 MB
