"""The page as text: who may do what in it, what it says, and that its colours can be read."""

import base64
import hashlib
import json
import re

import pytest

from ser_track.engine.timeline import Line, Timeline
from ser_track.event_types import Fault, StreamKey
from ser_track.labels import FOUR, SIX, LabelSet
from ser_track.output.documents.html import Sound, make_page
from ser_track.output.documents.html.limits import FIGURES
from ser_track.output.documents.html.text import clock
from tests.helpers.page_timelines import timeline, utterance
from tests.paths import ROOT

ASSETS = ROOT / "ser_track" / "output" / "documents" / "html"


@pytest.fixture
def talk() -> Timeline:
    return timeline(Line("ann", "Ann", [utterance(1, 3, 0.1, 0.7, 0.1, 0.1), utterance(4, 4.3)]))


def test_only_its_own_style_and_script_may_do_anything(talk: Timeline) -> None:
    page = make_page(talk, Sound(), 0.5)
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert found is not None
    rules = dict(rule.split(" ", 1) for rule in found[1].split("; "))
    assert rules["default-src"] == "'none'"
    for kind, tag in (("style-src", "style"), ("script-src", "script")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert rules[kind] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    assert not re.search(r"\s(style|on\w+)=", page)


def test_what_comes_from_outside_is_text(talk: Timeline) -> None:
    hostile = "</script><img src=x onerror=alert(1)>&\udcff"
    talk.title, talk.lines[0].name = hostile, hostile
    talk.faults.append(Fault(StreamKey("file", hostile, "a"), "audio_unreadable", hostile))
    page = make_page(talk, Sound(), 0.5)
    assert "<img" not in page
    assert page.count("</script>") == 2
    page.encode()


def test_it_says_what_it_is_and_what_it_is_not(talk: Timeline) -> None:
    page = make_page(talk, Sound(), 0.6)
    assert "none reaches 60\N{NO-BREAK SPACE}%" in page
    assert f"{FIGURES['small'][1]}\N{NO-BREAK SPACE}% for RAVDESS" in page
    assert "contains no sound of the recording" in page
    assert "<audio" not in page
    talk.faults.append(Fault(StreamKey("file", "ann", "a"), "audio_unreadable", "it is cut off"))
    assert "Not everything could be analysed" in make_page(talk, Sound(), 0.5)
    assert "recorded voices of 1 participant</b>" in make_page(talk, Sound(webm=b"webm"), 0.5)
    assert "so long that" in make_page(talk, Sound(too_long=True), 0.5)


def test_a_first_impression_is_shown_with_reserve_and_explained() -> None:
    sad = (0.1, 0.1, 0.7, 0.1)
    new, known = utterance(1, 9, *sad, known=0.4286), utterance(11, 19, *sad, known=0.5)
    page = make_page(timeline(Line("ann", "Ann", [new, known])), Sound(), 0.5)
    marks = re.findall(r'<svg class="mark label-(\w+)".*?href="#m-(\w+)".*?<text[^>]*>(.*?)</text>', page)
    assert {mark[0] for mark in marks} == {"learning_voice", "sadness"}
    assert all(drawn == of for of, drawn, _ in marks)
    assert any(text.startswith("learning<tspan") and "perhaps sadness" in text for _, _, text in marks)
    assert "<i>learning this voice, perhaps sadness</i>" in page  # in the table of all utterances
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0])
    assert [row[2] for row in data["lines"][0]["utterances"]] == ["learning this voice, perhaps sadness", "sadness"]
    assert page.count("1 of these results") == 2
    assert '<p class="caption" id="learning">' in page
    assert "first-impression" in page.split("</style>")[1]
    sure = make_page(timeline(Line("ann", "Ann", [known])), Sound(), 0.5)
    assert "learning this voice" not in sure
    assert 'id="learning"' not in sure


def test_nobody_spoke() -> None:
    page = make_page(timeline(Line("ann", "Ann")), Sound(), 0.5)
    assert "No result: no utterance was long enough." in page
    make_page(timeline(), Sound(), 0.5)


def test_the_figures_are_the_model_cards() -> None:
    card = (ROOT / "ser_track" / "models" / "CARD.md").read_text(encoding="utf-8")
    for model, stated in FIGURES.items():
        for corpus, figure in zip(("CREMA-D, 20 unseen speakers", "RAVDESS, an unseen corpus"), stated, strict=True):
            found = re.search(rf"\| {corpus}, each clip alone \| {model} \| four \| \*\*(\d+\.\d)\*\*", card)
            assert found is not None
            assert abs(float(found[1]) - figure) <= 0.5
    assert "only about 56 % of the cases" in card


def test_emotions_have_the_marks_and_colours_of_the_demo_page(talk: Timeline) -> None:
    page = make_page(talk, Sound(), 0.5)
    told = FOUR.to_json()  # as the page of a room gets it
    for label in (*told["labels"], told["unsure"], told["learning"]):
        name = label["name"]
        (symbol,) = re.findall(rf'<symbol id="m-{name}" .*?</symbol>', page)
        assert f'd="{label["path"]}"' in symbol, name
        assert re.findall(rf"\.label-{name} {{ color: (#\w+); }}", page) == list(label["colours"].values())


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_have_the_contrast_of_wcag_aa(scheme: int) -> None:
    style = (ASSETS / "report.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]))
    for ground in ("bg", "surface"):
        for text in ("text", "muted", "accent"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        usual = LabelSet.of([*SIX.names, *(f"other{number}" for number in range(10))])
        for label in (*usual.labels, usual.unsure, usual.learning):
            assert contrast(label.colour[scheme], colours[ground]) >= 4.5, (label.name, ground)
        assert contrast(colours["control"], colours[ground]) >= 3, ground
    for ground in ("info", "problem"):
        assert contrast(colours["text"], colours[ground]) >= 4.5, ground


@pytest.mark.parametrize(
    ("at_s", "decimals", "text"),
    [(0, 0, "0:00"), (59.6, 0, "1:00"), (59.96, 1, "1:00.0"), (3661.25, 1, "1:01:01.2"), (7.04, 1, "0:07.0")],
)
def test_times_are_rounded_once(at_s: float, decimals: int, text: str) -> None:
    assert clock(at_s, decimals) == text
