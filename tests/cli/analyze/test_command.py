"""`analyze`: what users and their programs get from recordings, good and bad."""

import os
import subprocess
import sys
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_track.cli.main import main
from tests.helpers.event_schema import parse_lines
from tests.helpers.processes import interrupt_group, started
from tests.helpers.recordings import Sound, record
from tests.paths import DATA

SPOKEN = DATA / "spoken.wav"
TWO_TRACKS = DATA / "spoken_two_tracks.mka"
PACKETS = DATA / "packets"
Run = tuple[int, list[dict[str, Any]], str]


@pytest.fixture
def analyze(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Run:
        code = main(["analyze", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, parse_lines(out), err

    return run


def segments(events: list[dict[str, Any]], participant: str | None = None) -> list[tuple[float, float]]:
    return [
        (event["start_s"], event["end_s"])
        for event in events
        if event["type"] == "speech_ended" and participant in (None, event["participant"])
    ]


def test_a_recording_is_a_call_of_one(analyze: Any) -> None:
    code, events, err = analyze(SPOKEN)
    assert (code, err) == (0, "")
    assert {(event["participant"], event["stream"]) for event in events} == {("track-1", str(SPOKEN))}
    assert events[0] | {"type": "joined", "name": "track-1", "analysed": True} == events[0]
    assert events[-1] | {"type": "left", "reason": "end"} == events[-1]
    ended = [event for event in events if event["type"] == "speech_ended"]
    finals = [event for event in events if event["type"] == "emotion" and event["final"]]
    assert [event["segment"] for event in finals] == [event["segment"] for event in ended if event["classified"]]
    assert not all(event["classified"] for event in ended)  # the recording has one word that is too short


def test_final_only_leaves_out_provisional_results_and_nothing_else(analyze: Any) -> None:
    _, everything, _ = analyze(SPOKEN)
    _, finals, _ = analyze("--final-only", SPOKEN)
    provisional = [event for event in everything if event["type"] == "emotion" and not event["final"]]
    assert provisional
    # To the last digit: they are not computed at all, and final ones do not depend on them.
    assert finals == [event for event in everything if event not in provisional]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    for out in (first, second):
        assert main(["analyze", "--out", str(out), str(TWO_TRACKS)]) == 0
    assert capsys.readouterr() == ("", "")
    assert first.read_bytes() == second.read_bytes()
    assert len(parse_lines(first.read_text(encoding="utf-8"))) > 4


def test_tracks_are_participants_in_one_time(analyze: Any) -> None:
    code, events, err = analyze("--final-only", TWO_TRACKS)
    assert (code, err) == (0, "")
    assert [event["name"] for event in events if event["type"] == "joined"] == ["Ada", "Bob"]
    assert [event["participant"] for event in events if event["type"] == "left"] == ["Ada", "Bob"]
    _, mixed, _ = analyze("--final-only", SPOKEN)
    apart = sorted(segments(events, "Ada") + segments(events, "Bob"))
    # The same speech through Opus, so borders may differ by a few windows.
    assert len(apart) == len(segments(mixed))
    for border, other in zip(apart, segments(mixed), strict=True):
        assert border == pytest.approx(other, abs=0.1)


def test_a_participant_does_not_change_who_else_is_there(tmp_path: Path, analyze: Any, spoken: Any) -> None:
    quiet = np.zeros_like(spoken)
    stereo = record(tmp_path / "a.wav", "pcm_s16le", [Sound(np.stack([spoken, quiet], 1))])
    _, split, _ = analyze("--channels", "split", stereo)
    left = [event for event in split if event["participant"] == "track-1-left"]
    _, alone, _ = analyze(SPOKEN)
    differing = ("participant", "stream", "name")
    assert [{k: v for k, v in event.items() if k not in differing} for event in left] == [
        {k: v for k, v in event.items() if k not in differing} for event in alone
    ]
    right = [event["type"] for event in split if event["participant"] == "track-1-right"]
    assert right == ["joined", "left"]


def test_a_bad_file_is_named_and_stops_no_other(tmp_path: Path, analyze: Any) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    code, events, err = analyze("--final-only", tmp_path / "bad.wav", SPOKEN, "gone.wav")
    assert code == 1
    assert {event["stream"] for event in events} == {str(SPOKEN)}
    first, second, all_of_them = err.splitlines()
    assert first.startswith(f"ser-track: error: {tmp_path / 'bad.wav'} cannot be read")
    assert second.startswith("ser-track: error: gone.wav does not exist")
    assert all_of_them == (f"ser-track: 2 of 3 recordings failed, at least in part: {tmp_path / 'bad.wav'}, gone.wav")


@pytest.mark.parametrize("provisional", [[], ["--final-only"]])
def test_many_files_at_once_give_what_they_give_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], provisional: list[str]
) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    cut_off = tmp_path / "cut.wav"
    cut_off.write_bytes(SPOKEN.read_bytes()[:200_000])
    # The longest comes first, so that others are done before it.
    files = [*map(str, (SPOKEN, tmp_path / "bad.wav", TWO_TRACKS, cut_off, "gone.wav", cut_off))]
    one_by_one, at_once = (
        (main(["analyze", *provisional, "--jobs", jobs, *files]), capsys.readouterr()) for jobs in ("1", "3")
    )
    assert at_once == one_by_one
    code, (out, err) = at_once
    assert code == 1
    assert [stream for stream, _ in groupby(event["stream"] for event in parse_lines(out))] == [
        str(SPOKEN),
        str(TWO_TRACKS),
        str(cut_off),
    ]
    *failures, all_of_them = err.splitlines()
    assert [line.split(":")[2].split()[0] for line in failures] == [files[1], files[3], files[4]]
    assert all_of_them.startswith("ser-track: 4 of 6 recordings failed")


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_a_number_of_jobs_that_is_none_is_refused(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["analyze", "--jobs", jobs, str(SPOKEN)])
    assert f"{jobs} is not a number of processes; give 1 or more" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("ending", ["interrupt", "kill"])
def test_however_it_ends_no_process_is_left(tmp_path: Path, ending: str) -> None:
    pipes = [tmp_path / "1.wav", tmp_path / "2.wav"]
    for pipe in pipes:
        os.mkfifo(pipe)
    program = "import sys; from ser_track.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "analyze", "--jobs", "2", *map(str, pipes)]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running, ExitStack() as writers:
        for pipe in pipes:
            writers.enter_context(pipe.open("wb"))  # opens when a worker does
        if ending == "interrupt":
            interrupt_group(running)
        else:
            running.kill()
        # Ends when nobody holds the other end of stdout and stderr any more: when all processes are gone.
        out, err = running.communicate()
    assert out == b""
    if ending == "interrupt":
        told = f"ser-track: interrupted: 0 of 2 recordings are done; missing: {pipes[0]}, {pipes[1]}\n"
        assert (running.returncode, err.decode()) == (130, told)


def test_a_file_that_was_cut_off_is_analysed_up_to_there_and_said_to_be_cut_off(tmp_path: Path, analyze: Any) -> None:
    cut_off = tmp_path / "cut.wav"
    data = SPOKEN.read_bytes()
    cut_off.write_bytes(data[: len(data) * 2 // 3])
    code, events, err = analyze("--final-only", cut_off)
    assert code == 1
    assert err.count("\n") == 1
    assert "is cut off" in err
    error, left = events[-2:]
    assert (error["type"], error["code"], left["reason"]) == ("error", "audio_unreadable", "error")
    assert error["message"] in err
    _, whole, _ = analyze("--final-only", SPOKEN)
    assert segments(events)[:2] == segments(whole)[:2]
    assert segments(events)[-1][1] <= len(data) * 2 / 3 / 32_000 + 0.032


def test_a_name_that_is_no_utf_8_is_no_obstacle(tmp_path: Path, analyze: Any) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    path.write_bytes(SPOKEN.read_bytes()[:100_000])
    code, events, err = analyze("--final-only", path)
    assert code == 1
    assert err.count("\n") == 1
    assert {event["stream"] for event in events} == {f"{tmp_path}/caf\N{REPLACEMENT CHARACTER}.wav"}
    assert events[-2]["type"] == "error"


def test_what_was_noticed_is_told_and_is_not_a_failure(tmp_path: Path, analyze: Any, spoken: Any) -> None:
    path = record(tmp_path / "a.wav", "pcm_s16le", [Sound(np.stack([spoken, -spoken], 1))])
    code, events, err = analyze("--final-only", path)
    assert code == 0
    assert len(segments(events)) >= 3
    assert err.count("\n") == 1
    assert err.startswith(f"ser-track: note: {path} has channels in 'track-1' that cancel each other")


def test_silence_has_no_speech(tmp_path: Path, analyze: Any) -> None:
    path = record(tmp_path / "a.flac", "flac", [Sound(np.zeros((48_000, 1), np.float32))])
    _, events, _ = analyze(path)
    assert [event["type"] for event in events] == ["joined", "left"]


def test_where_it_cannot_write_nothing_is_lost(tmp_path: Path, analyze: Any) -> None:
    recording = tmp_path / "a.wav"
    recording.write_bytes(SPOKEN.read_bytes())
    code, events, err = analyze("--out", recording, recording)
    assert (code, events) == (2, [])
    assert "one of the recordings" in err
    assert recording.read_bytes() == SPOKEN.read_bytes()
    code, _, err = analyze("--out", tmp_path / "no" / "a.jsonl", recording)
    assert code == 2
    assert "cannot be written" in err


def test_the_configuration_counts(tmp_path: Path, analyze: Any) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"pipeline": {"max_segment_s": 1.0}}')
    _, events, _ = analyze("--config", config, SPOKEN)
    assert max(end - start for start, end in segments(events)) <= 1.0


def test_participants_get_the_names_that_are_given(analyze: Any) -> None:
    _, own, _ = analyze("--final-only", TWO_TRACKS)
    code, events, err = analyze("--final-only", "--names", "Ann, Cid", TWO_TRACKS)
    assert (code, err) == (0, "")
    assert [event["name"] for event in events if event["type"] == "joined"] == ["Ann", "Cid"]
    new = {"Ada": "Ann", "Bob": "Cid"}
    assert events == [
        event | {key: new[event[key]] for key in ("participant", "name") if key in event} for event in own
    ]


def test_names_of_another_number_are_refused_with_those_that_are_there(analyze: Any) -> None:
    code, events, err = analyze("--names", "Ann", TWO_TRACKS)
    assert (code, events) == (1, [])
    assert f"{TWO_TRACKS} has 2 participants (Ada, Bob), and --names gives 1; give one name for each" in err


@pytest.mark.parametrize("names", ["", "Ann,", "Ann,Ann"])
def test_names_must_be_different_and_there(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["analyze", "--names", names, str(TWO_TRACKS)])
    assert "must be different names" in capsys.readouterr().err


@pytest.mark.parametrize("path", [SPOKEN, TWO_TRACKS, *PACKETS.glob("*.mjr")], ids=lambda path: path.suffix)
@pytest.mark.parametrize("seekable", [True, False])
def test_standard_input_gives_what_the_file_gives(path: Path, seekable: bool, tmp_path: Path, analyze: Any) -> None:
    command = [sys.executable, "-m", "ser_track.cli", "analyze", "--final-only", "-"]
    with path.open("rb") as file:
        given: dict[str, Any] = {"stdin": file} if seekable else {"input": file.read()}
        done = subprocess.run(command, **given, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    events = parse_lines(done.stdout.decode())
    assert {event["stream"] for event in events} == {"-"}
    _, own, _ = analyze("--final-only", path)
    differing = ("participant", "stream", "name") if path.suffix == ".mjr" else ("stream",)
    assert [{k: v for k, v in event.items() if k not in differing} for event in events] == [
        {k: v for k, v in event.items() if k not in differing} for event in own
    ]


def test_an_mp4_with_its_table_at_the_end_comes_through_a_pipe(tmp_path: Path, spoken: Any) -> None:
    path = record(tmp_path / "a.mp4", "aac", [Sound(spoken[:, None])], video=True)
    command = [sys.executable, "-m", "ser_track.cli", "analyze", "--final-only", "-"]
    done = subprocess.run(command, input=path.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(segments(parse_lines(done.stdout.decode()))) >= 3


def test_events_of_a_pipe_come_while_it_is_open() -> None:
    command = [sys.executable, "-m", "ser_track.cli", "analyze", "--final-only", "--jobs", "1", "-"]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(SPOKEN.read_bytes()[:300_000])
        running.stdin.flush()
        lines = [running.stdout.readline() for _ in range(4)]
        assert running.poll() is None
        running.stdin.close()
        running.stdout.read()
    assert [event["type"] for event in parse_lines(b"".join(lines).decode())][:2] == ["joined", "speech_started"]


def test_files_of_one_meeting_are_one_stream(tmp_path: Path, analyze: Any) -> None:
    (own,) = PACKETS.glob("*.mjr")
    other = tmp_path / "videoroom-1234-user-8-1-audio-0.mjr"
    other.write_bytes(own.read_bytes())
    code, events, err = analyze("--final-only", "--together", own, other)
    assert (code, err) == (0, "")
    assert [event["name"] for event in events if event["type"] == "joined"] == ["user-7", "user-8"]
    assert {event["stream"] for event in events} == {str(own)}
    assert segments(events, "user-7") == segments(events, "user-8")
    code, _, err = analyze("--together", own, SPOKEN)
    assert code == 1
    assert "has no time of day" in err
