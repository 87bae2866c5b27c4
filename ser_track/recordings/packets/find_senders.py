"""Finds the senders of decodable audio in recorded packets, and the reason why others cannot be decoded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ser_track.recordings.packets.merge import Key, merged
from ser_track.recordings.packets.opus_detection import OpusDetection
from ser_track.rtp.opus import is_stereo
from ser_track.rtp.packet_reader import PacketReader, Recorded, RecordedPacket

_DYNAMIC: Final = range(96, 128)
"""Dynamic payload types: Opus has no fixed one (RFC 3551, 3)."""
_MAX_NAMED: Final = 3
_MAX_SENDERS: Final = 10_000
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
    trials: dict[int | None, OpusDetection] = field(default_factory=dict)
    """Detection by payload type."""
    opus_types: frozenset[int | None] = frozenset()
    decoded: bool = False
    """Whether it sends audio that needs no packet path."""
    stereo_types: set[int | None] = field(default_factory=set)
    """Payload types with packets that, if they are Opus, have two channels."""

    @property
    def audible(self) -> bool:
        """Whether any of its audio can be decoded."""
        return self.decoded or bool(self.opus_types)

    @property
    def stereo(self) -> bool:
        """Whether it sends Opus with two channels."""
        return not self.opus_types.isdisjoint(self.stereo_types)

    def note(self, recorded: Recorded) -> None:
        """Take in a packet of this sender."""
        self.last_s = max(self.last_s, recorded.now_s)
        if not isinstance(recorded, RecordedPacket):
            self.decoded = True
            return
        kind, arrival = recorded.payload_type, recorded.arrival
        if is_stereo(arrival.payload):
            self.stereo_types.add(kind)
        if (trial := self.trials.get(kind)) is None:
            trial = self.trials[kind] = OpusDetection()
        if kind is not None:
            trial.note(arrival)

    def sends(self, recorded: Recorded) -> bool:
        """Whether ``recorded``, of this sender, can be decoded."""
        return not isinstance(recorded, RecordedPacket) or recorded.payload_type in self.opus_types


@dataclass(frozen=True, slots=True)
class FoundSenders:
    """The result of `find_senders`."""

    senders: dict[Key, Sender]
    """Senders that can be decoded: file by file, in order of appearance."""
    problems: list[str]
    """Audio streams that cannot be decoded; each text continues a sentence after the file's name."""


def find_senders(dumps: Sequence[PacketReader], payload_type: int | None) -> FoundSenders:
    """Read all of ``dumps``; with a ``payload_type``, only packets of that type are Opus."""
    found: dict[Key, Sender] = {}
    left_out = 0
    for key, recorded in merged(dumps):
        if (sender := found.get(key)) is None:
            if len(found) >= _MAX_SENDERS:
                left_out += 1
                continue
            sender = found[key] = Sender(recorded.name, recorded.now_s, recorded.now_s)
        sender.note(recorded)
    for (number, name), sender in found.items():
        sender.keyed = name in dumps[number].keyed
        sender.opus_types = frozenset(_opus_types(sender, payload_type))
    heard = {key: found[key] for key in sorted(found, key=lambda key: key[0]) if found[key].audible}
    problems = list(_problems(found, bool(heard), payload_type))
    if left_out:
        more = f"has more than {_MAX_SENDERS} senders, and {left_out} packets of the others were not analysed"
        problems.append(f"{more}; capture or filter fewer of them")
    return FoundSenders(heard, problems)


def _opus_types(sender: Sender, told: int | None) -> Iterator[int | None]:
    for kind, trial in sender.trials.items():
        known = kind is None or (kind == told and trial.verdict != "other")
        if known or (told is None and kind in _DYNAMIC and trial.verdict == "opus"):
            yield kind


def _problems(found: dict[Key, Sender], any_heard: bool, told: int | None) -> Iterator[str]:
    unheard = {name: sender for (_, name), sender in found.items() if not sender.audible}
    encrypted, unclear = list[str](), list[str]()
    for name, sender in unheard.items():
        wanted = [trial for kind, trial in sender.trials.items() if kind == told or (told is None and kind in _DYNAMIC)]
        if any(trial.verdict == "other" and trial.keeps_time_of_opus for trial in wanted):
            (encrypted if sender.keyed else unclear).append(name)
    if encrypted:
        remedy = "record where it is not encrypted, for example at the media server"
        yield f"has {_streams(encrypted)} that cannot be decoded, because SRTP encrypts it; {remedy}"
    if unclear:
        reason = "it has the timing of Opus but is not Opus, so it is encrypted (SRTP) or uses another codec"
        yield f"has {_streams(unclear)} that cannot be decoded: {reason}"
    if not any_heard and not encrypted and not unclear:
        kinds = {kind for sender in unheard.values() for kind in sender.trials}
        seen = f"payload types seen: {', '.join(map(str, sorted(filter(None, kinds))))}" if kinds else "it has no RTP"
        yield f"has no stream that is known to be Opus ({seen}); say which one is with --payload-type"


def _streams(names: list[str]) -> str:
    some = "; ".join(names[:_MAX_NAMED]) + (" …" if len(names) > _MAX_NAMED else "")
    return f"{len(names)} stream{'s' * (len(names) > 1)} of audio ({some})"
