"""Pictures for print: they open, say what they show, and take any name."""

import re
from pathlib import Path

import pytest
from pypdf import PdfReader

from ser_track.engine.timeline import Line, Timeline
from ser_track.output.documents.plot import save_plot
from tests.helpers.page_timelines import timeline, utterance


@pytest.fixture
def talk() -> Timeline:
    ann = Line(
        "ann", "Ann", [utterance(1, 3, 0.1, 0.7, 0.1, 0.1), utterance(4, 4.3), utterance(5, 9, 0.3, 0.3, 0.2, 0.2)]
    )
    return timeline(ann, Line("bob", "Bob"))


def drawn(timeline: Timeline, path: Path) -> list[str]:
    """What is told of the picture that is now in ``path``."""
    with path.open("wb") as output:
        return save_plot(timeline, output, path.suffix)


def words(svg: Path) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text(encoding="utf-8")))


def test_a_picture_names_its_units_its_marks_and_its_limits(talk: Timeline, tmp_path: Path) -> None:
    assert drawn(talk, tmp_path / "a.svg") == []
    text = words(tmp_path / "a.svg")
    for word in ("Time (s)", "Probability", "P(anger)", "heard as happiness", "unsure", "speech", "Ann", "Bob"):
        assert word in text, word
    assert "Guesses of small@2.1.0 from the sound of the voice; often wrong." in text


def test_first_impressions_are_pale_and_the_picture_says_what_they_are(talk: Timeline, tmp_path: Path) -> None:
    shares = (0.1, 0.7, 0.1, 0.1)
    told = "learning this voice; a first impression"
    drawn(timeline(Line("ann", "Ann", [utterance(1, 3, *shares, known=0.9)])), tmp_path / "known.svg")
    assert told not in words(tmp_path / "known.svg")
    new = Line("ann", "Ann", [utterance(1, 3, *shares, known=0.2), utterance(4, 6, *shares, known=0.9)])
    drawn(timeline(new), tmp_path / "new.svg")
    assert told in words(tmp_path / "new.svg")
    pale = [len(re.findall(r"opacity: 0\.35", (tmp_path / f"{name}.svg").read_text())) for name in ("known", "new")]
    assert pale[0] == 0
    assert pale[1] >= 4  # a part of the stack for each emotion


def test_the_same_timeline_gives_the_same_bytes(talk: Timeline, tmp_path: Path) -> None:
    for suffix in ("svg", "png", "pdf"):
        paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
        for path in paths:
            drawn(talk, path)
        assert paths[0].read_bytes() == paths[1].read_bytes(), suffix
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "Time (s)" in PdfReader(tmp_path / "a.pdf").pages[0].extract_text()


def test_a_name_is_a_name_and_no_formula(talk: Timeline, tmp_path: Path) -> None:
    talk.lines[0].name, talk.title = r"$\frac{1}{$", "$x^2$ & <b>"
    assert drawn(talk, tmp_path / "a.svg") == []
    assert r"$\frac{1}{$" in words(tmp_path / "a.svg")


def test_signs_that_the_font_lacks_are_said(talk: Timeline, tmp_path: Path) -> None:
    talk.lines[0].name = "\N{CJK UNIFIED IDEOGRAPH-5C71}"
    (told,) = drawn(talk, tmp_path / "a.png")
    assert "boxes for characters" in told


def test_more_people_than_fit_are_said(tmp_path: Path) -> None:
    crowd = timeline(
        *(Line(str(number), f"Person {number}", [utterance(0, 900, 0.1, 0.7, 0.1, 0.1)]) for number in range(41))
    )
    (told,) = drawn(crowd, tmp_path / "a.svg")
    assert "first 40 of 41" in told
    assert "Time (min)" in words(tmp_path / "a.svg")
    assert drawn(timeline(), tmp_path / "b.svg") == []
