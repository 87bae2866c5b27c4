"""The command itself, as a process: help, wrong usage, exit codes, pipes."""

import subprocess
import sys
from pathlib import Path

import pytest

import ser_track as ser_track_package
from ser_track.cli.main import main, make_parser
from tests.helpers.processes import started
from tests.paths import ROOT

SPOKEN = ROOT / "tests" / "data" / "spoken.wav"


def ser_track(*arguments: str, **settings: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ser_track.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_command_and_loads_none() -> None:
    script = (
        "import sys; from ser_track.cli.main import main\n"
        "try: main(['--help'])\n"
        "finally: print('LOADED', sorted({'av', 'numpy', 'onnxruntime', 'aiohttp'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("serve", "listen", "analyze", "classify", "evaluate"):
        assert f"\n    {command} " in done.stdout
    assert "examples:" in done.stdout
    assert "LOADED []" in done.stdout


@pytest.mark.parametrize("command", ["serve", "listen", "analyze", "classify", "evaluate"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: ser-track {command}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("analyze a.wav b.wav --final-only --out x", "analyze --final-only a.wav --out x b.wav"),
        ("analyze - --names Ann", "analyze --names Ann -"),
        ("analyze -- -a.wav", "analyze -- -a.wav"),
        ("classify a.wav b.wav --json", "classify a.wav --json b.wav"),
        ("evaluate m.csv --adapt --json f", "evaluate --json f m.csv --adapt"),
        ("join janus ws://h --room 1 --json --consent notice", "join --json --consent notice janus --room 1 ws://h"),
        ("join janus://h?room=1 --json", "join --json janus://h?room=1"),
        ("classify a.wav --config c.json", "--config c.json classify a.wav"),
    ],
)
def test_options_may_stand_anywhere(one: str, other: str) -> None:
    first, second = (vars(make_parser().parse_args(line.split())) for line in (one, other))
    for found in (first, second):
        found["config"] = found.pop("config") or found.pop("config_before")
        found.pop("config_before", None)
    assert first == second


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"ser-track {ser_track_package.__version__}\n"
    done = subprocess.run([sys.executable, "-m", "ser_track", "--version"], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode() == f"ser-track {ser_track_package.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["sing"], ["analyze"], ["analyze", "--channels", "none", "a.wav"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: ser-track" in capsys.readouterr().err


def test_a_configuration_that_cannot_be_used_is_one_line_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"pipeline": {"end_silence": 1}}')
    # Before or after the command: people try both.
    for arguments in (["--config", str(config), "classify"], ["classify", "--config", str(config)]):
        assert main([*arguments, str(SPOKEN)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"ser-track: error: {config}: unknown key 'pipeline.end_silence'")


def test_a_model_that_does_not_exist_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"pipeline": {"model": "gone.onnx"}}')
    for command in (["analyze", str(SPOKEN)], ["classify", str(SPOKEN)], ["evaluate", "manifest.csv"]):
        assert main(["--config", str(config), *command]) == 2
        assert "gone.onnx does not exist" in capsys.readouterr().err


def test_the_whole_process_exits_with_the_code_and_no_traceback() -> None:
    done = ser_track("classify", "gone.wav")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ser-track: error: gone.wav does not exist; correct the path\n"


def test_a_reader_who_has_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "ser_track.cli", "analyze", "--jobs", "1", *[str(SPOKEN)] * 3]
    with started(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "joined" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141
