"""WebVTT, as webvtt-py and Chromium read it."""

import html
import io

import pytest
from hypothesis import given
from webvtt import WebVTT

from ser_track.engine.timeline import Timeline, gather
from ser_track.output.documents.wording import LIMITS, speakers
from tests.helpers.browser import launched
from tests.helpers.document_timelines import MODEL, events_of, learning, segments, talk, text_of, timelines
from tests.paths import SPOKEN


def read(timeline: Timeline) -> WebVTT:
    return WebVTT.from_buffer(io.StringIO(text_of("vtt", timeline)))


def milli(timestamp: str) -> int:
    hours, minutes, seconds = timestamp.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def test_captions_say_how_each_voice_sounds() -> None:
    cues = [(cue.start, cue.end, cue.voice, cue.text) for cue in read(talk()).captions]
    assert cues == [
        ("00:00:01.000", "00:00:02.504", "Ann", "Ann: sounds like happiness (70 %)"),
        ("00:00:01.504", "00:00:03.008", "Bob", "Bob: sounds like anger (70 %)"),
        ("00:00:02.504", "00:00:04.000", "Ann", "Ann: unsure"),
        # Ann's shortest is not here; the model's failure is: it is no silence.
        ("01:00:03.000", "01:00:04.000", "Bob", "Bob: no result, the model failed"),
    ]


def test_a_first_impression_is_no_statement() -> None:
    assert [cue.text for cue in read(learning()).captions] == [
        "Ann: learning this voice, perhaps anger (70 %)",
        "Ann: learning this voice, unsure",
        "Ann: sounds like anger (70 %)",
    ]


def test_a_note_says_what_they_are_worth() -> None:
    assert text_of("vtt", talk()).startswith(f"WEBVTT\n\nNOTE {LIMITS} ({MODEL})\n\nNOTE error: the model failed")


@given(timelines())
def test_whatever_the_names_a_reader_finds_every_cue_and_who_spoke(timeline: Timeline) -> None:
    names = speakers(timeline)
    expected = [
        (names[number], start, end, label)
        for number, (start, end, label) in segments(timeline)
        if label != "(too short)"
    ]
    cues = read(timeline).captions
    assert [(html.unescape(cue.voice or ""), milli(cue.start), milli(cue.end)) for cue in cues] == [
        (name, start, end) for name, start, end, _ in expected
    ]
    for cue, (name, _, _, label) in zip(cues, expected, strict=True):
        said = html.unescape(cue.text).removeprefix(f"{name}: ")
        assert said.split(" (")[0] == {"unsure": label, "(failed)": "no result, the model failed"}.get(
            label, f"sounds like {label}"
        )


_CUES = """async text => {
  const track = document.createElement("track")
  track.src = URL.createObjectURL(new Blob([text], {type: "text/vtt"}))
  document.body.appendChild(document.createElement("video")).append(track)
  const loaded = new Promise((done, failed) => { track.onload = done; track.onerror = failed })
  track.track.mode = "hidden"
  await loaded
  return [...track.track.cues].map(cue => {
    const shown = cue.getCueAsHTML()
    return [shown.firstChild.title, shown.textContent, 1000 * cue.startTime, 1000 * cue.endTime]
  })
}"""


@pytest.mark.browser
async def test_a_browser_shows_the_cues_with_names_as_they_are() -> None:
    name = 'Zoë "the voice" <v Eve>&amp;</v> --> \N{GRINNING FACE}'
    timeline = gather("talk.wav", events_of({name: [(0, 1_504, "anger")], "Bob": [(1_000, 3_600_000, "unsure")]}))
    async with launched(SPOKEN) as browser:
        page = await browser.new_page()
        cues = await page.evaluate(_CUES, text_of("vtt", timeline))
    assert cues == [
        [name, f"{name}: sounds like anger (70 %)", 0, 1_504],
        ["Bob", "Bob: unsure", 1_000, 3_600_000],
    ]
