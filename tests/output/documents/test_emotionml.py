"""EmotionML, by an XML parser and rules of the standard."""

import re
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given

from ser_track.engine.timeline import Timeline, gather
from ser_track.labels import EMOTIONS
from ser_track.output.documents.wording import LIMITS
from ser_track.output.documents.xml_text import holdable
from tests.helpers.document_timelines import (
    MODEL,
    TALK,
    Segment,
    events_of,
    learning,
    segments,
    talk,
    text_of,
    timelines,
)

EMO = "{http://www.w3.org/2009/10/emotionml}"
OURS = "{urn:x-ser-track:1}segment"


def read(timeline: Timeline) -> Element:
    return ElementTree.fromstring(text_of("emotionml", timeline))


def one(parent: Element, tag: str) -> Element:
    found = parent.findall(tag)
    assert len(found) == 1
    return found[0]


def judged(root: Element) -> list[tuple[str, str, Segment]]:
    """Participant, name and segment of each emotion; its two ways to tell time must agree."""
    found = []
    for emotion in root.iter(f"{EMO}emotion"):
        ours = one(one(emotion, f"{EMO}info"), OURS)
        start_ms = int(emotion.attrib["offset-to-start"])
        end_ms = start_ms + int(emotion.attrib["duration"])
        uri = one(emotion, f"{EMO}reference").attrib["uri"]
        assert uri == f"{emotion.attrib['time-ref-uri']}#t={start_ms / 1000:.3f},{end_ms / 1000:.3f}"
        found.append((ours.attrib["participant"], ours.attrib["name"], (start_ms, end_ms, ours.attrib["label"])))
    return found


def test_each_emotion_has_all_probabilities_its_speaker_and_its_time() -> None:
    root = read(talk())
    first = next(root.iter(f"{EMO}emotion"))
    shares = {item.attrib["name"]: item.attrib["confidence"] for item in first.findall(f"{EMO}category")}
    assert shares == {"anger": "0.1000", "happiness": "0.7000", "sadness": "0.1000", "neutral": "0.1000"}
    assert first.attrib["expressed-through"] == "voice"
    reference = one(first, f"{EMO}reference").attrib
    assert reference == {"uri": "talk.wav#t=1.000,2.504", "role": "expressedBy"}
    ours = one(one(first, f"{EMO}info"), OURS).attrib
    assert ours == {"participant": "Ann", "name": "Ann", "number": "0", "label": "happiness", "model": MODEL}
    assert judged(root) == [
        ("Ann", "Ann", TALK["Ann"][0]),
        ("Bob", "Bob", TALK["Bob"][0]),
        ("Ann", "Ann", TALK["Ann"][1]),
    ]


def test_a_result_says_how_well_the_voice_was_known() -> None:
    told = [one(one(emotion, f"{EMO}info"), OURS).attrib for emotion in read(learning()).iter(f"{EMO}emotion")]
    assert [ours["voice-known"] for ours in told] == ["0.0000", "0.4286", "0.5000"]
    assert [ours["label"] for ours in told] == ["anger", "unsure", "anger"]


def test_what_was_not_judged_is_no_emotion_and_not_lost() -> None:
    info = one(read(talk()), f"{EMO}info")
    assert (info.text or "").strip() == f"{LIMITS} ({MODEL}); error: the model failed at a segment"
    assert [dict(segment.attrib) for segment in info.findall(OURS)] == [
        {"participant": "Ann", "name": "Ann", "number": "2", "label": "(too short)", "start": "5.024", "end": "5.200"},
        {
            "participant": "Bob",
            "name": "Bob",
            "number": "1",
            "label": "(failed)",
            "start": "3603.000",
            "end": "3604.000",
        },
    ]


@pytest.mark.parametrize("title", ["a talk.wav", "a:b#t=1?.wav", "ä&<\n>.mp4", ""])
def test_the_recording_is_named_by_a_uri(title: str) -> None:
    root = read(gather(title, events_of(TALK)))
    uri = next(root.iter(f"{EMO}reference")).attrib["uri"]
    path, _, fragment = uri.partition("#")
    assert re.fullmatch(r"[A-Za-z0-9._~%/-]*", path)
    assert (unquote(path), fragment) == (title, "t=1.000,2.504")


@given(timelines())
def test_whatever_the_names_a_parser_finds_every_segment_and_its_speaker(timeline: Timeline) -> None:
    root = read(timeline)
    people = [(holdable(line.participant), holdable(line.name)) for line in timeline.lines]
    found = judged(root)
    for segment in one(root, f"{EMO}info").findall(OURS):
        start_ms, end_ms = (round(1000 * float(segment.attrib[name])) for name in ("start", "end"))
        who = segment.attrib["participant"], segment.attrib["name"]
        found.append((*who, (start_ms, end_ms, segment.attrib["label"])))
    assert sorted(found) == sorted((*people[number], segment) for number, segment in segments(timeline))


@given(timelines())
def test_the_rules_of_the_standard_hold(timeline: Timeline) -> None:
    root = read(timeline)
    assert root.tag == f"{EMO}emotionml"
    assert root.attrib == {"version": "1.0", "category-set": "#ser-track-emotions"}
    # The set that is named is in the document, of the right kind, and every category is of it, once per emotion.
    vocabulary = one(root, f"{EMO}vocabulary")
    assert vocabulary.attrib == {"type": "category", "id": "ser-track-emotions"}
    items = [item.attrib["name"] for item in vocabulary]
    assert items == list(EMOTIONS)
    # The order in the schema of emotionml-checker-java: information, categories, references.
    order = [f"{EMO}info", f"{EMO}category", f"{EMO}reference"]
    ids = []
    for emotion in root.findall(f"{EMO}emotion"):
        ids.append(emotion.attrib["id"])
        places = [order.index(child.tag) for child in emotion]
        assert places == sorted(places)
        categories = emotion.findall(f"{EMO}category")
        assert [category.attrib["name"] for category in categories] == items
        assert all(0 <= float(category.attrib["confidence"]) <= 1 for category in categories)
        assert not {"start", "end"} & emotion.attrib.keys()  # they would be dates
    assert len(ids) == len(set(ids))
    # Information is text and elements of other namespaces.
    for info in root.iter(f"{EMO}info"):
        assert not any(child.tag.startswith(EMO) for child in info)
