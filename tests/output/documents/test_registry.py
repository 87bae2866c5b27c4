"""Formats of installed packages: found, named in --help, used, and never able to break the others."""

import re
import shutil
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.main import main
from ser_track.labels import FOUR
from ser_track.output.documents import FORMATS, GROUP, Format, Timeline, text_format
from ser_track.plugins import Plugins
from tests.helpers.event_schema import parse_lines
from tests.helpers.example_packages import PACKAGES, install, ser_track
from tests.paths import ROOT, SPOKEN

NAME = "ser-track-example-format"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """In which the example is installed."""
    return install(NAME, tmp_path_factory.mktemp("example"))


def test_the_example_package_is_a_format_like_our_own(environment: dict[str, str], tmp_path: Path) -> None:
    recordings = [str(SPOKEN), str(SPOKEN.with_name("spoken_two_tracks.mka"))]
    options = ["--final-only", "--jobs", "2", "--format", "jsonl,srt", "--out", f"{tmp_path}/"]
    done = ser_track(environment, "analyze", *options, *recordings)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for stem in ("spoken", "spoken_two_tracks"):
        events = parse_lines((tmp_path / f"{stem}.jsonl").read_text(encoding="utf-8"))
        finals = sorted((one for one in events if one["type"] == "emotion"), key=lambda one: one["start_s"])
        subtitles = (tmp_path / f"{stem}.srt").read_text(encoding="utf-8").split("\n\n")[:-1]
        words = [FOUR.words(one["label"], one["voice_known"]) for one in finals]
        assert [subtitle.rpartition(": ")[2] for subtitle in subtitles] == words
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\ntrack-1: ", (tmp_path / "spoken.srt").read_text())


def test_the_guides_command_runs(environment: dict[str, str], tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ser-track (analyze --format srt --out results/ meeting\.mp4) ", guide, re.MULTILINE)
    shutil.copy(SPOKEN, tmp_path / "meeting.mp4")  # what a file is, its content says
    done = ser_track(environment, *command.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "results" / "meeting.srt").read_text(encoding="utf-8").startswith("1\n00:00:")


def test_help_names_the_format_with_its_package(environment: dict[str, str]) -> None:
    done = ser_track(environment, "analyze", "--help")
    text = " ".join(done.stdout.split())
    assert f"srt, from the package {NAME}: SubRip subtitles" in text
    assert "csv: a row per segment" in text


def test_the_guide_shows_the_example_as_it_is() -> None:
    guide = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    for file in ("pyproject.toml", "ser_track_example_format.py"):
        assert (PACKAGES / NAME / file).read_text(encoding="utf-8") in guide


def fails(timeline: Timeline, output: Any) -> None:
    output.write("half")
    raise ValueError("no idea")


FAILS = text_format("fails", ".fails", fails, "fails")
CLASHES = text_format("clashes", ".CSV", fails, "has a suffix that csv has")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Format]:
    """Two formats of a package, without a package."""
    points = [EntryPoint(name, f"{__name__}:{name.upper()}", GROUP) for name in ("fails", "clashes")]
    formats = Plugins(GROUP, Format, {name: FORMATS[name] for name in ("csv", "vtt")}, points)
    for module in ("documents", "sinks", "targets"):
        monkeypatch.setattr(f"ser_track.cli.analyze.{module}.FORMATS", formats)
    return formats


def test_a_packages_format_that_fails_is_named_and_the_others_are_written(
    installed: Mapping[str, Format], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--final-only", "--jobs", "1", "--format", "csv,fails,vtt", "--out", f"{tmp_path}/"]
    assert main(["analyze", *options, str(SPOKEN)]) == 1
    assert f"{SPOKEN}: the format fails of the package" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {"spoken.csv", "spoken.vtt"}


def test_two_formats_with_one_suffix_are_not_written_over_each_other(
    installed: Mapping[str, Format], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "--format", "csv,clashes", "--out", f"{tmp_path}/", str(SPOKEN)]) == 2
    assert "clashes and csv both write files with .CSV; give one of them" in capsys.readouterr().err


def test_a_page_and_pictures_are_formats_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--final-only", "--format", "html,png", "--report-audio", "embed", "--out", f"{tmp_path}/"]
    named = ["--report", f"{tmp_path}/page.html", "--plot", f"{tmp_path}/plot.png"]
    assert main(["analyze", *options, *named, str(SPOKEN)]) == 0
    page = (tmp_path / "spoken.html").read_bytes()
    assert b"data:audio/webm" in page
    assert page == (tmp_path / "page.html").read_bytes()
    assert (tmp_path / "spoken.png").read_bytes() == (tmp_path / "plot.png").read_bytes()
    assert capsys.readouterr() == ("", "")
