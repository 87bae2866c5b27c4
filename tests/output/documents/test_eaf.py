"""EAF, as pympi reads it, and its structure."""

from xml.etree import ElementTree

from hypothesis import given
from pympi.Elan import Eaf

from ser_track.engine.timeline import Timeline, gather
from ser_track.output.documents.wording import LIMITS, speakers
from ser_track.output.documents.xml_text import holdable
from tests.helpers.document_timelines import MODEL, TALK, Segment, events_of, saved, segments, talk, text_of, timelines


def read(timeline: Timeline) -> Eaf:
    with saved("eaf", timeline) as path:
        return Eaf(str(path))


def annotations(eaf: Eaf, tier: str) -> list[Segment]:
    return [(start, end, text) for start, end, text in sorted(eaf.get_annotation_data_for_tier(tier))]


def test_each_participant_has_a_tier_with_what_they_said() -> None:
    eaf = read(talk())
    assert {name: annotations(eaf, name) for name in TALK} == TALK
    tier = eaf.get_parameters_for_tier("Bob")
    assert (tier["PARTICIPANT"], tier["ANNOTATOR"]) == ("Bob", MODEL)
    below = eaf.get_parameters_for_tier("Bob: probabilities")
    assert below["PARENT_REF"] == "Bob"
    # Start, end, its own text, that of the annotation it belongs to.
    assert eaf.get_ref_annotation_data_for_tier("Bob: probabilities") == [
        (1_504, 3_008, "anger 0.70, happiness 0.10, sadness 0.10, neutral 0.10", "anger")
    ]
    assert annotations(eaf, "about") == [(0, 3_604_000, f"{LIMITS} ({MODEL}); error: the model failed at a segment")]


def test_elan_finds_the_recording_beside_the_file() -> None:
    for title, mime in (("a talk.wav", "audio/x-wav"), ("ä.MP4", "video/mp4"), ("talk.opus", "unknown")):
        [media] = read(gather(title, events_of(TALK))).get_linked_files()
        url = f"./{title}"
        assert media == {"MEDIA_URL": url, "RELATIVE_MEDIA_URL": url, "MIME_TYPE": mime}


def test_segments_of_one_person_that_overlap_are_in_two_tiers() -> None:
    again = events_of({"Ann": [(2_000, 3_000, "sadness")]}, "again")
    eaf = read(gather("talk.wav", [*events_of(TALK), *again]))
    assert annotations(eaf, "Ann (2)") == [(2_000, 3_000, "sadness")]
    assert eaf.get_parameters_for_tier("Ann (2)")["PARTICIPANT"] == "Ann"


@given(timelines())
def test_whatever_the_names_pympi_reads_who_said_what(timeline: Timeline) -> None:
    eaf = read(timeline)
    names = [holdable(name) for name in speakers(timeline)]
    assert len(set(names)) == len(names)
    found = [(number, segment) for number, name in enumerate(names) for segment in annotations(eaf, name)]
    assert sorted(found, key=lambda item: item[1][0]) == segments(timeline)


@given(timelines())
def test_everything_that_is_pointed_at_is_there_once_and_in_its_place(timeline: Timeline) -> None:
    """What readers of EAF rely on: order of parts, unique ids, references that lead somewhere."""
    root = ElementTree.fromstring(text_of("eaf", timeline))
    order = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]
    places = [order.index(child.tag) for child in root]
    assert places == sorted(places)
    times = [int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")]
    assert times == sorted(times)
    pointed = {
        "TIME_SLOT_ID": ("TIME_SLOT_REF1", "TIME_SLOT_REF2"),
        "ANNOTATION_ID": ("ANNOTATION_REF",),
        "TIER_ID": ("PARENT_REF",),
        "LINGUISTIC_TYPE_ID": ("LINGUISTIC_TYPE_REF",),
        "STEREOTYPE": ("CONSTRAINTS",),
    }
    for identity, references in pointed.items():
        ids = [element.attrib[identity] for element in root.iter() if identity in element.attrib]
        assert len(ids) == len(set(ids))
        for reference in references:
            assert {element.attrib[reference] for element in root.iter() if reference in element.attrib} <= set(ids)
