"""Makes the seeds of `fuzz`: small good inputs for every parser, from the recordings in tests/data and from tones."""

import json
import struct
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from aioice import stun
from pylibsrtp import Policy, Session

from fuzz.packets import KEY, PASSWORD, USERNAME, join
from fuzz.targets import SEEDS
from ser_track.chunk import Chunk
from ser_track.mediajson.writer import MediaJsonWriter
from tests.helpers.packets import (
    BEGUN_S,
    Sent,
    ethernet,
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
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import tone

_PACKETS: Final = 12
_FIRST: Final = 50
"""Here somebody speaks: packets of silence are a byte or two."""
_CODECS: Final = {
    "pcm.wav": "pcm_s16le",
    "float.wav": "pcm_f32le",
    "tone.flac": "flac",
    "tone.ogg": "libopus",
    "tone.mka": "libopus",
    "tone.mkv": "pcm_s16le",
    "tone.m4a": "aac",
    "tone.aac": "aac",
    "tone.mp3": "libmp3lame",
    "tone.aiff": "pcm_s16be",
    "tone.au": "pcm_mulaw",
}
SDP: Final = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2130706431 192.0.2.7 40002 typ host generation 0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:0 PCMU/8000
a=ssrc:1 cname:x
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""


def seeds() -> dict[str, Mapping[str, bytes]]:
    """Of each target: name and content of its files."""
    fingerprint = ":".join(f"{byte:02X}" for byte in range(32))
    offer = SDP.format(fingerprint=fingerprint).replace("\n", "\r\n")
    request = json.dumps({"room": "r", "name": "Ann", "consent": True, "type": "offer", "sdp": "v=0"})
    return {
        "rtp": {"voice": join([(20, packet) for _, packet in voice(30, first=_FIRST)]), "marked": join(_marked())},
        "red": {"copies": join([(20, packet) for _, packet in _redundant()])},
        "stun": {"mixed": join(_mixed())},
        "sdp": {"browser": offer.encode(), "audio_only": offer.partition("m=application")[0].encode()},
        "mediajson": {"opus": _frames(_dump()), "pcm": _frames(_pcm())},
        "body": {"offer": b"application/json\n" + request.encode(), "latin": b"text/plain; charset=latin-1\n{}"},
        "channel": {"agree": b'{"type":"consent","analysed":true}', "refuse": b'{"type":"opt_out"}'},
        "mediajson_dump": {"opus": _dump().encode(), "decoded": _decoded()},
        **_dumps(),
        "container": _containers(),
    }


def _marked() -> list[tuple[int, bytes]]:
    """With an audio level, padding, a hole and a change of order."""
    level = b"\xbe\xde\0\1\x10\x85\0\0"
    packets = [bytes([packet[0] | 0x10]) + packet[1:12] + level + packet[12:] for _, packet in voice(20, first=_FIRST)]
    packets[3] = bytes([packets[3][0] | 0x20]) + packets[3][1:] + b"\0\0\3"
    packets[7], packets[8] = packets[8], packets[7]
    del packets[12:14]
    return [(20, packet) for packet in packets]


def _redundant() -> list[Sent]:
    """RED with one copy each, of the packet before (RFC 2198, 3)."""
    sent = []
    for n, (at_s, _) in enumerate(voice(_PACKETS)):
        older, own = opus()[_FIRST + n], opus()[_FIRST + n + 1]
        head = bytes([0x80 | 111]) + (960 << 10 | len(older)).to_bytes(3) + bytes([111])
        sent.append(Sent(at_s, rtp(n, head + older + own, kind=63)))
    return sent


def _mixed() -> list[tuple[int, bytes]]:
    """What one connection gets: STUN, DTLS, RTCP, SRTP that is accepted, SRTP of strangers, noise."""
    attributes = {"USERNAME": f"{USERNAME}:other", "PRIORITY": 1_853_824_767, "ICE-CONTROLLING": 1}
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"\1" * 12)
    request.attributes.update(attributes)
    request.add_message_integrity(PASSWORD.encode())
    session = Session(Policy(KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    accepted = [session.protect(rtp(number, opus()[number])) for number in range(4)]
    accepted += [session.protect(packet) for _, packet in _redundant()[4:8]]
    foreign = [session.protect(rtp(number, opus()[number], ssrc=7, kind=96)) for number in range(2)]
    dtls = b"\x16\xfe\xff" + bytes(10) + b"\0\4" + bytes(4)
    rtcp = b"\x80\xc8\0\6" + bytes(24)
    return [(5, datagram) for datagram in (bytes(request), dtls, *accepted, rtcp, *foreign, b"\x80", b"")]


def _dump() -> str:
    return "".join([mediajson_start("a-1", "a"), *(mediajson_media("a-1", n / 50, n) for n in range(_PACKETS))])


def _pcm() -> str:
    """Of a bridge that sends 16-bit samples, and pings."""
    lines = [mediajson_start("b-1", "b", "l16")]
    frames = [
        {"event": "media", "media": {"tag": "b-1", "chunk": n, "timestamp": 960 * n, "payload": "AAAAAAEAAQAC"}}
        for n in range(3)
    ]
    frames += [{"event": "ping", "id": 7}, {"event": "stop", "stop": {"tag": "b-1"}}, {"event": "session-end"}]
    return "".join([*lines, *(json.dumps({"data": json.dumps(frame)}) + "\n" for frame in frames)])


def _frames(dump: str) -> bytes:
    return "\n".join(json.loads(line)["data"] for line in dump.splitlines()).encode()


def _decoded() -> bytes:
    with tempfile.TemporaryFile() as file:
        writer = MediaJsonWriter(file, 1_700_000_000.0, 1 << 20)
        for number in range(4):
            writer.put_chunk("s1", "Ann", Chunk(number * 320, tone(300, 0.02)), 0.0)
        file.seek(0)
        return file.read()


def _dumps() -> dict[str, Mapping[str, bytes]]:
    telephone = [Sent(0.02 * n, rtp(n, bytes(range(160)), kind=0, clock=160)) for n in range(_PACKETS)]
    some, other = voice(_PACKETS, first=_FIRST), voice(6, ssrc=7)
    ends = ("2001:db8::7", 4_000), ("2001:db8::1", 5_000)
    frames = [(at_s, ethernet(udp(packet, *ends), vlans=[7])) for at_s, packet in some]
    level = {"1": "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "seed"
        return {
            "mjr": {
                "voice": mjr(place, some, x=level).read_bytes(),
                "red": mjr(place, _redundant(), **{"or": 63}).read_bytes(),
            },
            "rtpdump": {
                "voice": rtpdump(place, some).read_bytes(),
                "red": rtpdump(place, _redundant()).read_bytes(),
                "g711": rtpdump(place, telephone).read_bytes(),
                "two": rtpdump(place, sorted([*some, *other])).read_bytes(),
            },
            "pcap": {
                "ethernet": pcap_of(place, some).read_bytes(),
                "vlan_ipv6": pcap(place, frames, order=">", unit_s=1e-9).read_bytes(),
                "ng": _pcapng(some),
            },
        }


def _pcapng(sent: Sequence[Sent]) -> bytes:
    """A section, an interface that counts nanoseconds, and enhanced packet blocks."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + length + body + length

    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHB3xHHqHH", 9, 1, 9, 14, 8, 0, 0, 0))
    for at_s, packet in sent:
        frame, time = ethernet(udp(packet)), round((BEGUN_S + at_s) * 1e9)
        data += block(6, struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame)
    return data


def _containers() -> dict[str, bytes]:
    """A tenth of a second of a tone in each."""
    sounds = [Sound(tone(300, 0.1)[:, None])]
    surround = [Sound(np.repeat(tone(300, 0.02)[:, None], 8, axis=1))]
    with tempfile.TemporaryDirectory() as folder:
        made = {name: record(Path(folder) / name, codec, sounds).read_bytes() for name, codec in _CODECS.items()}
        return made | {"surround.mka": record(Path(folder) / "surround.mka", "libopus", surround).read_bytes()}


def main() -> None:
    """Write all of them anew; inputs that once failed (``found-…``) stay."""
    for target, files in seeds().items():
        folder = SEEDS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
