"""`listen`: live in a terminal, as lines or as JSON; from a file in real time where there is no microphone."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.live_view import LIMITS
from ser_track.cli.main import main
from tests.helpers.event_schema import parse_lines
from tests.helpers.microphones import Machine, without_microphones
from tests.helpers.processes import started
from tests.helpers.pulseaudio import play, pulse_audio
from tests.paths import ROOT

DATA = ROOT / "tests" / "data"
SPOKEN = DATA / "spoken.wav"
COMMAND = (sys.executable, "-m", "ser_track.cli", "listen")


def finals(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == "emotion" and event["final"]]


def test_a_file_is_heard_as_analyze_hears_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--json", "--file", str(SPOKEN), "--speed", "50"]) == 0
    out, err = capsys.readouterr()
    heard = parse_lines(out)
    assert err == ""
    assert main(["analyze", str(SPOKEN)]) == 0
    analysed = parse_lines(capsys.readouterr().out)
    assert finals(heard) == finals(analysed)
    assert (heard[0], heard[-1]) == (analysed[0], analysed[-1])


def test_each_track_is_a_participant_and_each_result_a_line_with_the_limits_above(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["listen", "--file", str(DATA / "spoken_two_tracks.mka"), "--speed", "50"]) == 0
    out, err = capsys.readouterr()
    assert (err, "\x1b" in out) == ("", False)
    limits, *lines = out.splitlines()
    assert limits == LIMITS
    assert {line.split()[0] for line in lines} == {"Ada", "Bob"}
    for line in lines:
        shares = [int(share) for share in re.findall(r"(\d+)%", line)]
        assert len(shares) == 4
        assert sum(shares) == pytest.approx(100, abs=2)


def test_ctrl_c_gives_what_was_open_its_last_result() -> None:
    command = [*COMMAND, "--json", "--file", str(SPOKEN)]
    with started(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listening:
        assert listening.stdout is not None
        assert listening.stderr is not None
        lines = ""
        while '"final":false' not in lines:  # somebody speaks, in real time
            lines += listening.stdout.readline()
        listening.send_signal(signal.SIGINT)
        events = parse_lines(lines + listening.stdout.read())
        assert listening.stderr.read() == ""
    assert listening.returncode == 0
    ended, last, left = events[-3:]
    assert (ended["type"], ended["reason"]) == ("speech_ended", "flush")
    assert (last["type"], last["final"], last["segment"]) == ("emotion", True, ended["segment"])
    assert (left["type"], left["reason"]) == ("left", "end")
    assert ended["end_s"] < 5  # of a recording of 14 s


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudoterminal")
def test_in_a_terminal_there_is_a_table_and_ctrl_c_leaves_its_last_state() -> None:
    ours, theirs = os.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "24"}
    command = [*COMMAND, "--file", str(SPOKEN)]
    with started(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as listening:
        os.close(theirs)
        screen = b""
        while not re.search(rb"speaks.*%", screen):
            screen += os.read(ours, 10_000)
        listening.send_signal(signal.SIGINT)
        while listening.poll() is None:
            screen += _read(ours)
        screen += _read(ours)
    os.close(ours)
    assert listening.returncode == 0
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode()).split("who ")[-1]
    assert re.search(r"track-1 +- +learning this voice .*% left", last)  # the first words of a voice
    assert LIMITS in last
    assert screen.rstrip().endswith(b"\x1b[?25h")  # the cursor is back


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 10_000)
    except OSError:  # nobody has the other end any more
        return b""


def test_a_file_that_is_damaged_is_heard_up_to_there_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off = tmp_path / "cut.wav"
    cut_off.write_bytes(SPOKEN.read_bytes()[:200_000])
    assert main(["listen", "--file", str(cut_off), "--speed", "50"]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^track-1  .*%\)$", out, re.MULTILINE)
    assert re.search(r"^track-1: error: .* is cut off", out, re.MULTILINE)
    assert re.fullmatch(r"ser-track: error: .* is cut off: .* s of sound .* are missing; replace it\n", err)


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--file", "gone.wav"], 1, "gone.wav does not exist"),
        (["--file", str(SPOKEN), "--config", "gone.json"], 2, "gone.json"),
    ],
)
def test_what_cannot_be_heard_is_one_line(
    arguments: list[str], code: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert reason in line


@pytest.mark.parametrize("arguments", [["--speed", "0"], ["--speed", "fast"], ["--file", "a", "--device", "1"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["listen", *arguments])
    assert "usage: ser-track listen" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--list-devices"]])
def test_without_a_microphone_it_is_one_line_with_a_remedy(arguments: list[str], tmp_path: Path) -> None:
    environment = os.environ | without_microphones(tmp_path)
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    line = done.stderr.splitlines()[-1]  # ALSA itself may say something before
    assert re.match(r"ser-track: error: (there is no microphone|the microphone needs) .*--file FILE$", line)


def test_a_microphone_that_falls_silent_and_sound_that_was_dropped_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Machine("Built-in"))
    config = tmp_path / "config.json"
    config.write_text('{"runtime": {"stalled_after_s": 1}}')
    assert main(["listen", "--json", "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    assert [event["type"] for event in parse_lines(out)] == ["joined", "error", "left"]
    warning, error = err.splitlines()
    assert re.match(r"ser-track: warning: 4\.0 s of sound were dropped.*; this machine is too slow", warning)
    assert re.match(r"ser-track: error: Built-in gave no sound for 1 s; connect it again", error)


def test_a_real_microphone_is_heard(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as environment:
        listed = subprocess.run(
            [*COMMAND, "--list-devices"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert re.search(r"^ *\d+ default \(44100 Hz\), default$", listed.stdout, re.MULTILINE)
        with started([*COMMAND, "--json"], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as listening:
            assert listening.stdout is not None
            lines = listening.stdout.readline()  # somebody joined
            with play(SPOKEN, environment) as playing:
                while b'"final":true' not in lines:
                    lines += listening.stdout.readline()
                listening.send_signal(signal.SIGINT)
                events = [json.loads(line) for line in (lines + listening.stdout.read()).splitlines()]
                playing.terminate()
    assert listening.returncode == 0
    assert {event["participant"] for event in events} == {"microphone"}
    first = finals(events)[0]
    assert first["end_s"] - first["start_s"] > 1  # of 4.3 s: PulseAudio's monitor begins up to two seconds late
    ended = next(event for event in events if event["type"] == "speech_ended")
    assert (ended["segment"], ended["reason"]) == (first["segment"], "silence")
    assert events[-1]["type"] == "left"
