"""Every codec that a live call decodes is heard in recordings too; what cannot be heard is told, with time and type."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.recording import open_meeting, open_recording
from tests.helpers.packets import (
    SSRC,
    Sent,
    heard,
    in_packets,
    mjr,
    noise,
    opus,
    pcap_of,
    red_voice,
    rtp,
    rtpdump,
    telephone_voice,
    voice,
)

_20_MS = SAMPLE_RATE_HZ // 50
Write = Callable[[Path, list[Sent]], Path]
CODECS = [("pcm_mulaw", 0), ("pcm_alaw", 8), ("g722", 9)]


def track_of(path: Path, payload_type: int | None = None) -> FloatArray:
    """The only participant's sound."""
    with open_recording(path, payload_type=payload_type) as recording:
        (track,) = heard(recording).values()
    return track


def told(path: Path, payload_type: int | None = None) -> tuple[list[str], str]:
    """Who was heard, and what was told after everything."""
    pieces, names = list[ParticipantChunk](), list[str]()
    try:
        with open_recording(path, payload_type=payload_type) as recording:
            names += recording.participants
            pieces.extend(recording)
    except AudioError as error:
        return names, str(error)
    pytest.fail("nothing was told")


def alike(one: FloatArray, other: FloatArray) -> float:
    """The greatest correlation of two recordings of one voice, whose codecs delay it differently."""
    size = min(len(one), len(other))
    found = np.fft.irfft(np.fft.rfft(one[:size], 2 * size) * np.conj(np.fft.rfft(other[:size], 2 * size)))
    return float(found.max() / np.linalg.norm(one[:size]) / np.linalg.norm(other[:size]))


@pytest.mark.parametrize(("codec", "kind"), CODECS)
@pytest.mark.parametrize("write", [rtpdump, pcap_of])
def test_g_711_and_g_722_are_heard(tmp_path: Path, codec: str, kind: int, write: Write) -> None:
    track = track_of(write(tmp_path / "a", telephone_voice(codec, kind, 200)))
    assert len(track) == pytest.approx(200 * _20_MS, abs=40)
    assert alike(track, track_of(rtpdump(tmp_path / "b", voice(200)))) > 0.9


@pytest.mark.parametrize(
    ("codec", "kind", "name"), [("pcm_mulaw", 0, "pcmu"), ("pcm_alaw", 8, "pcma"), ("g722", 9, "g722")]
)
def test_in_an_mjr_too(tmp_path: Path, codec: str, kind: int, name: str) -> None:
    track = track_of(mjr(tmp_path / "a.mjr", telephone_voice(codec, kind, 100), c=name))
    assert len(track) == pytest.approx(100 * _20_MS, abs=40)


def test_a_lost_packet_is_a_gap_and_one_that_came_late_is_in_its_place(tmp_path: Path) -> None:
    sent = telephone_voice("pcm_mulaw", 0, 100)
    whole = track_of(rtpdump(tmp_path / "a", sent))
    late = [*sent[:50], sent[51], sent[50]._replace(at_s=sent[51].at_s + 0.001), *sent[52:]]
    assert np.array_equal(track_of(rtpdump(tmp_path / "b", late)), whole)
    lost = track_of(rtpdump(tmp_path / "c", [*sent[:50], *sent[51:]]))
    assert len(lost) == pytest.approx(len(whole), abs=40)
    assert not lost[50 * _20_MS + 20 : 51 * _20_MS - 20].any()


def test_each_party_is_heard_in_its_own_codec(tmp_path: Path) -> None:
    gateway = [*voice(200), *telephone_voice("pcm_alaw", 8, 200, ssrc=9)]
    with open_recording(rtpdump(tmp_path / "a", sorted(gateway))) as recording:
        tracks = heard(recording)
    assert set(tracks) == {f"ssrc-{SSRC:08x}", "ssrc-00000009"}
    assert alike(*tracks.values()) > 0.9


@pytest.mark.parametrize(("codec", "kind"), CODECS)
def test_a_codec_that_changes_in_mid_call_is_followed_there_and_back(tmp_path: Path, codec: str, kind: int) -> None:
    call = [*voice(100), *telephone_voice(codec, kind, 100, 100, 2.0), *voice(100, 4.0, 200)]
    call = [
        Sent(at_s, packet[:2] + (number + 7).to_bytes(2) + packet[4:]) for number, (at_s, packet) in enumerate(call)
    ]
    track, reference = track_of(rtpdump(tmp_path / "a", call)), track_of(rtpdump(tmp_path / "b", voice(300)))
    assert len(track) == pytest.approx(300 * _20_MS, abs=700)
    for part in range(3):
        piece = slice(part * 100 * _20_MS, (part + 1) * 100 * _20_MS)
        assert alike(track[piece], reference[piece]) > 0.8, part


