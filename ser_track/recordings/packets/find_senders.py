"""Who sends audio that can be heard in recorded packets, from when to when; and what cannot be, with the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ser_track.recordings.packets.merge import Key, merged
from ser_track.recordings.packets.opus_detection import OpusDetection
from ser_track.rtp.packet_reader import PacketReader, Recorded, RecordedPacket

_DYNAMIC: Final = range(96, 128)
"""Payload types without a fixed meaning, as Opus has none (RFC 3551, 3)."""
_MAX_NAMED: Final = 3


@dataclass(slots=True)
class Sender:
    """One source of packets."""

    name: str
    first_s: float
    """Time of day of the first packet."""
    last_s: float
    keyed: bool = False
    """Its connection is encrypted."""
    trials: dict[int | None, OpusDetection] = field(default_factory=dict)
    """By payload type."""
    opus_types: frozenset[int | None] = frozenset()
    decoded: bool = False
    """Some of it needs no packet path."""

    @property
    def audible(self) -> bool:
        """Whether anything of theirs can be heard."""
        return self.decoded or bool(self.opus_types)

    def sends(self, recorded: Recorded) -> bool:
        """Whether ``recorded``, of theirs, can be heard."""
        return not isinstance(recorded, RecordedPacket) or recorded.payload_type in self.opus_types


@dataclass(frozen=True, slots=True)
class FoundSenders:
    """What was found."""

    senders: dict[Key, Sender]
    """Those who can be heard: file by file, in each in the order in which they came."""
    problems: list[str]
    """Streams that are meant to be heard and cannot be; each goes on from the file's name."""


def find_senders(dumps: Sequence[PacketReader], payload_type: int | None) -> FoundSenders:
    """Read all of ``dumps``; with a ``payload_type`` only packets of that are Opus."""
    found: dict[Key, Sender] = {}
    for key, recorded in merged(dumps):
        if (sender := found.get(key)) is None:
            sender = found[key] = Sender(recorded.name, recorded.now_s, recorded.now_s)
        sender.last_s = max(sender.last_s, recorded.now_s)
        if not isinstance(recorded, RecordedPacket):
            sender.decoded = True
            continue
        if (trial := sender.trials.get(recorded.payload_type)) is None:
            trial = sender.trials[recorded.payload_type] = OpusDetection()
        if recorded.payload_type is not None:
            trial.note(recorded.arrival)
    for (number, name), sender in found.items():
        sender.keyed = name in dumps[number].keyed
        sender.opus_types = frozenset(_opus_types(sender, payload_type))
    heard = {key: found[key] for key in sorted(found, key=lambda key: key[0]) if found[key].audible}
    return FoundSenders(heard, list(_problems(found, bool(heard), payload_type)))


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
        yield f"has {_streams(encrypted)} that cannot be heard, as SRTP encrypts it; {remedy}"
    if unclear:
        reason = "it keeps the time of Opus and is none, so it is encrypted (SRTP) or another codec"
        yield f"has {_streams(unclear)} that cannot be heard: {reason}"
    if not any_heard and not encrypted and not unclear:
        kinds = {kind for sender in unheard.values() for kind in sender.trials}
        seen = f"payload types seen: {', '.join(map(str, sorted(filter(None, kinds))))}" if kinds else "it has no RTP"
        yield f"has no stream that is known to be Opus ({seen}); say which one is with --payload-type"


def _streams(names: list[str]) -> str:
    some = "; ".join(names[:_MAX_NAMED]) + (" …" if len(names) > _MAX_NAMED else "")
    return f"{len(names)} stream{'s' * (len(names) > 1)} of audio ({some})"
