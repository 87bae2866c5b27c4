"""Packets of a real voice, and files of them as recorders write them, also as they should not."""

import functools
import json
import struct
from base64 import b64encode
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from ser_track.chunk import Chunk, FloatArray
from ser_track.recordings.recording import Recording
from ser_track.rtp.opus import OpusDecoder
from tests.paths import PACKETS
from training.opus import encoded

BEGUN_S = 1_700_000_000
SSRC = 0xC0FFEE
LOCAL, REMOTE = ("192.0.2.7", 40_002), ("192.0.2.1", 5_004)


@functools.cache
def stereo_opus(left_first: int = 0) -> tuple[bytes, ...]:
    """The recorded voice on the left, and on the right what it says ``left_first`` packets later; -1: upside down."""
    decoder, encoder = OpusDecoder(), av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "stereo", "flt"
    encoder.options = {"frame_duration": "20"}
    left = np.concatenate([decoder.decode(payload) for payload in opus()])
    right = -left if left_first < 0 else np.roll(left, left_first * 320)
    packets: list[bytes] = []
    for begin in range(0, len(left) // 320 * 320, 320):
        both = np.stack([left[begin : begin + 320], right[begin : begin + 320]], axis=1)
        frame = av.AudioFrame.from_ndarray(both.reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts = 16_000, begin
        packets += map(bytes, encoder.encode(frame))
    return tuple(packets)


class Sent(NamedTuple):
    """An RTP packet, and when it came, after the beginning."""

    at_s: float
    rtp: bytes


@functools.cache
def opus() -> tuple[bytes, ...]:
    """The recorded voice, 20 ms each."""
    with av.open(str(PACKETS / "spoken.ogg")) as container:
        return tuple(bytes(packet) for packet in container.demux(audio=0) if packet.size)


@functools.cache
def digital_silence() -> bytes:
    """A packet of 20 ms without any sound, as a sender that is muted and has no DTX sends it."""
    return encoded(np.zeros((50, 320), np.float32), 32_000, dtx=False)[-1]


def rtp(number: int, payload: bytes, *, kind: int = 111, ssrc: int = SSRC, clock: int = 960) -> bytes:
    head = struct.pack(
        "!BBHII", 0x80, kind, (65_500 + number) & 0xFFFF, (4_294_000_000 + number * clock) & 0xFFFFFFFF, ssrc
    )
    return head + payload


def voice(count: int, begin_s: float = 0.0, first: int = 0, **how: int) -> list[Sent]:
    """``count`` packets of the voice, in real time; every wrap of RTP's numbers is in the first hundred."""
    return [Sent(begin_s + 0.02 * n, rtp(n, opus()[first + n], **how)) for n in range(count)]


def red_payload(number: int, copies: int = 1, kind: int = 111) -> bytes:
    """The voice's packet ``number`` in RED, with the ``copies`` packets before it."""
    older = [(age, opus()[number - age]) for age in range(min(copies, number), 0, -1)]
    heads = [struct.pack("!BHB", 0x80 | kind, age * 960 << 2 | len(each) >> 8, len(each) & 255) for age, each in older]
    return b"".join([*heads, bytes([kind]), *(each for _, each in older), opus()[number]])


def red_voice(count: int, copies: int = 1, kind: int = 63, inside: int = 111, **how: int) -> list[Sent]:
    """As `voice`, in RED."""
    return [Sent(0.02 * n, rtp(n, red_payload(n, copies, inside), kind=kind, **how)) for n in range(count)]


@functools.cache
def telephone(codec: str, count: int) -> tuple[bytes, ...]:
    """The same voice as packets of 20 ms, 160 bytes, by one of FFmpeg's encoders: pcm_mulaw, pcm_alaw or g722."""
    with av.open(str(PACKETS / "spoken.ogg")) as container:
        rate_hz = 16_000 if codec == "g722" else 8_000
        resampler = av.AudioResampler("s16", "mono", rate_hz, 320 if codec == "g722" else 160)
        encoder = av.CodecContext.create(codec, "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.format, encoder.layout, encoder.sample_rate = "s16", "mono", rate_hz
        data = b""
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                part.pts = None
                data += b"".join(bytes(packet) for packet in encoder.encode(part))
            if len(data) >= 160 * count:
                break
    return tuple(data[at : at + 160] for at in range(0, 160 * count, 160))


def telephone_voice(
    codec: str, kind: int, count: int, first: int = 0, begin_s: float = 0.0, ssrc: int = SSRC
) -> list[Sent]:
    """``count`` packets of G.711 or G.722 from packet ``first`` on, in real time."""
    packets = telephone(codec, first + count)[first:]
    return [
        Sent(begin_s + 0.02 * n, rtp(first + n, packet, kind=kind, ssrc=ssrc, clock=160))
        for n, packet in enumerate(packets)
    ]


def in_packets(pieces: Iterable[Chunk]) -> list[Chunk]:
    """``pieces``, each cut into packets of 20 ms: packets that follow each other are decoded into one."""
    return [
        Chunk(piece.at + at, piece.samples[at : at + 320])
        for piece in pieces
        for at in range(0, max(1, len(piece.samples)), 320)
    ]


def noise(count: int, **how: int) -> list[Sent]:
    """The same, encrypted: with payloads that could be anything."""
    dice = np.random.default_rng(1)
    return [Sent(0.02 * n, rtp(n, dice.bytes(60), **how)) for n in range(count)]


def udp(payload: bytes, source: tuple[str, int] = LOCAL, to: tuple[str, int] = REMOTE) -> bytes:
    """In IPv4 or IPv6."""
    ends = [ip_address(host).packed for host, _ in (source, to)]
    body = struct.pack("!HHHH", source[1], to[1], 8 + len(payload), 0) + payload
    if len(ends[0]) == 4:
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, 17, 0) + b"".join(ends) + body
    return struct.pack("!IHBB", 6 << 28, len(body), 17, 64) + b"".join(ends) + body


def ethernet(packet: bytes, vlans: Sequence[int] = ()) -> bytes:
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    tags = b"".join(struct.pack("!HH", 0x8100, number) for number in vlans)
    return bytes(12) + tags + struct.pack("!H", kind) + packet + bytes(max(0, 46 - len(packet)))


def pcap(
    path: Path, frames: Iterable[tuple[float, bytes]], link: int = 1, order: str = "<", unit_s: float = 1e-6
) -> Path:
    magic = 0xA1B2C3D4 if unit_s == 1e-6 else 0xA1B23C4D
    data = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, link)
    for at_s, frame in frames:
        whole, part = divmod(round((BEGUN_S + at_s) / unit_s), round(1 / unit_s))
        data += struct.pack(f"{order}IIII", whole, part, len(frame), len(frame)) + frame
    path.write_bytes(data)
    return path


def pcap_of(path: Path, sent: Iterable[Sent]) -> Path:
    return pcap(path, [(at_s, ethernet(udp(packet))) for at_s, packet in sorted(sent)])


def rtpdump(path: Path, sent: Iterable[Sent]) -> Path:
    data = b"#!rtpplay1.0 192.0.2.7/40002\n" + struct.pack("!IIIHH", BEGUN_S, 0, 0, 40_002, 0)
    for at_s, packet in sent:
        data += struct.pack("!HHI", len(packet) + 8, len(packet), round(at_s * 1000)) + packet
    path.write_bytes(data)
    return path


def mjr(path: Path, sent: Iterable[Sent], **about: object) -> Path:
    text = json.dumps({"t": "a", "c": "opus", "s": 0, "u": BEGUN_S * 1_000_000} | about).encode()
    data = b"MJR00002" + struct.pack("!H", len(text)) + text
    for at_s, packet in sent:
        data += struct.pack("!4sIH", b"MEET", round(at_s * 1000), len(packet)) + packet
    path.write_bytes(data)
    return path


def mediajson_line(at_s: float, event: str, **body: object) -> str:
    frame = json.dumps({"event": event, "sequenceNumber": "1", **body})
    return json.dumps({"timestamp": round((BEGUN_S + at_s) * 1000), "direction": "incoming", "data": frame}) + "\n"


def mediajson_start(tag: str, endpoint: str, encoding: str = "opus") -> str:
    media_format = {"encoding": encoding, "sampleRate": 48_000, "channels": 2}
    start = {"tag": tag, "mediaFormat": media_format, "customParameters": {"endpointId": endpoint}}
    return mediajson_line(0, "start", start=start)


def mediajson_media(tag: str, at_s: float, number: int) -> str:
    numbers = {"chunk": str(number & 0xFFFF), "timestamp": str(number * 960)}
    return mediajson_line(at_s, "media", media={"tag": tag, **numbers, "payload": b64encode(opus()[number]).decode()})


def heard(recording: Recording) -> dict[str, FloatArray]:
    """Everything of each participant; where nothing was heard, it is 0."""
    tracks = {name: np.zeros(0, np.float32) for name in recording.participants}
    for piece in recording:
        track, end = tracks[piece.participant], piece.chunk.end
        if len(track) < end:
            track = tracks[piece.participant] = np.pad(track, (0, end - len(track)))
        track[piece.chunk.at : end] = piece.chunk.samples
    return tracks
