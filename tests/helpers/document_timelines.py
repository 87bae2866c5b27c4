"""Timelines to write: one that a person can check, and many that are hard to write."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from ser_track.engine.timeline import Timeline, gather
from ser_track.event_types import Emotion, Event, Fault, Joined, Left, SpeechEnded, SpeechStarted, StreamKey
from ser_track.labels import EMOTIONS, SIX_EMOTIONS, UNSURE
from ser_track.output.documents import FORMATS, Results

MODEL: Final = "small@2.1.0"
PICTURES: Final = ("png", "pdf")
"""Formats whose words cannot be read off their bytes."""
Segment = tuple[int, int, str]
"""Start and end in milliseconds, and the label; where there is none, what happened to it."""
TALK: Final[dict[str, list[Segment]]] = {
    "Ann": [(1_000, 2_504, "happiness"), (2_504, 4_000, UNSURE), (5_024, 5_200, "(too short)")],
    "Bob": [(1_504, 3_008, "anger"), (3_603_000, 3_604_000, "(failed)")],
    "Cy": [],
}
"""Who spoke when, and how it sounded. Ann and Bob overlap; between two of Ann's segments there is no time at all."""


def events_of(
    talk: dict[str, list[Segment]], title: str = "talk.wav", ids: dict[str, str] | None = None
) -> list[Event]:
    """What the engine says of ``talk``; ``ids`` gives participants another id than their name."""
    events: list[Event] = []
    for name, segments in talk.items():
        key = StreamKey("file", (ids or {}).get(name, name), title)
        events.append(Joined(key, name, analysed=True))
        for number, (start_ms, end_ms, what) in enumerate(segments):
            start_s, end_s = start_ms / 1000, end_ms / 1000
            events.append(SpeechStarted(key, number, start_s))
            classified = what != "(too short)"
            events.append(SpeechEnded(key, number, start_s, end_s, "silence", classified=classified))
            if what == "(failed)":
                events.append(Fault(key, "classifier_failed", "the model failed at a segment", number))
            elif classified:
                events.append(emotion(key, number, start_s, end_s, what))
        events.append(Left(key, "end"))
    return events


def emotion(
    key: StreamKey, number: int, start_s: float, end_s: float, label: str, six: bool = False, known: float | None = None
) -> Emotion:
    likely = 0.7 if label in EMOTIONS else 0.4
    rest = (1 - likely) / 3
    likeliest = label if label in EMOTIONS else "sadness"
    shares = {name: likely if name == likeliest else rest for name in EMOTIONS}
    six_shares = dict.fromkeys(SIX_EMOTIONS, 1 / 6) if six else None
    return Emotion(key, number, start_s, end_s, True, shares, label, likely, MODEL, six_shares, voice_known=known)


def learning() -> Timeline:
    """Three segments of Ann: two first impressions, the second one unsure, and one when her voice is known."""
    key = StreamKey("file", "Ann", "talk.wav")
    events: list[Event] = [Joined(key, "Ann", analysed=True)]
    for number, (label, known) in enumerate((("anger", 0.0), (UNSURE, 0.4286), ("anger", 0.5))):
        start_s = 2.0 * number
        events.append(SpeechEnded(key, number, start_s, start_s + 1, "silence", classified=True))
        events.append(emotion(key, number, start_s, start_s + 1, label, known=known))
    return gather("talk.wav", events)


def talk() -> Timeline:
    return gather("talk.wav", events_of(TALK))


def segments(timeline: Timeline) -> list[tuple[int, Segment]]:
    """Every segment of ``timeline`` with its participant's number, in the order of time; read off its fields alone."""
    found = [
        (number, (round(one.start_s * 1000), round(one.end_s * 1000), what(one.emotion, one.classified)))
        for number, line in enumerate(timeline.lines)
        for one in line.utterances
    ]
    return sorted(found, key=lambda item: item[1][0])


def what(result: Emotion | None, classified: bool) -> str:
    if result is not None:
        return result.label
    return "(failed)" if classified else "(too short)"


def bytes_of(name: str, timeline: Timeline) -> bytes:
    output = io.BytesIO()
    assert list(FORMATS[name].write(Results(timeline, 0.5), output)) == []
    return output.getvalue()


def text_of(name: str, timeline: Timeline) -> str:
    return bytes_of(name, timeline).decode()


@contextmanager
def saved(name: str, timeline: Timeline) -> Iterator[Path]:
    """``timeline`` in a file, for readers that want one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"talk{FORMATS[name].suffix}"
        path.write_bytes(bytes_of(name, timeline))
        yield path


names: Final = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            'Ann "the voice" Lee',
            "O'Brien, Pat",
            "a: b; c\td",
            "two\nlines\r\nand\rmore",
            "<v Eve>&amp;</v> ]]> -->",
            "00:00.000 --> 00:01.000",
            "NOTE",
            "WEBVTT\n\n",
            "Zoë Łukasz 李 عمر \N{GRINNING FACE}",
            "nul\x00 bell\x07 \x1b[31m \ufffe",
            "about",
            "Ann: probabilities",
            "=1+1",
            ";; x",
            "<NA>",
            "'",
            '"',
            "\\n \\",
            "\u2028\u2029\u00a0x",
        ]
    ),
    st.text(max_size=12),
)
_windows = st.integers(0, 60)
_results = st.sampled_from([*EMOTIONS, UNSURE, "(too short)", "(failed)"])


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Up to three people with any names, who speak over each other, or not at all."""
    title = draw(st.one_of(st.just("talk.wav"), names))
    events: list[Event] = []
    for person in draw(st.lists(names, max_size=3, unique=True)):
        position, spoken = 0, list[Segment]()
        for pause, length, result in draw(st.lists(st.tuples(_windows, _windows, _results), max_size=4)):
            start = position + pause
            position = start + length + 1
            spoken.append((32 * start, 32 * position, result))
        shown = draw(st.one_of(st.just(person), names))
        events += events_of({shown: spoken}, title, {shown: person})
    return gather(title, events)
