"""Files, folders, patterns: which recordings a command line names."""

from pathlib import Path, PurePath

import pytest

from ser_track.cli.analyze.inputs import find_inputs
from ser_track.errors import ConfigError
from tests.helpers.packets import mediajson_start


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_a_folder_gives_its_recordings_in_order_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path, "b.wav", "a/2.OPUS", "a/1.mjr", "notes.txt", "a/events.jsonl", ".hidden.wav", ".trash/c.wav")
    (tmp_path / "dump.jsonl").write_text(mediajson_start("a-1", "a"))
    inputs = find_inputs([tmp_path])
    assert [path.relative_to(tmp_path) for each in inputs.found for path in each.paths] == [
        Path("a/1.mjr"),
        Path("a/2.OPUS"),
        Path("b.wav"),
        Path("dump.jsonl"),
    ]
    assert [each.place for each in inputs.found] == [PurePath("a/1"), PurePath("a/2"), PurePath("b"), PurePath("dump")]
    assert inputs.missing == []


def test_a_pattern_gives_what_matches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/1.wav", "a/2.wav", "b/3.wav", "b/4.mp3", "[x].wav")
    inputs = find_inputs([tmp_path / "**" / "*.wav"])
    assert [each.paths[0].name for each in inputs.found] == ["[x].wav", "1.wav", "2.wav", "3.wav"]
    monkeypatch.chdir(tmp_path)
    assert [each.paths for each in find_inputs([Path("b/*.wav")]).found] == [(Path("b/3.wav"),)]
    assert [each.paths for each in find_inputs([Path("[x].wav")]).found] == [(Path("[x].wav"),)]


def test_where_nothing_is_that_is_told_and_the_others_are_found(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    (tmp_path / "empty").mkdir()
    inputs = find_inputs([tmp_path / "empty", tmp_path / "*.flac", tmp_path / "a.wav", tmp_path / "gone.wav"])
    # The program that opens gone.wav reports that it is gone.
    assert [each.paths[0].name for each in inputs.found] == ["a.wav", "gone.wav"]
    empty, pattern = inputs.missing
    assert empty.startswith(str(tmp_path / "empty"))
    assert pattern.startswith(str(tmp_path / "*.flac"))


def test_two_of_one_name_keep_their_suffixes(tmp_path: Path) -> None:
    inputs = find_inputs([Path("call.wav"), Path("call.mp3"), Path("other.wav")])
    assert [str(each.place) for each in inputs.found] == ["call.wav", "call.mp3", "other"]


def test_together_they_are_one(tmp_path: Path) -> None:
    (meeting,) = find_inputs([Path("a.mjr"), Path("b.mjr")], together=True).found
    assert meeting.paths == (Path("a.mjr"), Path("b.mjr"))
    assert (str(meeting), str(meeting.place)) == ("a.mjr", "a")


def test_standard_input_is_alone() -> None:
    assert find_inputs([Path("-")]).found[0].paths == (Path("-"),)
    with pytest.raises(ConfigError, match="give it alone"):
        find_inputs([Path("-"), Path("a.wav")])
