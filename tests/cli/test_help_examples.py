"""Every command line in --help, README and docs/ is one that the parser takes; those that can run offline do."""

import io
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from ser_track.cli.main import COMMANDS, main, make_parser
from tests.helpers.labelled_clips import write_labelled, write_rows
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import read_wav
from tests.paths import PACKETS, ROOT, SPOKEN

WITH_PACKAGES: Final = "extending.md"
"""Its commands need packages and models of its readers: the tests of the example packages install and run those."""
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != WITH_PACKAGES),
)
BLOCK: Final = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAM: Final = re.compile(r"^(?:uv run )?(?:python -m )?(?:ser-track|ser_track|server\.py)$")
NEEDS_A_NETWORK: Final = ("serve", "join")
NOT_RUN: Final = {
    "listen": "wants a microphone",
    "analyze --together /some/folder/videoroom-1234-user-*-audio-*.mjr": "names a folder of somebody else",
    "listen --device USB --json": "wants a microphone",
}


@dataclass(frozen=True)
class Example:
    """One call of ``ser-track``."""

    place: str
    arguments: tuple[str, ...]
    stdin: bool

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(self.arguments)}"


def calls_in(place: str, lines: str) -> Iterator[Example]:
    """The calls in lines of a shell: of each pipeline those parts that are ours."""
    for line in lines.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="|><;")
        words.whitespace_split = True
        parts: list[list[str]] = [[]]
        try:
            for word in words:
                if set(word) <= set("|><;"):
                    parts.append([word])
                else:
                    parts[-1].append(word)
        except ValueError:  # not a line of a shell
            continue
        for part in parts:
            piped = part[:1] == ["|"]
            own = [word for word in part if not re.fullmatch(r"[A-Z_]+=.*|[|;]", word)]
            for length in (1, 2, 3, 5):
                if PROGRAM.fullmatch(" ".join(own[:length])):
                    given = own[length:]
                    yield Example(place, ("serve", *given) if "server.py" in own[:length] else tuple(given), piped)
                    break


def help_of(*command: str) -> str:
    with redirect_stdout(io.StringIO()) as printed, suppress(SystemExit):
        make_parser().parse_args([*command, "--help"])
    return printed.getvalue()


def examples() -> Iterator[Example]:
    for name in ("", *COMMANDS):
        yield from calls_in(f"ser-track {name} --help", help_of(*filter(None, [name])).partition("examples:")[2])
    for page in PAGES:
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            yield from calls_in(page.name, block[1])


ALL: Final = sorted(set(examples()), key=str)


def command_of(example: Example) -> str:
    return next(word for word in example.arguments if word in COMMANDS)


def offline(example: Example) -> bool:
    return command_of(example) not in NEEDS_A_NETWORK and " ".join(example.arguments) not in NOT_RUN


def test_examples_are_found_where_they_are() -> None:
    places = {example.place for example in ALL}
    assert places >= {"ser-track  --help", *(f"ser-track {name} --help" for name in COMMANDS if name != "serve")}
    assert places >= {"README.md", "formats.md", "report.md", "meetings.md", "recordings.md"}
    assert set(NOT_RUN) <= {" ".join(example.arguments) for example in ALL}


@pytest.mark.parametrize("example", ALL, ids=str)
def test_the_parser_takes_it(example: Example) -> None:
    args = make_parser().parse_args(example.arguments)
    assert args.run.__module__.startswith(f"ser_track.cli.{command_of(example)}")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short recordings under all names that examples give to files."""
    folder = tmp_path_factory.mktemp("examples")
    voice = read_wav(SPOKEN)[:40_000]
    short = Sound(voice[:, None])
    for name in ("calls", "clips", "archive", "pages", "plots"):
        (folder / name).mkdir()
    record(folder / "call.wav", "pcm_s16le", [Sound(np.stack([voice, voice], 1))])
    for name in ("meeting.mkv", "meeting.mp4", "archive/talk.mkv"):
        record(folder / name, "aac" if name.endswith("mp4") else "flac", [short])
    for name in ("calls/one.wav", "clips/one.wav", "one.wav"):
        record(folder / name, "pcm_s16le", [short])
    record(folder / "calls/two.opus", "libopus", [short])
    record(folder / "clip.ogg", "libopus", [short])
    shutil.copy(PACKETS / "spoken.pcap", folder / "call.pcap")
    for packets in PACKETS.glob("*.mjr"):
        shutil.copy(packets, folder)
    shutil.copy(ROOT / "config.json", folder)
    rows = "".join(f"{{}},{emotion},ann\n" for emotion in ("anger", "neutral"))
    for manifest in ("manifest.csv", "MANIFEST.csv", "clips/manifest.csv"):
        clip = "one.wav" if "/" in manifest else "clips/one.wav"
        (folder / manifest).write_text("path,emotion,speaker\n" + rows.replace("{}", clip))
    labelled = write_labelled(folder / "labelled", ("relieved", "angry"))
    write_rows(folder / "labelled.csv", [(f"labelled/{path}", label, speaker) for path, label, speaker in labelled])
    shipped = resources.files("ser_track.models").joinpath("weights", "small.onnx")
    (folder / "mine.onnx").write_bytes(shipped.read_bytes())
    return folder


@pytest.mark.parametrize("example", [example for example in ALL if offline(example)], ids=str)
def test_it_runs(
    example: Example, files: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    arguments = [found for word in example.arguments for found in _expanded(word)]
    if not example.stdin:
        assert main(arguments) == 0, capfd.readouterr().err
        return
    command = [sys.executable, "-m", "ser_track", *arguments]
    with Path("call.wav").open("rb") as recording:
        assert subprocess.run(command, stdin=recording, timeout=60, check=False).returncode == 0


def _expanded(word: str) -> list[str]:
    """As a shell does; what matches nothing stays as it is, such as the folder of somebody else."""
    return (sorted(map(str, Path().glob(word))) if "*" in word else []) or [word]
