"""Captures of tunnels, relays and old programs are read; what holds no RTP says what it holds instead."""

import bz2
import gzip
import io
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.cli.analyze.inputs import find_inputs
from ser_track.errors import AudioError
from ser_track.recordings.packets.datagrams import datagram
from ser_track.recordings.packets.link_layer import NotRead
from ser_track.recordings.packets.turn import relayed
from ser_track.recordings.recording import open_meeting, open_recording
from tests.helpers.packets import (
    BEGUN_S,
    ethernet,
    heard,
    mediajson_media,
    mediajson_start,
    mjr,
    pcap,
    pcap_of,
    rtpdump,
    udp,
    voice,
)
from tests.helpers.signals import noise
from tests.recordings.packets.test_codecs import told, track_of

OUTER = ("10.1.1.1", 40_001), ("10.1.1.2", 40_002)


def ip(payload: bytes, protocol: int) -> bytes:
    """An IPv4 packet between the ends of a tunnel."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
    return head + bytes([10, 1, 1, 1, 10, 1, 1, 2]) + payload


def to_port(port: int, payload: bytes) -> bytes:
    return udp(payload, OUTER[0], (OUTER[1][0], port))


def turn_indication(payload: bytes) -> bytes:
    peer = struct.pack("!HH8s", 0x0012, 8, bytes(8))
    data = struct.pack("!HH", 0x0013, len(payload)) + payload + bytes(-len(payload) % 4)
    return struct.pack("!HHI12s", 0x0017, len(peer + data), 0x2112A442, bytes(12)) + peer + data


LABELS = struct.pack("!II", 100 << 12, 200 << 12 | 1 << 8)
TUNNELS: dict[str, Callable[[bytes], bytes]] = {
    "vxlan": lambda rtp: ethernet(to_port(4789, struct.pack("!II", 8 << 24, 5 << 8) + ethernet(udp(rtp)))),
    "vxlan of old Linux": lambda rtp: ethernet(to_port(8472, struct.pack("!II", 8 << 24, 0) + ethernet(udp(rtp), [7]))),
    "geneve": lambda rtp: ethernet(to_port(6081, b"\1\0\x65\x58" + bytes(4) + bytes(4) + ethernet(udp(rtp)))),
    "gtp": lambda rtp: ethernet(to_port(2152, struct.pack("!BBHI", 0x30, 255, 0, 1) + udp(rtp))),
    "gtp with an extension": lambda rtp: ethernet(
        to_port(2152, struct.pack("!BBHI", 0x34, 255, 0, 1) + b"\0\0\0\x85\1\0\0\0" + udp(rtp))
    ),
    "gre": lambda rtp: ethernet(ip(b"\0\0\x08\0" + udp(rtp), 47)),
    "gre with a key": lambda rtp: ethernet(ip(b"\x20\0\x08\0" + bytes(4) + udp(rtp), 47)),
    "gre of ethernet": lambda rtp: ethernet(ip(b"\0\0\x65\x58" + ethernet(udp(rtp)), 47)),
    "ip in ip": lambda rtp: ethernet(ip(udp(rtp), 4)),
    "ipv6 in ip": lambda rtp: ethernet(ip(udp(rtp, ("2001:db8::7", 4_000), ("2001:db8::1", 5_000)), 41)),
    "authenticated": lambda rtp: ethernet(ip(bytes([4, 1, 0, 0]) + bytes(8) + udp(rtp), 51)),
    "mpls": lambda rtp: bytes(12) + b"\x88\x47" + LABELS + udp(rtp),
    "mpls of ethernet": lambda rtp: bytes(12) + b"\x88\x47" + LABELS + bytes(4) + ethernet(udp(rtp)),
    "mpls in udp": lambda rtp: ethernet(to_port(6635, LABELS + udp(rtp))),
    "pppoe": lambda rtp: bytes(12) + b"\x88\x64\x11\0\0\1\0\0\0\x21" + udp(rtp),
    "pppoe in a vlan": lambda rtp: bytes(12) + b"\x81\0\0\7\x88\x64\x11\0\0\1\0\0\0\x21" + udp(rtp),
    "turn's channels": lambda rtp: ethernet(udp(struct.pack("!HH", 0x4001, len(rtp)) + rtp)),
    "turn's indications": lambda rtp: ethernet(udp(turn_indication(rtp))),
    "a tunnel in a tunnel": lambda rtp: ethernet(
        ip(b"\0\0\x08\0" + to_port(4789, struct.pack("!II", 8 << 24, 0) + ethernet(udp(rtp))), 47)
    ),
}


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_a_voice_in_a_tunnel_is_heard_under_the_addresses_inside(tmp_path: Path, tunnel: str) -> None:
    frames = [(at_s, TUNNELS[tunnel](packet)) for at_s, packet in voice(50)]
    with open_recording(pcap(tmp_path / "a", frames)) as recording:
        (name,) = recording.participants
        assert not name.startswith("10.1.1.")
        assert len(heard(recording)[name]) == SAMPLE_RATE_HZ


def test_on_a_link_of_ppp_too(tmp_path: Path) -> None:
    for name, head in (("a", b"\xff\x03\0\x21"), ("b", b"\x21")):
        frames = [(at_s, head + udp(packet)) for at_s, packet in voice(50)]
        assert len(track_of(pcap(tmp_path / name, frames, link=9))) == SAMPLE_RATE_HZ


def test_rtp_at_the_port_of_a_tunnel_is_rtp(tmp_path: Path) -> None:
    for port in (4789, 8472, 6081, 2152, 6635, 51820, 4500):
        frames = [(at_s, ethernet(to_port(port, packet))) for at_s, packet in voice(50)]
        assert len(track_of(pcap(tmp_path / "a", frames))) == SAMPLE_RATE_HZ, port


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_no_part_of_a_tunnel_makes_trouble(tunnel: str) -> None:
    whole = TUNNELS[tunnel](voice(1)[0].rtp)
    for size in range(len(whole)):
        datagram(1, whole[:size])


def test_frames_in_frames_in_frames_are_not_followed_for_ever() -> None:
    nested = ethernet(udp(b"\x80" * 20))
    for _ in range(3_000):
        nested = bytes(12) + b"\x88\x47" + LABELS + bytes(4) + nested
    assert datagram(1, nested) is None
    tunnel = udp(b"\x80" * 20)
    for _ in range(200):
        tunnel = ip(b"\0\0\x08\0" + tunnel, 47)
    assert datagram(101, tunnel) is None


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (ethernet(ip(bytes(40), 6)), "TCP"),
        (ethernet(ip(bytes(40), 50)), "IPsec"),
        (ethernet(to_port(4500, b"\1\2\3\4" + bytes(40))), "IPsec"),
        (ethernet(to_port(51820, b"\4\0\0\0" + bytes(40))), "WireGuard"),
        (bytes(12) + b"\x88\xe5" + bytes(40), "MACsec"),
    ],
)
def test_what_may_hold_audio_and_is_not_read_is_named(tmp_path: Path, frame: bytes, name: str) -> None:
    assert isinstance(datagram(1, frame), NotRead)
    with pytest.raises(AudioError) as told, open_recording(pcap(tmp_path / "a", [(0.0, frame)] * 9)):
        pass
    assert f"has no RTP; it holds packets in which audio cannot be found (9 of {name}" in str(told.value)
    assert "--payload-type" not in str(told.value)
    # Beside a voice it is nothing to tell of: every capture holds TCP.
    frames = [(at_s, ethernet(udp(packet))) for at_s, packet in voice(50)]
    assert len(track_of(pcap(tmp_path / "b", [*frames, (0.5, frame)]))) == SAMPLE_RATE_HZ


def test_what_was_not_relayed_stays_as_it_is() -> None:
    for payload in (b"", b"\x40", b"\x40\1\xff\xff123", voice(1)[0].rtp, turn_indication(b"abc")[:20]):
        assert relayed(payload) == payload
    assert relayed(turn_indication(b"abc")) == b"abc"


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_obsolete_packet_block_of_pcapng_is_read(tmp_path: Path, order: str) -> None:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack(f"{order}II", kind, len(body) + 12) + body + struct.pack(f"{order}I", len(body) + 12)

    data = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack(f"{order}HHI", 1, 0, 0))
    for at_s, packet in voice(50):
        time_us, frame = round((BEGUN_S + at_s) * 1e6), ethernet(udp(packet))
        numbers = 0, 0, time_us >> 32, time_us & 0xFFFFFFFF, len(frame), len(frame)
        data += block(2, struct.pack(f"{order}HHIIII", *numbers) + frame)
    (tmp_path / "a").write_bytes(data)
    assert len(track_of(tmp_path / "a")) == SAMPLE_RATE_HZ


Compress = Callable[[bytes], bytes]
COMPRESSIONS = [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
@pytest.mark.parametrize("write", [pcap_of, rtpdump, mjr])
def test_compressed_recordings_are_read(
    tmp_path: Path, compress: Compress, name: str, write: Callable[..., Path]
) -> None:
    (tmp_path / "a.gz").write_bytes(compress(write(tmp_path / "a", voice(100)).read_bytes()))
    assert len(track_of(tmp_path / "a.gz")) == 2 * SAMPLE_RATE_HZ
    with open_meeting([tmp_path / "a.gz"]) as recording:
        assert len(recording.participants) == 1


def test_a_compressed_dump_of_mediajson_is_read_and_found_in_a_folder(tmp_path: Path) -> None:
    lines = [mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(50))]
    (tmp_path / "dump.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode()))
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"text"))
    assert len(track_of(tmp_path / "dump.jsonl.gz")) == SAMPLE_RATE_HZ
    assert [str(each) for each in find_inputs([tmp_path]).found] == [str(tmp_path / "dump.jsonl.gz")]


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_a_compressed_recording_that_is_cut_off_is_heard_up_to_there(
    tmp_path: Path, compress: Compress, name: str
) -> None:
    sent = voice(200)
    data = compress(rtpdump(tmp_path / "a", sent).read_bytes())
    (tmp_path / "b").write_bytes(data[: len(data) - 1_000])
    names, message = told(tmp_path / "b")
    if name == "bzip2":  # its blocks are longer than this recording
        assert "is compressed (bzip2), and no recorded packets were found in it" in message
    else:
        assert "compressed data is damaged or cut off" in message
        assert len(names) == 1


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (gzip.compress(noise(9_000).tobytes()), "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"PK\3\4", "zip"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
    ],
)
def test_what_is_compressed_otherwise_is_named(tmp_path: Path, head: bytes, name: str) -> None:
    (tmp_path / "a").write_bytes(head + bytes(600))
    names, message = told(tmp_path / "a")
    assert names == []
    assert f"is compressed ({name}), and " in message
    assert message.endswith("; decompress it first")


def test_standard_input_may_be_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = gzip.compress(rtpdump(tmp_path / "a", voice(50)).read_bytes())

    class Piped(io.BytesIO):
        """Cannot be read again, as a pipe cannot."""

        def seekable(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Piped(data))))
    assert len(track_of(Path("-"))) == SAMPLE_RATE_HZ
