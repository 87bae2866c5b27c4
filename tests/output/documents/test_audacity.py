"""Audacity's labels, as any reader of tab-separated text takes them: Audacity itself knows no quotes and no escapes."""

import csv
import io

from hypothesis import given

from ser_track.engine.timeline import Timeline
from ser_track.output.documents.wording import LIMITS, speakers
from tests.helpers.document_timelines import MODEL, segments, talk, text_of, timelines


def read(timeline: Timeline) -> list[tuple[int, int, str]]:
    rows = csv.reader(io.StringIO(text_of("audacity", timeline)), delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
    return [(round(1000 * float(start)), round(1000 * float(end)), text) for start, end, text in rows]


def test_labels_say_who_and_how() -> None:
    assert read(talk()) == [
        (0, 0, f"{LIMITS} ({MODEL}); error: the model failed at a segment"),
        (1_000, 2_504, "Ann: happiness 0.70"),
        (1_504, 3_008, "Bob: anger 0.70"),
        (2_504, 4_000, "Ann: unsure 0.40"),
        (5_024, 5_200, "Ann: (too short)"),
        (3_603_000, 3_604_000, "Bob: (failed)"),
    ]


@given(timelines())
def test_whatever_the_names_every_label_is_one_line(timeline: Timeline) -> None:
    names = speakers(timeline)
    _, *labels = read(timeline)
    found = [(start, end, text.removesuffix(" 0.70").removesuffix(" 0.40")) for start, end, text in labels]
    assert found == [(start, end, f"{names[who]}: {label}") for who, (start, end, label) in segments(timeline)]
