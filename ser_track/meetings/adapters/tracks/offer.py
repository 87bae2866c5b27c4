"""Offers with many audio sections, of which aiortc gets only one: all of them share its transport (BUNDLE, RFC 8843).

aiortc would need a thread, a task and a receiver for each section, and cannot tell their packets apart: it ignores the
MID. So it gets one audio section and the data channel. Whatever comes is then accepted by its payload type, and
`TrackRoutes` says whose it is. The other sections are answered here like that one, and so are all later offers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ser_track.errors import BadRequestError

_SECTION: Final = re.compile(r"^(?=m=)", re.MULTILINE)
_BUNDLE: Final = re.compile(r"^a=group:BUNDLE\b(.*?)\r?\n", re.MULTILINE)
_MEDIA: Final = re.compile(r"m=(\S+) (\d+)(?:/\d+)? (\S+) ?(.*)")
_MID: Final = re.compile(r"^a=mid:(\S+)\s*$", re.MULTILINE)
_DIRECTION: Final = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", re.MULTILINE)
_SSRC: Final = re.compile(r"^a=ssrc:(\d{1,10})\b", re.MULTILINE)
_CODEC: Final = re.compile(r"^a=rtpmap:(\d+) (?:opus|red)/48000/2\s*$", re.MULTILINE | re.IGNORECASE)
_OPUS: Final = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\s*$", re.MULTILINE | re.IGNORECASE)
_OF_FORMAT: Final = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+|\*)")
_TRANSPORT: Final = ("a=candidate:", "a=end-of-candidates", "a=ice-", "a=fingerprint:", "a=setup:", "a=bundle-only")
_ABOUT_SENDER: Final = ("a=ssrc", "a=msid:")
_UFRAG: Final = re.compile(r"^a=ice-ufrag:(\S+)\s*$", re.MULTILINE)
_ORIGIN: Final = re.compile(r"^(o=\S+ \S+) \S+ ", re.MULTILINE)
_REMEDY: Final = "send what createOffer() gives, with bundlePolicy 'max-bundle'"


@dataclass(frozen=True, slots=True)
class _Section:
    kind: str
    port: int
    profile: str
    formats: str
    mid: str
    text: str

    @property
    def sends(self) -> bool:
        return (found := _DIRECTION.search(self.text)) is None or found[1] in ("sendonly", "sendrecv")

    @property
    def is_offered(self) -> bool:
        return self.port != 0 or "a=bundle-only" in self.text


@dataclass(frozen=True, slots=True)
class TracksOffer:
    """An offer, as aiortc gets it and as it is answered."""

    reduced: str
    """The offer for aiortc: one audio section, and the data channel."""
    tracks: Mapping[str, frozenset[int]]
    """The sections that send audio, by MID, each with the SSRCs that it names."""
    base: str
    """MID of the section that aiortc gets."""
    connection: str
    """The ICE username fragment of the sender: another one is another connection."""
    _sections: tuple[_Section, ...]
    _accepted: frozenset[str]

    def complete(self, answer: str, version: int = 0) -> str:
        """``answer``, aiortc's to `reduced`, as one to the whole offer. ``version`` counts the answers before it."""
        head, audio, data = _SECTION.split(answer)
        group = " ".join(section.mid for section in self._sections if section.mid in self._accepted)
        head = _BUNDLE.sub(lambda _: f"a=group:BUNDLE {group}\r\n", head)
        head = _ORIGIN.sub(lambda found: f"{found[1]} {version + 1} ", head)
        return "".join([head, *(self._answered(section, audio, data) for section in self._sections)])

    def _answered(self, section: _Section, audio: str, data: str) -> str:
        if section.mid not in self._accepted:
            lines = [f"m={section.kind} 0 {section.profile} {section.formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
            return "\r\n".join([*lines, *([f"a=mid:{section.mid}"] if section.mid else []), ""])
        if section.kind != "audio":
            return data
        lines = [
            line for line in audio.splitlines() if not line.startswith(_ABOUT_SENDER) and not _DIRECTION.match(line)
        ]
        named = [f"a=mid:{section.mid}" if line.startswith("a=mid:") else line for line in lines]
        return "\r\n".join([*named, "a=recvonly" if section.sends else "a=inactive", ""])


def read_tracks(sdp: str, max_tracks: int, base: str | None = None) -> TracksOffer:
    """Read an offer; ``base`` is the MID of the section that aiortc has got before, in a later offer.

    Raises:
        BadRequestError: it has no audio with Opus, no data channel, too many tracks, or sections outside of its BUNDLE.
    """
    if not sdp.startswith("v=0"):
        raise BadRequestError(f"the offer is not valid SDP (it does not begin with v=0); {_REMEDY}")
    head, *texts = _SECTION.split(sdp)
    sections = tuple(_read(text) for text in texts)
    group = _bundled(head, sections)
    bundled = {section.mid: section for section in sections if section.mid in group and section.is_offered}
    data = next((each for each in bundled.values() if each.kind == "application" and "SCTP" in each.profile), None)
    if data is None:
        raise BadRequestError(f"the offer has no data channel, which says who is on which track; {_REMEDY}")
    audio = [each for each in bundled.values() if each.kind == "audio" and _OPUS.search(each.text)]
    first = next((each for each in audio if base in (None, each.mid)), None)
    if first is None:
        what = "no audio section with Opus" if base is None else f"no longer the audio section with the mid '{base}'"
        raise BadRequestError(f"the offer has {what}; {_REMEDY}")
    audio = [each for each in audio if _OPUS.findall(each.text)[:1] == _OPUS.findall(first.text)[:1]]
    if len(audio) > max_tracks:
        raise BadRequestError(
            f"the offer has {len(audio)} audio sections, more than meetings.max_participants ({max_tracks}); "
            "offer fewer, or raise the limit"
        )
    tagged = bundled.get(group[0], first)
    ufrag = _UFRAG.search(tagged.text) or _UFRAG.search(head)
    named = f"a=group:BUNDLE {first.mid} {data.mid}\r\n"
    return TracksOffer(
        _BUNDLE.sub(lambda _: named, head) + _reduced_audio(first, tagged) + _on_transport(data, tagged),
        {each.mid: frozenset(map(int, _SSRC.findall(each.text))) for each in audio if each.sends},
        first.mid,
        "" if ufrag is None else ufrag[1],
        sections,
        frozenset(each.mid for each in (*audio, data)),
    )


def _read(text: str) -> _Section:
    found, mid = _MEDIA.match(text), _MID.search(text)
    if found is None:
        raise BadRequestError(f"the offer is not valid SDP ('{text.splitlines()[0][:40]}'); {_REMEDY}")
    kind, port, profile, formats = found.groups()
    return _Section(kind, int(port), profile, formats.strip(), "" if mid is None else mid[1], text)


def _bundled(head: str, sections: tuple[_Section, ...]) -> list[str]:
    """The MIDs in the only BUNDLE group."""
    groups, mids = _BUNDLE.findall(head), [section.mid for section in sections if section.mid]
    if len(groups) != 1:
        raise BadRequestError(f"the offer has {len(groups)} BUNDLE groups: all sections must be in one; {_REMEDY}")
    if len({*mids}) < len(mids):
        raise BadRequestError("two sections of the offer have the same mid; give each its own")
    if foreign := [mid for mid in groups[0].split() if mid not in mids]:
        raise BadRequestError(f"BUNDLE names the mid '{foreign[0][:40]}', which no section of the offer has; remove it")
    return list(groups[0].split())


def _reduced_audio(section: _Section, tagged: _Section) -> str:
    """The section with Opus alone (and RED), as if it sent, with the transport of ``tagged``."""
    kept = _CODEC.findall(section.text)
    lines = _on_transport(section, tagged, [each for each in section.formats.split() if each in kept]).splitlines()
    chosen = [line for line in lines if (of := _OF_FORMAT.match(line)) is None or of[1] in kept]
    return "\r\n".join([*(line for line in chosen if not _DIRECTION.match(line)), "a=sendonly", ""])


def _on_transport(section: _Section, tagged: _Section, formats: list[str] | None = None) -> str:
    """The section with the transport of ``tagged``, the first of the BUNDLE, which all share."""
    shown = section.formats if formats is None else " ".join(formats)
    own = [line for line in section.text.splitlines()[1:] if not line.startswith(_TRANSPORT)]
    shared = [line for line in tagged.text.splitlines() if line.startswith(_TRANSPORT) and line != "a=bundle-only"]
    return "\r\n".join([f"m={section.kind} 9 {section.profile} {shown}", *own, *shared, ""])
