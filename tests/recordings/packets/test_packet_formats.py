"""Each format as its recorders write it, and damaged: what could be read is heard, and what is wrong is told."""

import io
import struct
import tempfile
from base64 import b64encode
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.mediajson.writer import MediaJsonWriter
from ser_track.recordings.packets.datagrams import Datagram, datagram
from ser_track.recordings.packets.packet_formats import HEAD_BYTES, holds_packets
from ser_track.recordings.recording import open_recording
from tests.helpers.packets import (
    Sent,
    digital_silence,
    ethernet,
    heard,
    mediajson_line,
    mediajson_media,
    mediajson_start,
    mjr,
    opus,
    pcap,
    pcap_of,
    rtp,
    rtpdump,
    udp,
    voice,
)
from tests.helpers.signals import cut, noise
from tests.paths import PACKETS, SHARED

SAMPLE = SHARED / "jitsi" / "sample.jsonl"
REAL = [*PACKETS.glob("*.mjr"), PACKETS / "spoken.pcap", PACKETS / "spoken.rtpdump"]


def refused(path: Path) -> str:
    with pytest.raises(AudioError) as failure, open_recording(path):
        pass
    return str(failure.value)


def heard_until_the_end(path: Path) -> tuple[float, str]:
    """Seconds that were heard of the only participant, and what was told afterwards."""
    pieces = list[ParticipantChunk]()
    with open_recording(path) as recording, pytest.raises(AudioError) as failure:
        pieces.extend(recording)
    return sum(len(piece.chunk.samples) for piece in pieces) / SAMPLE_RATE_HZ, str(failure.value)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.suffix)
def test_what_real_recorders_wrote_is_heard_to_the_last_sample(path: Path) -> None:
    with open_recording(path) as recording:
        (track,) = heard(recording).values()
    assert len(REAL) == 3
    assert len(track) == len(opus()) * SAMPLE_RATE_HZ // 50
    with open_recording(REAL[0]) as recording:
        (first,) = heard(recording).values()
    assert np.array_equal(track, first)


def test_a_real_capture_of_all_interfaces_is_the_beginning_of_the_same() -> None:
    with open_recording(PACKETS / "fragment.pcapng") as recording, open_recording(REAL[0]) as whole:
        (track,), (all_of_it,) = heard(recording).values(), heard(whole).values()
    assert 5.5 * SAMPLE_RATE_HZ < len(track) <= 6 * SAMPLE_RATE_HZ
    assert np.array_equal(track, all_of_it[: len(track)])


def test_names_come_from_what_each_form_knows() -> None:
    names = list[str]()
    for path in REAL:
        with open_recording(path) as recording:
            names += recording.participants
    assert names[0] == "user-7"
    assert names[1].startswith("127.0.0.1:")
    assert names[2].startswith("ssrc-")


@pytest.mark.parametrize("make", [rtpdump, mjr, pcap_of])
def test_what_is_cut_off_is_heard_up_to_there(tmp_path: Path, make: object) -> None:
    assert callable(make)
    path = make(tmp_path / "a", voice(100))
    path.write_bytes(path.read_bytes()[:-20])
    heard_s, told = heard_until_the_end(path)
    assert heard_s == pytest.approx(1.98)
    assert told.startswith(f"{path} is cut off in the middle of a packet")


@pytest.mark.parametrize("make", [mjr, pcap_of])
def test_damage_is_told_with_its_place(tmp_path: Path, make: object) -> None:
    assert callable(make)
    path = make(tmp_path / "a", voice(100))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    heard_s, told = heard_until_the_end(path)
    assert 0.5 < heard_s < 1.5
    assert "damaged at byte" in told


