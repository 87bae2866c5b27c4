"""`analyze --format`: what the files say is what the events say."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pympi.Elan import Eaf

from ser_track.cli.analyze.targets import format_names
from ser_track.cli.main import main
from ser_track.engine import timeline as engine_timeline
from ser_track.event_types import Announcement, Event
from ser_track.labels import LabelSet
from ser_track.output import wire
from tests.helpers.event_schema import parse_lines
from tests.helpers.processes import interrupt_group, started
from tests.paths import DATA

SPOKEN = DATA / "spoken.wav"
TWO_TRACKS = DATA / "spoken_two_tracks.mka"
DONE = "ser-track-done.jsonl"
NAMES = format_names()


def test_every_format_of_several_recordings_one_by_one_or_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    files = [*map(str, (TWO_TRACKS, tmp_path / "bad.wav", SPOKEN))]
    found = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        formats = ("--format", ",".join(NAMES[:3]), "--format", ",".join(NAMES[3:]))
        assert main(["analyze", "--final-only", "--jobs", jobs, *formats, "--out", str(out), *files]) == 1
        assert capsys.readouterr().out == ""
        found.append({path.name: path.read_bytes() for path in out.iterdir() if path.name != DONE})
    assert found[0] == found[1]
    assert {name.split(".")[0] for name in found[0]} == {"spoken_two_tracks", "spoken"}
    assert len(found[0]) == 2 * len(NAMES)
    assert main(["analyze", "--final-only", str(TWO_TRACKS)]) == 0
    assert found[0]["spoken_two_tracks.jsonl"].decode() == capsys.readouterr().out


def test_files_say_what_the_events_say(tmp_path: Path) -> None:
    out = str(tmp_path)
    assert main(["analyze", "--format", "jsonl,csv,eaf", "--out", out, str(TWO_TRACKS)]) == 0
    events = parse_lines((tmp_path / "spoken_two_tracks.jsonl").read_text(encoding="utf-8"))
    ended = {(one["participant"], one["segment"]): one for one in events if one["type"] == "speech_ended"}
    finals = {(one["participant"], one["segment"]): one for one in events if one["type"] == "emotion" and one["final"]}
    assert finals
    with (tmp_path / "spoken_two_tracks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {(row["participant"], int(row["segment"])): row for row in csv.DictReader(file)}
    assert rows.keys() == ended.keys()
    eaf = Eaf(str(tmp_path / "spoken_two_tracks.eaf"))
    for key, row in rows.items():
        times = ended[key]["start_s"], ended[key]["end_s"]
        assert (float(row["start_s"]), float(row["end_s"])) == times
        label = finals[key]["label"] if key in finals else "(too short)"
        assert row["label"] == label.replace("(too short)", "")
        assert (*(round(1000 * time) for time in times), label) in eaf.get_annotation_data_for_tier(key[0])
        if key in finals:
            assert {name: float(row[name]) for name in finals[key]["probabilities"]} == finals[key]["probabilities"]


def test_each_event_is_encoded_once_and_the_timeline_is_gathered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Event | Announcement] = []
    gathered: list[str] = []
    to_line, gatherer = wire.to_line, engine_timeline.TimelineGatherer.__init__

    def count(event: Event | Announcement) -> str:
        encoded.append(event)
        return to_line(event)

    def begin(self: engine_timeline.TimelineGatherer, title: str, *rest: LabelSet) -> None:
        gathered.append(title)
        gatherer(self, title, *rest)

    monkeypatch.setattr(wire, "to_line", count)
    monkeypatch.setattr(engine_timeline.TimelineGatherer, "__init__", begin)
    named = ["--report", f"{tmp_path}/page.html", "--plot", f"{tmp_path}/plot.svg"]
    options = ["--jobs", "1", "--format", "jsonl,csv,vtt", "--out", f"{tmp_path}/", *named]
    assert main(["analyze", *options, str(SPOKEN)]) == 0
    assert len(encoded) == len((tmp_path / "spoken.jsonl").read_text(encoding="utf-8").splitlines())
    assert gathered == ["spoken.wav"]


def test_one_recording_as_captions_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "--final-only", "--format", "vtt", str(SPOKEN)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("WEBVTT\n")
    assert "<v track-1>" in out


def test_a_format_that_is_none_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["analyze", "--format", "csv,srt", str(SPOKEN)])
    assert "'srt' is not a format; give one of jsonl, csv, vtt" in capsys.readouterr().err
    assert main(["analyze", "--format", "csv", str(SPOKEN), str(TWO_TRACKS)]) == 2
    assert "csv of 2 recordings cannot share stdout; name a folder with --out FOLDER/" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_leaves_the_files_that_were_done_whole_and_no_others(tmp_path: Path) -> None:
    pipe, out = tmp_path / "later.wav", tmp_path / "out"
    os.mkfifo(pipe)
    program = "import sys; from ser_track.cli.main import main; sys.exit(main())"
    options = ["--final-only", "--jobs", "2", "--format", "jsonl,csv", "--out", str(out)]
    command = [sys.executable, "-c", program, "analyze", *options, str(SPOKEN), str(pipe)]
    with started(command, stderr=subprocess.PIPE) as running, pipe.open("wb"):
        # Written at once after the last of its files, and empty for a moment before.
        while not (out / DONE).exists() or not (out / DONE).stat().st_size:
            assert running.poll() is None
            time.sleep(0.05)
        interrupt_group(running)
        _, err = running.communicate(timeout=60)
    told = f"ser-track: interrupted: 1 of 2 recordings are done; missing: {pipe}\n"
    assert (running.returncode, err.decode()) == (130, told)
    assert {path.name for path in out.iterdir()} == {"spoken.jsonl", "spoken.csv", DONE}
    assert parse_lines((out / "spoken.jsonl").read_text(encoding="utf-8"))[-1]["type"] == "left"
