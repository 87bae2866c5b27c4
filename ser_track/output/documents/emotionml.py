"""W3C EmotionML 1.0 (Recommendation of 22 May 2014): each classified segment with all its probabilities.

Times: EmotionML's ``start`` and ``end`` are milliseconds since 1970. Times in a recording are relative to it
(``time-ref-uri``, ``offset-to-start``, ``duration``), and by a reference to that part of it (``#t=``, Media Fragments).
"""

from typing import Final, TextIO
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from ser_track.engine.timeline import Timeline
from ser_track.event_types import Emotion
from ser_track.output.documents.wording import Spoken, about, milliseconds, spoken, verdict
from ser_track.output.documents.xml_text import document, holdable

_NAMESPACE: Final = "http://www.w3.org/2009/10/emotionml"
_OURS: Final = "urn:x-ser-track:1"
"""The namespace for data without an EmotionML element: the speaker and the label."""
_VOCABULARY: Final = "ser-track-emotions"


def write(timeline: Timeline, output: TextIO) -> None:
    """Write probabilities as the ``confidence`` of a category; there is no ``value``: intensity is not measured.

    Segments without a result are in the first ``info``: an ``emotion`` must have a category.
    """
    root = Element("emotionml", {"version": "1.0", "xmlns": _NAMESPACE, "category-set": f"#{_VOCABULARY}"})
    info = SubElement(root, "info")
    info.text = holdable("; ".join(about(timeline)))
    vocabulary = SubElement(root, "vocabulary", type="category", id=_VOCABULARY)
    for name in timeline.labels.shown:
        SubElement(vocabulary, "item", name=name)
    for number, segment in enumerate(spoken(timeline), 1):
        emotion = segment.utterance.emotion
        if emotion is None:
            _identify(info, segment)
        else:
            _add(root, f"e{number}", segment, emotion, quote(timeline.title))
    output.write(document(root))


def _add(root: Element, identity: str, segment: Spoken, emotion: Emotion, recording: str) -> None:
    start_s, end_s = segment.utterance.start_s, segment.utterance.end_s
    attributes = {
        "id": identity,
        "expressed-through": "voice",
        "time-ref-uri": recording,
        "offset-to-start": str(milliseconds(start_s)),
        "duration": str(milliseconds(end_s) - milliseconds(start_s)),
    }
    element = SubElement(root, "emotion", attributes)
    _identify(SubElement(element, "info"), segment)
    for name, share in emotion.probabilities.items():
        SubElement(element, "category", name=name, confidence=f"{share:.4f}")
    uri = f"{recording}#t={start_s:.3f},{end_s:.3f}"
    SubElement(element, "reference", uri=uri, role="expressedBy")


def _identify(info: Element, segment: Spoken) -> None:
    utterance, emotion = segment.utterance, segment.utterance.emotion
    attributes = {
        "xmlns": _OURS,
        "participant": holdable(segment.line.participant),
        "name": holdable(segment.line.name),
        "number": str(utterance.number),
        "label": verdict(utterance),
    }
    if emotion is None:
        attributes |= {"start": f"{utterance.start_s:.3f}", "end": f"{utterance.end_s:.3f}"}
    else:
        attributes["model"] = holdable(emotion.model)
        if emotion.voice_known is not None:
            attributes["voice-known"] = f"{emotion.voice_known:.4f}"
    SubElement(info, "segment", attributes)