def test_packets_that_were_kept_in_part_are_told(tmp_path: Path) -> None:
    sent = voice(100)
    data = rtpdump(tmp_path / "a", sent[:99]).read_bytes()
    data += struct.pack("!HHI", 20, len(sent[99].rtp), 1980) + sent[99].rtp[:12]
    (tmp_path / "a").write_bytes(data)
    assert heard_until_the_end(tmp_path / "a")[1].endswith("holds 1 incomplete packet(s); record with rtpdump -F dump")
    frames = [(at_s, ethernet(udp(packet))) for at_s, packet in sent]
    data = pcap(tmp_path / "b", frames[:99]).read_bytes()
    data += struct.pack("<IIII", 1_700_000_001, 980_000, 54, len(frames[99][1])) + frames[99][1][:54]
    (tmp_path / "b").write_bytes(data)
    heard_s, told = heard_until_the_end(tmp_path / "b")
    assert heard_s == pytest.approx(1.98)
    assert told.endswith("holds 1 incomplete packet(s); capture with tcpdump -s 0")


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"t": "v", "c": "vp8"}, "has no audio"),
        ({"c": "l16-48"}, "has audio as l16-48"),
        ({"e": True}, "end-to-end encrypted"),
        ({"u": "yesterday"}, "damaged .mjr header"),
    ],
)
def test_an_mjr_that_cannot_be_heard_says_why(tmp_path: Path, about: dict[str, object], reason: str) -> None:
    assert reason in refused(mjr(tmp_path / "a.mjr", voice(10), **about))


def test_an_mjr_without_times_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.mjr").write_bytes(b"MJR00001" + mjr(tmp_path / "b.mjr", voice(9)).read_bytes()[8:])
    assert "convert it with janus-pp-rec" in refused(tmp_path / "a.mjr")


def test_redundant_packets_in_an_mjr_are_heard_once(tmp_path: Path) -> None:
    plain = voice(100)
    red = [plain[0]]
    for number in range(1, 100):
        older, own = opus()[number - 1], opus()[number]
        head = bytes([0x80 | 111]) + (960 << 10 | len(older)).to_bytes(3) + bytes([111])
        red.append(Sent(plain[number].at_s, rtp(number, head + older + own, kind=63)))
    tracks = list[FloatArray]()
    for path in (mjr(tmp_path / "a.mjr", plain), mjr(tmp_path / "b.mjr", red, **{"or": 63})):
        with open_recording(path) as recording:
            tracks += heard(recording).values()
    assert np.array_equal(tracks[0], tracks[1])


