"""ELAN's annotation format (EAF 3.0): tiers of annotations that point into one list of times."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, TextIO
from xml.etree.ElementTree import Element, SubElement

from ser_track.engine.timeline import Line, Timeline, Utterance
from ser_track.output.documents.wording import (
    ABOUT,
    about,
    lanes,
    milliseconds,
    models,
    one_line,
    shares,
    speakers,
    unique,
    verdict,
)
from ser_track.output.documents.xml_text import document, holdable

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_ROOT: Final = {
    "AUTHOR": "ser-track",
    # A date must be there, and the same recording shall give the same bytes.
    "DATE": "1970-01-01T00:00:00Z",
    "FORMAT": "3.0",
    "VERSION": "3.0",
    f"{_XSI}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}
_ASSOCIATED: Final = "Symbolic_Association"
_MIME: Final = {".wav": "audio/x-wav", ".mp4": "video/mp4"}
"""The media types that ELAN looks at; of others it asks the player."""
_MIN_MS: Final = 1000


@dataclass(slots=True)
class _Numbers:
    """Annotations and their times so far, across tiers."""

    annotations: int = 0
    times_ms: list[int] = field(default_factory=list)

    def annotation(self) -> str:
        self.annotations += 1
        return f"a{self.annotations}"

    def slot(self, time_ms: int) -> str:
        self.times_ms.append(time_ms)
        return f"ts{len(self.times_ms)}"


def write(timeline: Timeline, output: TextIO) -> None:
    """A tier with labels for each participant, probabilities in a tier below it, and `ABOUT` over the whole length."""
    root = Element("ANNOTATION_DOCUMENT", _ROOT)
    _header(root, timeline.title)
    order, numbers = SubElement(root, "TIME_ORDER"), _Numbers()
    root.extend(_tiers(timeline, numbers))
    for number, time_ms in sorted(enumerate(numbers.times_ms, 1), key=lambda slot: slot[1]):
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time_ms))
    SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="emotion", TIME_ALIGNABLE="true")
    below = {"LINGUISTIC_TYPE_ID": "probabilities", "TIME_ALIGNABLE": "false", "CONSTRAINTS": _ASSOCIATED}
    SubElement(root, "LINGUISTIC_TYPE", below)
    meaning = "1-1 association with a parent annotation"
    SubElement(root, "CONSTRAINT", STEREOTYPE=_ASSOCIATED, DESCRIPTION=meaning)
    output.write(document(root))


def _header(root: Element, title: str) -> None:
    """Where ELAN looks for the recording: beside this file."""
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if title:
        url = holdable(f"./{title}")  # not escaped: ELAN takes it for a path
        mime = _MIME.get(PurePath(title).suffix.lower(), "unknown")
        SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=url, RELATIVE_MEDIA_URL=url, MIME_TYPE=mime)


def _tiers(timeline: Timeline, numbers: _Numbers) -> Iterator[Element]:
    names = [holdable(speaker) for speaker in speakers(timeline)]
    taken, model = {ABOUT}, holdable(models(timeline))
    for speaker, line in zip(names, timeline.lines, strict=True):
        for lane in lanes(line.utterances):
            tier = _tier(unique(speaker, taken), "emotion", line, model)
            below = _tier(unique(f"{speaker}: probabilities", taken), "probabilities", line, model)
            below.set("PARENT_REF", tier.get("TIER_ID", ""))
            for utterance in lane:
                _annotate(tier, below, utterance, numbers)
            yield from (tier, below)
    tier = Element("TIER", TIER_ID=ABOUT, LINGUISTIC_TYPE_REF="emotion")
    end_ms = max(milliseconds(timeline.end_s), _MIN_MS)
    _aligned(tier, 0, end_ms, holdable("; ".join(about(timeline))), numbers)
    yield tier


def _tier(name: str, kind: str, line: Line, model: str) -> Element:
    person = holdable(one_line(line.participant))
    return Element("TIER", TIER_ID=name, LINGUISTIC_TYPE_REF=kind, PARTICIPANT=person, ANNOTATOR=model)


def _annotate(tier: Element, below: Element, utterance: Utterance, numbers: _Numbers) -> None:
    start_ms, end_ms = milliseconds(utterance.start_s), milliseconds(utterance.end_s)
    parent = _aligned(tier, start_ms, end_ms, holdable(verdict(utterance)), numbers)
    if utterance.emotion is not None:
        identity = numbers.annotation()
        element = SubElement(
            SubElement(below, "ANNOTATION"), "REF_ANNOTATION", ANNOTATION_ID=identity, ANNOTATION_REF=parent
        )
        SubElement(element, "ANNOTATION_VALUE").text = holdable(shares(utterance))


def _aligned(tier: Element, start_ms: int, end_ms: int, text: str, numbers: _Numbers) -> str:
    """Add an annotation; returns its id."""
    identity = numbers.annotation()
    times = {"TIME_SLOT_REF1": numbers.slot(start_ms), "TIME_SLOT_REF2": numbers.slot(end_ms)}
    element = SubElement(SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": identity, **times})
    SubElement(element, "ANNOTATION_VALUE").text = text
    return identity
