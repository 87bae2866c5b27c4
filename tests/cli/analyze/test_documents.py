"""`analyze --report` and `--plot`: which files are written, and what is refused before any work is done."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.main import main
from tests.cli.analyze.test_command import TWO_TRACKS
from tests.paths import DATA, SPOKEN


@pytest.fixture
def analyze(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> tuple[int, str, str]:
        return main(["analyze", "--final-only", *map(str, arguments)]), *capsys.readouterr()

    return run


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_recording_has_its_page_and_its_picture(tmp_path: Path, analyze: Any, jobs: int) -> None:
    _, plain, _ = analyze(TWO_TRACKS, SPOKEN)
    pages = ("--report", tmp_path / "{name}.html", "--plot", tmp_path / "{folder}-{name}.png")
    code, out, err = analyze("--jobs", jobs, *pages, TWO_TRACKS, SPOKEN)
    assert (code, out, err) == (0, plain, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "spoken.html",
        "spoken_two_tracks.html",
        "data-spoken.png",
        "data-spoken_two_tracks.png",
    }
    page = (tmp_path / "spoken_two_tracks.html").read_text(encoding="utf-8")
    assert "<h3><bdi>Ada</bdi></h3>" in page
    assert "data:audio" not in page
    assert len(re.findall(r'class="wave".*?d="M', page)) == 4  # two people, on screen and on paper


def test_sound_is_in_the_page_only_when_asked_for(tmp_path: Path, analyze: Any) -> None:
    page = tmp_path / "a.html"
    assert analyze("--report", page, "--report-audio", "embed", SPOKEN)[0] == 0
    assert 'src="data:audio/webm;base64,' in page.read_text(encoding="utf-8")


def test_a_recording_that_is_cut_off_has_a_page_that_says_so(tmp_path: Path, analyze: Any) -> None:
    cut_off = tmp_path / "cut.wav"
    cut_off.write_bytes(SPOKEN.read_bytes()[:300_000])
    code, _, err = analyze("--report", tmp_path / "a.html", cut_off)
    assert code == 1
    assert "is cut off" in err
    assert "is cut off" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert analyze("--report", tmp_path / "b.html", tmp_path / "gone.wav")[0] == 1
    assert not (tmp_path / "b.html").exists()


def test_recorded_packets_have_pages_with_the_names_that_are_given(tmp_path: Path, analyze: Any) -> None:
    packets = tmp_path / "calls"
    packets.mkdir()
    for name in ("spoken.pcap", "spoken.rtpdump"):
        (packets / name).write_bytes((DATA / "packets" / name).read_bytes())
    code, out, err = analyze("--names", "Ann", "--report", tmp_path / "{folder}-{name}.html", packets)
    assert (code, err) == (0, "")
    assert out
    for page in (tmp_path / "calls-spoken.pcap.html", tmp_path / "calls-spoken.rtpdump.html"):
        text = page.read_text(encoding="utf-8")
        assert "<h3><bdi>Ann</bdi></h3>" in text
        assert len(re.findall(r'class="wave".*?d="M', text)) == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_recording_whose_page_is_gone_is_not_done(tmp_path: Path, analyze: Any, jobs: int) -> None:
    options = ("--jobs", jobs, "--format", "csv", "--out", f"{tmp_path}/results/", "--report", tmp_path / "{name}.html")
    for page in (tmp_path / "spoken.html", tmp_path / "spoken_two_tracks.html"):
        assert analyze(*options, "--resume", SPOKEN, TWO_TRACKS)[0] == 0
        assert analyze(*options, "--resume", SPOKEN, TWO_TRACKS)[2].endswith("2 of 2 recordings are done already\n")
        page.unlink()
        assert analyze(*options, "--resume", SPOKEN, TWO_TRACKS)[2].endswith("1 of 2 recordings are done already\n")
        assert page.exists()


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, analyze: Any) -> None:
    recording = tmp_path / "a.html"
    recording.write_bytes(SPOKEN.read_bytes())
    for arguments, reason in (
        (("--report", tmp_path / "p.html", SPOKEN, TWO_TRACKS), "p.html would be written for 2 recordings; put {name}"),
        (("--report", tmp_path / "no" / "p.html", SPOKEN), "in a folder that exists"),
        (("--report", tmp_path / "p.txt", SPOKEN), "must end in .html or .htm"),
        (("--plot", tmp_path / "p.gif", SPOKEN), "must end in .png or .svg or .pdf"),
        (("--report", recording, recording), "is one of the recordings"),
        (("--report-audio", "embed", SPOKEN), "give --report FILE.html too"),
    ):
        code, out, err = analyze(*arguments)
        assert (code, out) == (2, ""), reason
        assert reason in err
    assert list(tmp_path.iterdir()) == [recording]
    assert recording.read_bytes() == SPOKEN.read_bytes()


def test_without_matplotlib_it_says_how_to_get_it(
    tmp_path: Path, analyze: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = analyze("--plot", tmp_path / "a.png", SPOKEN)
    assert code == 2
    assert "pip install 'ser-track[plot]'" in err