def test_silence_that_an_mjr_marks_is_left_out(tmp_path: Path) -> None:
    marked = [
        Sent(at_s, bytes([packet[0] | 0x10]) + packet[1:12] + b"\xbe\xde\0\1" + b"\x30\xff\0\0" + digital_silence())
        for at_s, packet in voice(100)
    ]
    extensions = {"3": "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
    with open_recording(mjr(tmp_path / "a.mjr", marked, x=extensions)) as recording:
        heard_samples = sum(len(piece.chunk.samples) for piece in recording)
    assert heard_samples == SAMPLE_RATE_HZ // 2  # a second and a half more was marked


@pytest.mark.parametrize(("link", "head"), [(0, b"\2\0\0\0"), (108, b"\0\0\0\2"), (101, b""), (228, b"")])
def test_other_links_than_ethernet(tmp_path: Path, link: int, head: bytes) -> None:
    frames = [(at_s, head + udp(packet)) for at_s, packet in voice(50)]
    with open_recording(pcap(tmp_path / "a", frames, link)) as recording:
        assert len(heard(recording)["192.0.2.7:40002"]) == SAMPLE_RATE_HZ


@pytest.mark.parametrize(("order", "unit_s"), [("<", 1e-9), (">", 1e-6), (">", 1e-9)])
def test_numbers_of_either_order_and_nanoseconds(tmp_path: Path, order: str, unit_s: float) -> None:
    frames = [(at_s, ethernet(udp(packet))) for at_s, packet in voice(50)]
    with open_recording(pcap(tmp_path / "a", frames, order=order, unit_s=unit_s)) as recording:
        assert recording.duration_s == pytest.approx(0.98)
        assert len(heard(recording)["192.0.2.7:40002"]) == SAMPLE_RATE_HZ


def test_ipv6_and_vlans(tmp_path: Path) -> None:
    ends = ("2001:db8::7", 4_000), ("2001:db8::1", 5_000)
    frames = [(at_s, ethernet(udp(packet, *ends), vlans=[7, 8])) for at_s, packet in voice(50)]
    with open_recording(pcap(tmp_path / "a", frames)) as recording:
        assert recording.participants == ("[2001:db8::7]:4000",)


def test_a_handshake_for_keys_names_the_reason(tmp_path: Path) -> None:
    hello = udp(b"\x16\xfe\xff" + bytes(30))
    frames = [(0.0, ethernet(hello))]
    dice = np.random.default_rng(3)
    frames += [(0.02 * n, ethernet(udp(rtp(n, dice.bytes(50))))) for n in range(100)]
    assert "because SRTP encrypts it; record where it is not encrypted" in refused(pcap(tmp_path / "a", frames))


def test_what_is_no_rtp_is_passed_over(tmp_path: Path) -> None:
    others = [b"", b"\0\1\0\0", udp(b"\x80"), udp(bytes(40)), udp(b"\x80\xc8" + bytes(40))]
    frames = [(at_s, ethernet(udp(packet))) for at_s, packet in voice(50)]
    frames += [(0.5, ethernet(each) if each[:1] == b"\x45" else each) for each in others]
    fragment = bytearray(udp(voice(1)[0].rtp))
    fragment[6:8] = b"\x20\0"
    with open_recording(pcap(tmp_path / "a", [*frames, (0.6, ethernet(bytes(fragment)))])) as recording:
        assert len(heard(recording)["192.0.2.7:40002"]) == SAMPLE_RATE_HZ


def test_a_link_that_is_not_known_is_told(tmp_path: Path) -> None:
    path = pcap(tmp_path / "a", [(0.0, bytes(60))], link=127)
    assert "kind of link that is not read (type 127)" in refused(path)


def test_no_part_of_a_frame_makes_trouble() -> None:
    whole = ethernet(udp(voice(1)[0].rtp))
    assert isinstance(datagram(1, whole), Datagram)
    for size in range(len(whole)):
        found = datagram(1, whole[:size])
        assert found is None if size < 40 else isinstance(found, Datagram) and found.payload == whole[42:size]


@pytest.mark.shared
def test_a_bridge_s_own_recording_has_its_pause() -> None:
    if not SAMPLE.exists():
        pytest.skip("the recording of a bridge lies beside the repository, and is not there")
    with open_recording(SAMPLE) as recording:
        assert recording.participants == ("aaaaaaaa", "bbbbbbbb")
        pieces = list(recording)
    begins = [piece.chunk.at for piece in pieces if piece.participant == "aaaaaaaa"]
    # From the last packet before it to the first after it, as the bridge's own clock counts.
    assert max(after - before for before, after in pairwise(begins)) / SAMPLE_RATE_HZ == 31.96


def test_a_dump_that_is_cut_off_in_a_line_is_heard_up_to_there(tmp_path: Path) -> None:
    lines = [mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(100))]
    (tmp_path / "a").write_text("".join(lines)[:-30])
    heard_s, told = heard_until_the_end(tmp_path / "a")
    assert heard_s == pytest.approx(1.98)
    assert told.endswith("is cut off in the middle of its last line")


def test_lines_that_cannot_be_used_are_counted_and_the_first_is_quoted(tmp_path: Path) -> None:
    lines = [
        mediajson_start("a-1", "a"),
        *(mediajson_media("a-1", n / 50, n) for n in range(50)),
        "nonsense\n",
        mediajson_media("b-1", 1, 0),
        mediajson_line(1, "ping", id=1),
        mediajson_start("c-1", "c", "g729"),
        mediajson_media("c-1", 1, 0),
        mediajson_media("a-1", 1, 50).rstrip("\n"),
    ]
    (tmp_path / "a").write_text("".join(lines))
    heard_s, told = heard_until_the_end(tmp_path / "a")
    assert heard_s == pytest.approx(1.02)
    assert "has 2 lines that cannot be used (line 52: " in told
    assert "has 'c' as g729, which cannot be decoded" in told


def test_a_bridge_s_pcm_is_heard_beside_opus(tmp_path: Path) -> None:
    samples = noise(16_000)
    payloads = [b64encode((part * 32_767).astype(">i2").tobytes()).decode() for part in cut(samples, [320])]
    start = {"tag": "b-1", "mediaFormat": {"encoding": "l16", "sampleRate": 16_000}}
    lines = [mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(50))]
    lines.append(mediajson_line(1, "start", start=start))
    for number, payload in enumerate(payloads):
        media = {"tag": "b-1", "chunk": str(number), "timestamp": str(320 * number), "payload": payload}
        lines.append(mediajson_line(1 + number / 50, "media", media=media))
    (tmp_path / "a").write_text("".join(lines))
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == ("a", "b-1")
        tracks = heard(recording)
    assert len(tracks["a"]) == SAMPLE_RATE_HZ
    begin = 31 * WINDOW_SAMPLES
    np.testing.assert_allclose(tracks["b-1"][begin:], samples, atol=1e-4)