def test_the_two_laws_of_g_711_are_told_apart_where_a_gateway_mixes_them_up(tmp_path: Path) -> None:
    right = track_of(rtpdump(tmp_path / "a", telephone_voice("pcm_mulaw", 0, 300)))
    wrong = track_of(rtpdump(tmp_path / "b", telephone_voice("pcm_mulaw", 8, 300)))
    assert np.array_equal(right, wrong)


def test_a_codec_that_cannot_be_heard_is_named_with_its_type_and_since_when(tmp_path: Path) -> None:
    g729 = [Sent(2.0 + 0.02 * n, rtp(100 + n, b"\1" * 20, kind=18, clock=160)) for n in range(100)]
    names, message = told(rtpdump(tmp_path / "a", [*voice(100), *g729]))
    assert names == [f"ssrc-{SSRC:08x}"]
    assert "payload type 18 (G.729), from 2.0 s on) that cannot be decoded: only Opus, G.711 and G.722 can" in message
    names, message = told(rtpdump(tmp_path / "b", g729))
    assert names == []
    assert "payload type 18 (G.729), from 0.0 s on" in message
    assert "--payload-type" not in message


def test_a_codec_with_a_dynamic_number_that_is_not_known_is_named(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    other = [Sent(0.02 * n, rtp(n, dice.bytes(61), kind=97, ssrc=9, clock=320)) for n in range(100)]
    _, message = told(pcap_of(tmp_path / "a", [*voice(100), *other]))
    assert "SSRC 00000009, payload type 97, from 0.0 s on) that cannot be decoded: it is not Opus" in message


def test_encrypted_g_711_is_told_and_not_heard(tmp_path: Path) -> None:
    dice = np.random.default_rng(6)
    path = rtpdump(tmp_path / "a", [Sent(0.02 * n, rtp(n, dice.bytes(170), kind=0, clock=160)) for n in range(100)])
    names, message = told(path)
    assert names == []
    assert "payload type 0 (PCMU)" in message
    assert "encrypted (SRTP)" in message


def test_payload_type_0_is_seen(tmp_path: Path) -> None:
    names, message = told(rtpdump(tmp_path / "a", telephone_voice("pcm_mulaw", 0, 3)))
    assert names == []
    assert "payload types seen: 0)" in message


@pytest.mark.parametrize("write", [rtpdump, pcap_of, mjr])
def test_comfort_noise_and_keys_are_not_opus_and_no_packet_seems_to_be_lost(tmp_path: Path, write: Write) -> None:
    """While the keys sound, nothing is said: their packets share one timestamp, and carry four bytes each."""
    sent = voice(200)
    for number in range(60, 70):
        packet = rtp(number, bytes([5, 10, 0, number]), kind=126 | (0x80 if number == 60 else 0))
        sent[number] = Sent(sent[number].at_s, packet[:4] + sent[60].rtp[4:8] + packet[8:])
    sent[120] = Sent(sent[120].at_s, rtp(120, b"\x40", kind=13))
    track = track_of(write(tmp_path / "a", sent))
    whole = track_of(write(tmp_path / "b", voice(200)))
    assert len(track) == len(whole)
    assert np.array_equal(track[: 60 * _20_MS], whole[: 60 * _20_MS])
    assert not track[66 * _20_MS : 70 * _20_MS].any(), "after 120 ms the last word has faded out"
    np.testing.assert_allclose(track[-20 * _20_MS :], whole[-20 * _20_MS :], atol=0.05)


@pytest.mark.parametrize("kind", [63, 112, 96, 127])
@pytest.mark.parametrize("write", [rtpdump, pcap_of, mjr])
def test_red_is_heard_with_any_number_and_its_copies_are_used(tmp_path: Path, kind: int, write: Write) -> None:
    lossy = [each for number, each in enumerate(red_voice(200, 2, kind)) if number % 10 not in (6, 7)]
    track, whole = track_of(write(tmp_path / "a", lossy)), track_of(rtpdump(tmp_path / "b", voice(200)))
    assert np.array_equal(track, whole)


def test_red_and_plain_opus_on_one_ssrc_are_one_voice(tmp_path: Path) -> None:
    parts = zip(voice(200), red_voice(200, 1, 112), strict=True)
    mixed = [pair[number // 50 % 2] for number, pair in enumerate(parts)]
    assert np.array_equal(track_of(rtpdump(tmp_path / "a", mixed)), track_of(rtpdump(tmp_path / "b", voice(200))))


def test_keys_inside_of_red_are_not_opus(tmp_path: Path) -> None:
    sent = red_voice(100)
    sent[50] = Sent(sent[50].at_s, rtp(50, b"\x7e\5\x0a\0\xa0", kind=63))
    track = track_of(rtpdump(tmp_path / "a", sent))
    assert len(track) == 100 * _20_MS
    assert np.array_equal(track[: 50 * _20_MS], track_of(rtpdump(tmp_path / "b", voice(50))))


@pytest.mark.parametrize("clock", [160, 320, 480])
@pytest.mark.parametrize("write", [rtpdump, pcap_of, mjr])
def test_opus_with_another_clock_is_heard(tmp_path: Path, clock: int, write: Write) -> None:
    track = track_of(write(tmp_path / "a", voice(200, clock=clock)))
    assert np.array_equal(track, track_of(rtpdump(tmp_path / "b", voice(200))))


def test_who_names_the_payload_type_is_believed_unless_the_packets_are_encrypted(tmp_path: Path) -> None:
    dice = np.random.default_rng(7)
    wild = [Sent(0.02 * n, rtp(0, opus()[n])) for n in range(100)]
    wild = [
        Sent(
            at_s, packet[:2] + n.to_bytes(2) + int(n * 960 + dice.integers(-200, 200) + 10**6).to_bytes(4) + packet[8:]
        )
        for n, (at_s, packet) in enumerate(wild)
    ]
    path = rtpdump(tmp_path / "a", wild)
    assert "--payload-type" in told(path)[1] or "timing of Opus" in told(path)[1]
    assert len(track_of(path, payload_type=111)) == pytest.approx(100 * _20_MS, abs=_20_MS)
    assert "SRTP" in told(pcap_of(tmp_path / "b", noise(300)), payload_type=111)[1]


def test_opus_that_was_not_chosen_is_named(tmp_path: Path) -> None:
    path = rtpdump(tmp_path / "a", sorted([*voice(100), *voice(100, ssrc=9, kind=77)]))
    names, message = told(path)
    assert names == [f"ssrc-{SSRC:08x}"]
    assert "payload type 77" in message
    assert "choose it with --payload-type" in message


def test_later_speech_lies_where_it_was_said_after_a_mute_that_the_timestamps_leave_out(tmp_path: Path) -> None:
    """Two files of Janus, together: one participant mutes for 5 s, and the timestamps run on."""
    muted = [each._replace(at_s=each.at_s + (5 if number >= 100 else 0)) for number, each in enumerate(voice(200))]
    ada = mjr(tmp_path / "videoroom-12-user-ada-99-audio-0.mjr", muted)
    bob = mjr(tmp_path / "videoroom-12-user-bob-99-audio-0.mjr", voice(200), u=1_700_000_001_000_000)
    with open_meeting([ada, bob]) as recording:
        pieces = list(recording)
    begins = {
        name: [each.at for each in in_packets(piece.chunk for piece in pieces if piece.participant == name)]
        for name in recording.participants
    }
    assert begins["user-ada"][99:101] == [99 * _20_MS, 100 * _20_MS + 5 * SAMPLE_RATE_HZ]
    assert begins["user-bob"][0] / SAMPLE_RATE_HZ == pytest.approx(1, abs=0.016)
    assert begins["user-bob"][-1] - begins["user-bob"][0] == 199 * _20_MS


@pytest.mark.parametrize(("codec", "kind"), CODECS)
def test_so_it_does_for_g_711(tmp_path: Path, codec: str, kind: int) -> None:
    sent = telephone_voice(codec, kind, 200)
    muted = [each._replace(at_s=each.at_s + (5 if number >= 100 else 0)) for number, each in enumerate(sent)]
    track = track_of(pcap_of(tmp_path / "a", muted))
    assert len(track) == pytest.approx(200 * _20_MS + 5 * SAMPLE_RATE_HZ, abs=40)
    assert not track[101 * _20_MS : 6 * SAMPLE_RATE_HZ].any()
