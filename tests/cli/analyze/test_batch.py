"""Many recordings into a folder: whole files or none, what is missing is told, --resume does only that."""

import json
import os
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_track.cli.main import main
from tests.helpers.event_schema import parse_lines
from tests.helpers.processes import interrupt_group, started
from tests.paths import SPOKEN


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three recordings of two seconds, one of them damaged."""
    folder = tmp_path / "archive"
    for name in ("a.wav", "deep/b.wav", "c.wav"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = bytearray(SPOKEN.read_bytes()[: 44 + 64_000])
        data[4:8], data[40:44] = (len(data) - 8).to_bytes(4, "little"), (64_000).to_bytes(4, "little")
        path.write_bytes(data)
    (folder / "bad.wav").write_text("no sound")
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_recording_gets_a_file_of_its_own(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    out = tmp_path / "results"
    assert main(["analyze", "--final-only", "--jobs", jobs, "--out", f"{out}/", str(archive)]) == 1
    stdout, err = capsys.readouterr()
    assert stdout == ""
    assert err.splitlines()[-1] == f"ser-track: 1 of 4 recordings failed, at least in part: {archive / 'bad.wav'}"
    written = files_in(out)
    assert set(written) == {"a.jsonl", "deep/b.jsonl", "c.jsonl", "ser-track-done.jsonl"}
    assert {event["stream"] for event in parse_lines(written["deep/b.jsonl"].decode())} == {str(archive / "deep/b.wav")}
    done = [json.loads(line)["result"] for line in written["ser-track-done.jsonl"].splitlines()]
    assert sorted(done) == ["a.jsonl", "b.jsonl", "c.jsonl"]


@pytest.fixture
def again(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., set[str]]:
    """Resumes, and says which files of results were written."""
    out = tmp_path / "results"

    def resume(*more: str) -> set[str]:
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        assert main(["analyze", "--final-only", "--out", f"{out}/", "--resume", str(archive), *more]) == 1
        assert f"{archive / 'bad.wav'} cannot be read" in capsys.readouterr().err, "what failed is tried again"
        files = [path for path in out.rglob("*") if path.is_file()]
        return {path.name for path in files if before.get(path) != path.stat().st_mtime_ns} - {"ser-track-done.jsonl"}

    return resume


def test_what_is_done_is_not_done_again_unless_something_changed(
    archive: Path, tmp_path: Path, again: Callable[..., set[str]]
) -> None:
    out = tmp_path / "results"
    assert again() == {"a.jsonl", "b.jsonl", "c.jsonl"}
    assert again() == set()
    (out / "a.jsonl").unlink()
    os.utime(archive / "c.wav", ns=(1, 1))
    assert again() == {"a.jsonl", "c.jsonl"}
    assert again("--names", "Ada") == {"a.jsonl", "b.jsonl", "c.jsonl"}
    assert again() == {"a.jsonl", "b.jsonl", "c.jsonl"}, "those that are there are of other settings"
    with (out / "ser-track-done.jsonl").open("ab") as file:
        file.write(b'{"result": "a.js')  # the power failed
    assert again() == set()


def test_results_are_done_when_every_format_is_there(tmp_path: Path, again: Callable[..., set[str]]) -> None:
    stems = ("a", "b", "c")
    assert again("--format", "csv") == {f"{stem}.csv" for stem in stems}
    assert again("--format", "csv,vtt") == {f"{stem}.{suffix}" for stem in stems for suffix in ("csv", "vtt")}
    assert again("--format", "vtt") == again("--format", "csv") == set()
    (tmp_path / "results" / "a.vtt").write_text("edited")
    assert again("--format", "csv") == set()
    assert again("--format", "csv,vtt") == {"a.csv", "a.vtt"}


def test_how_many_were_done_before_is_told(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        main(["analyze", "--final-only", "--resume", "--out", f"{tmp_path}/results/", str(archive)])
    assert capsys.readouterr().err.count("ser-track: 3 of 4 recordings are done already") == 1


def test_a_recording_that_is_given_twice_is_done_once(archive: Path, tmp_path: Path) -> None:
    same = [str(archive / "a.wav"), str(archive / "a.wav")]
    assert main(["analyze", "--final-only", "--out", f"{tmp_path}/results/", *same]) == 0
    written = files_in(tmp_path / "results")
    assert set(written) == {"a.jsonl", "ser-track-done.jsonl"}
    assert written["ser-track-done.jsonl"].count(b"\n") == 1


def test_resume_needs_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["analyze", "--resume", "--out", str(tmp_path / "a.jsonl"), str(SPOKEN)]) == 2
    assert "give --out FOLDER/" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["analyze", "--out", f"{tmp_path}/file/results/", str(SPOKEN)]) == 2
    assert "cannot be created" in capsys.readouterr().err


@pytest.mark.parametrize("formats", [["jsonl"], ["jsonl", "csv"]])
def test_standard_input_has_files_of_its_own_too(archive: Path, tmp_path: Path, formats: list[str]) -> None:
    out = tmp_path / "results"
    options = ["--final-only", "--resume", "--format", ",".join(formats), "--out", f"{out}/"]
    for recording, recorded in (("a.wav", b"joined"), ("bad.wav", b"")):
        command = [sys.executable, "-m", "ser_track.cli", "analyze", *options, "-"]
        with (archive / recording).open("rb") as file:
            assert subprocess.run(command, stdin=file, check=False).returncode == int(not recorded)
        assert set(files_in(out)) == {f"stdin.{name}" for name in formats}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interruption_leaves_what_is_done_whole_and_tells_the_rest(archive: Path, tmp_path: Path, jobs: str) -> None:
    out, long = tmp_path / "results", archive / "z.wav"
    with wave.open(str(SPOKEN)) as spoken, wave.open(str(long), "wb") as file:
        file.setparams(spoken.getparams())
        file.writeframes(spoken.readframes(spoken.getnframes()) * 150)  # far from done when it is interrupted
    command = [sys.executable, "-m", "ser_track.cli", "analyze", "--final-only", "--jobs", jobs, "--out", f"{out}/"]
    named = [str(archive / name) for name in ("a.wav", "c.wav", "z.wav")]
    done = out / "ser-track-done.jsonl"
    with started([*command, *named], stderr=subprocess.PIPE) as running:
        _wait_for(lambda: (out / "z.jsonl.part").exists() and done.exists() and done.read_bytes().count(b"\n") == 2)
        interrupt_group(running)
        _, err = running.communicate()
    assert running.returncode == 130
    assert err.decode() == f"ser-track: interrupted: 2 of 3 recordings are done; missing: {long}\n"
    assert set(files_in(out)) == {"a.jsonl", "c.jsonl", "ser-track-done.jsonl"}
    for name in ("a.jsonl", "c.jsonl"):
        assert parse_lines((out / name).read_text())[-1]["type"] == "left"


def _wait_for(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """For what another process does to files."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