def test_a_byte_order_mark_is_not_part_of_a_dump(tmp_path: Path) -> None:
    lines = [mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(50))]
    (tmp_path / "a").write_text("".join(lines), encoding="utf-8-sig")
    with open_recording(tmp_path / "a") as recording:
        (track,) = heard(recording).values()
    assert len(track) == SAMPLE_RATE_HZ


def test_timestamps_in_milliseconds_are_followed(tmp_path: Path) -> None:
    lines = [mediajson_start("a-1", "a")]
    for number in range(50):
        media = {"tag": "a-1", "chunk": str(number), "timestamp": str(1_000 + 20 * number)}
        media["payload"] = b64encode(opus()[number]).decode()
        lines.append(mediajson_line(number / 50, "media", media=media))
    (tmp_path / "a").write_text("".join(lines))
    with open_recording(tmp_path / "a") as recording:
        (track,) = heard(recording).values()
    assert len(track) == SAMPLE_RATE_HZ


def test_an_empty_packet_of_pcm_deafens_nobody(tmp_path: Path) -> None:
    start = {"tag": "b-1", "mediaFormat": {"encoding": "pcmu", "sampleRate": 8_000}}
    lines = [mediajson_line(0, "start", start=start)]
    for number in range(100):
        payload = "" if number == 20 else b64encode(bytes(160)).decode()
        media = {"tag": "b-1", "chunk": str(number), "timestamp": str(160 * number), "payload": payload}
        lines.append(mediajson_line(number / 50, "media", media=media))
    (tmp_path / "a").write_text("".join(lines))
    with open_recording(tmp_path / "a") as recording:
        (track,) = heard(recording).values()
    assert len(track) == pytest.approx(2 * SAMPLE_RATE_HZ, abs=40)


def test_a_second_source_takes_over_from_the_first(tmp_path: Path) -> None:
    first = [mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(100))]
    second = [mediajson_start("a-2", "a"), *(mediajson_media("a-2", 4 + n / 50, n) for n in range(100))]
    (tmp_path / "a").write_text("".join(first + second))
    with open_recording(tmp_path / "a") as recording:
        assert recording.participants == ("a",)
        (track,) = heard(recording).values()
    assert len(track) / SAMPLE_RATE_HZ == pytest.approx(6, abs=0.05)


@pytest.mark.parametrize("head", [b"", b"RIFF1234WAVE", b"{}", b'{"type":"joined"}\n', b"\n" * 20])
def test_what_is_no_recording_of_packets(head: bytes) -> None:
    assert not holds_packets(head)


def test_every_real_recording_is_known_by_its_beginning() -> None:
    for path in (*REAL, PACKETS / "fragment.pcapng"):
        assert holds_packets(io.BytesIO(path.read_bytes()).read(HEAD_BYTES))


@pytest.mark.parametrize("form", ["mjr", "rtpdump", "pcap", "pcapng", "mediajson", "decoded"])
@given(data=st.data())
def test_whatever_is_damaged_the_answer_is_an_audio_error(form: str, data: st.DataObject) -> None:
    whole = bytearray(_small(form))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(8, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(whole)
        with suppress(AudioError), open_recording(path) as recording:
            for piece in recording:
                assert piece.chunk.at >= 0


def _small(form: str) -> bytes:
    """A file of thirty packets, or of a real recording's beginning."""
    if form == "pcapng":
        return (PACKETS / "fragment.pcapng").read_bytes()[:6_000]
    if form == "decoded":
        file = io.BytesIO()
        writer = MediaJsonWriter(file, 1_700_000_000.0, 1 << 20)
        for number in range(10):
            writer.put_chunk("s1", "Ada", Chunk(number * 320, noise(320, number)), 0.0)
        return file.getvalue()
    if form == "mediajson":
        return "".join([mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(30))]).encode()
    make = {"mjr": mjr, "rtpdump": rtpdump, "pcap": pcap_of}[form]
    with tempfile.TemporaryDirectory() as folder:
        return make(Path(folder) / "a", voice(30)).read_bytes()
