"""Says what in recorded packets cannot be heard: which stream, from when on, why, and what to do."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ser_track.recordings.packets.find_senders import MAX_SENDERS, FoundSenders, Sender
from ser_track.recordings.packets.payload_detection import PayloadDetection
from ser_track.recordings.packets.payload_types import TELEPHONE, described, is_audio

_MAX_NAMED: Final = 3
_ENCRYPTED: Final = "because SRTP encrypts it; record where it is not encrypted, for example at the media server"
_UNCLEAR: Final = "it has the timing of Opus but is not Opus, so it is encrypted (SRTP) or uses another codec"
_LENGTHS: Final = "its packets do not have the lengths of that codec, so it is encrypted (SRTP)"
_CODEC: Final = "only Opus, G.711 and G.722 can; save it as audio first, for example with Wireshark"
_UNKNOWN: Final = "it is not Opus, and the packets do not say what else it is; save it as audio first"
_CANDIDATE: Final = "it looks like Opus, but it was not chosen; choose it with --payload-type"


def problems(found: FoundSenders, told: int | None) -> Iterator[str]:
    """Each text continues a sentence after the file's name; ``told`` is the payload type that the user names."""
    unheard = defaultdict[str, list[str]](list)
    for (_, sender_id), sender in found.all.items():
        for kind, detection in sender.types.items():
            if kind is not None and sender.contents[kind] == "other" and detection.enough:
                since_s = max(0.0, detection.first_s - found.origin_s)
                reason = _reason(sender, kind, detection)
                unheard[reason].append(f"{sender_id or sender.name}, {described(kind)}, from {since_s:.1f} s on")
    candidates = unheard.pop(_CANDIDATE, [])
    for reason, streams in unheard.items():
        yield f"has {_streams(streams)} that cannot be decoded{', ' if reason == _ENCRYPTED else ': '}{reason}"
    yield from _left_out(found)
    if found.heard:
        if candidates and told is None:
            yield f"has {_streams(candidates)} that was not decoded: {_CANDIDATE}"
    elif not unheard:
        yield from _nothing(found)


def _left_out(found: FoundSenders) -> Iterator[str]:
    if found.left_out:
        remedy = "capture or filter fewer of them"
        yield f"has more than {MAX_SENDERS} senders: {found.left_out} packets of the others were not analysed; {remedy}"


def _reason(sender: Sender, kind: int, detection: PayloadDetection) -> str:
    if sender.keyed:
        return _ENCRYPTED
    if kind in TELEPHONE:
        return _LENGTHS
    if is_audio(kind):
        return _CODEC
    if detection.opus.verdict == "opus":
        return _CANDIDATE
    return _UNCLEAR if detection.opus.keeps_time_of_opus else _UNKNOWN


def _nothing(found: FoundSenders) -> Iterator[str]:
    kinds = {kind for sender in found.all.values() for kind in sender.types if kind is not None}
    if kinds:
        seen = f"payload types seen: {', '.join(map(str, sorted(kinds)))}"
        yield f"has no stream that is known to be Opus ({seen}); say which one is with --payload-type"
    else:
        yield "has no RTP"


def _streams(names: list[str]) -> str:
    some = "; ".join(names[:_MAX_NAMED]) + (" …" if len(names) > _MAX_NAMED else "")
    return f"{len(names)} stream{'s' * (len(names) > 1)} of audio ({some})"
