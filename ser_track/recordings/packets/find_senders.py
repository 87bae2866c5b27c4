"""Finds the senders of decodable audio in recorded packets, and what each of their payload types is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ser_track.recordings.packets.merge import Key, merged
from ser_track.recordings.packets.payload_detection import PayloadDetection
from ser_track.recordings.packets.payload_types import HEARD, Content
from ser_track.rtp.opus_packet import is_stereo
from ser_track.rtp.packet_reader import PacketReader, RecordedPacket

MAX_SENDERS: Final = 10_000
"""What is known of each sender is kept until the end of the file."""


@dataclass(slots=True)
class Sender:
    """One source of packets."""

    name: str
    first_s: float
    """Time of day of the first packet."""
    last_s: float
    keyed: bool = False
    """Whether its connection is encrypted."""
    types: dict[int | None, PayloadDetection] = field(default_factory=dict)
    """Detection by payload type."""
    contents: dict[int | None, Content] = field(default_factory=dict)
    """What the packets of each payload type are."""
    audible: bool = False
    """Whether any of its audio can be decoded."""

    def note(self, recorded: RecordedPacket) -> None:
        """Take in one packet."""
        if (detection := self.types.get(recorded.payload_type)) is None:
            detection = self.types[recorded.payload_type] = PayloadDetection(recorded.now_s, recorded.codec)
        detection.stereo |= is_stereo(recorded.arrival.payload)
        if recorded.payload_type is not None:
            detection.note(recorded.arrival)

    def decide(self, told: int | None) -> None:
        """Decide what each payload type is, after all packets; ``told`` is the one that the user names for Opus."""
        for kind, detection in self.types.items():
            # MediaJson has no payload types.
            content = "opus" if kind is None else detection.content(told, kind)
            self.contents[kind] = content
            if content in HEARD and (detection.enough or kind == told or detection.named is not None):
                self.audible = True

    @property
    def stereo(self) -> bool:
        """Whether it sends Opus with two channels."""
        return any(
            detection.stereo if self.contents[kind] == "opus" else detection.stereo_inside
            for kind, detection in self.types.items()
            if self.contents[kind] in ("opus", "red")
        )

    def audio_type(self, kind: int | None) -> int | None:
        """The payload type of the audio inside of RED's."""
        return self.types[kind].audio_type


@dataclass(frozen=True, slots=True)
class FoundSenders:
    """The result of `find_senders`."""

    heard: dict[Key, Sender]
    """Senders that can be decoded: file by file, in order of appearance."""
    all: dict[Key, Sender]
    origin_s: float
    """Time of day of the first packet."""
    left_out: int = 0
    """Packets of senders that were too many."""


def find_senders(dumps: Sequence[PacketReader], payload_type: int | None) -> FoundSenders:
    """Read all of ``dumps``; with a ``payload_type``, only packets of that type are Opus."""
    found: dict[Key, Sender] = {}
    left_out = 0
    for key, recorded in merged(dumps):
        if (sender := found.get(key)) is None:
            if len(found) >= MAX_SENDERS:
                left_out += 1
                continue
            sender = found[key] = Sender(recorded.name, recorded.now_s, recorded.now_s)
        sender.last_s = max(sender.last_s, recorded.now_s)
        if isinstance(recorded, RecordedPacket):
            sender.note(recorded)
        else:
            sender.audible = True
    for (number, name), sender in found.items():
        sender.keyed = name in dumps[number].keyed
        sender.decide(payload_type)
    heard = {key: found[key] for key in sorted(found, key=lambda key: key[0]) if found[key].audible}
    begins = [sender.first_s for sender in (heard or found).values()]
    return FoundSenders(heard, found, min(begins, default=0.0), left_out)
