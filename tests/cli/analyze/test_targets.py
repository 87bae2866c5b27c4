"""Where results go: names, refusals, and files that are whole or not there."""

import os
from pathlib import Path

import pytest

from ser_track.cli.analyze.atomic_files import file_names, replacing
from ser_track.cli.analyze.documents import Documents
from ser_track.cli.analyze.inputs import Input, find_inputs
from ser_track.cli.analyze.sinks import JSONL
from ser_track.cli.analyze.targets import Files, open_outputs
from ser_track.errors import ConfigError
from ser_track.output.documents import FORMATS
from ser_track.output.wire import encode
from tests.helpers.document_timelines import TALK, bytes_of, events_of, talk, text_of
from tests.helpers.event_schema import parse_lines
from tests.helpers.packets import mediajson_start

ALL = [JSONL, *FORMATS]
NONE = Documents((), with_sound=False, min_confidence=0.5)


def inputs(*recordings: Path) -> list[Input]:
    return find_inputs(recordings).found


def put_talk(formats: list[str] | None, out: str | None, *recordings: Path) -> None:
    failures: list[str] = []
    with open_outputs(formats, out, inputs(*recordings)) as output:
        sinks = (
            [each.sink(NONE, failures.append) for each in output.results]
            if isinstance(output, Files)
            else [output.sink(source, NONE, failures.append) for source in output.sources]
        )
        for path, opened in zip(recordings, sinks, strict=True):
            with opened as sink:
                for event in events_of(TALK, path.name):
                    sink.put(encode(event))
    assert failures == []


def test_a_folder_gets_every_format_of_every_recording(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    put_talk(ALL, str(out), Path("x/talk.wav"), Path("y/other.mkv"))
    suffixes = [".jsonl", *(format_.suffix for format_ in FORMATS.values())]
    names = {f"{stem}{suffix}" for stem in ("talk", "other") for suffix in suffixes}
    assert {path.name for path in out.iterdir()} == names
    for name, format_ in FORMATS.items():
        assert (out / f"talk{format_.suffix}").read_bytes() == bytes_of(name, talk())
    assert len(parse_lines((out / "talk.jsonl").read_text(encoding="utf-8"))) == len(events_of(TALK))


def test_events_alone_go_into_one_file_unless_a_folder_is_named(tmp_path: Path) -> None:
    recordings = [Path("talk.wav"), Path("other.wav")]
    put_talk(None, str(tmp_path / "events"), *recordings)
    events = parse_lines((tmp_path / "events").read_text(encoding="utf-8"))
    assert [event["stream"] for event in events if event["type"] == "joined"] == ["talk.wav"] * 3 + ["other.wav"] * 3
    put_talk([JSONL], f"{tmp_path}/new/", *recordings)
    put_talk([JSONL], str(tmp_path), *recordings)
    for folder in (tmp_path, tmp_path / "new"):
        streams = [parse_lines((folder / f"{name}.jsonl").read_text())[0]["stream"] for name in ("talk", "other")]
        assert streams == ["talk.wav", "other.wav"]


def test_one_recording_in_one_format_goes_to_stdout_or_into_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_talk(["vtt"], None, Path("talk.wav"))
    assert capsys.readouterr().out == text_of("vtt", talk())
    put_talk(["vtt"], str(tmp_path / "captions.vtt"), Path("talk.wav"))
    assert (tmp_path / "captions.vtt").read_text(encoding="utf-8") == text_of("vtt", talk())


@pytest.mark.parametrize("out", [None, "one.csv"])
@pytest.mark.parametrize(("formats", "n"), [(["csv"], 2), (["csv", "vtt"], 1), (["csv", JSONL], 1)])
def test_what_does_not_fit_into_one_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str | None, formats: list[str], n: int
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings = [Path(f"{number}.wav") for number in range(n)]
    with pytest.raises(ConfigError, match="name a folder") as refusal:
        open_outputs(formats, out, inputs(*recordings))
    assert f"{', '.join(formats)} of {n} recording" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_it_is_said_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be created"):
        open_outputs(["csv"], str(tmp_path / "file"), inputs(Path("a.wav")))
    with pytest.raises(ConfigError, match="cannot be created"):
        open_outputs(["csv"], str(tmp_path / "file" / "below"), inputs(Path("a.wav")))


def test_names_are_told_apart(tmp_path: Path) -> None:
    recordings = [Path("a/talk.wav"), Path("b/Talk.mkv"), Path("talk-2.wav"), Path("c/talk.wav"), Path("x")]
    sources = inputs(*recordings, recordings[0])
    named = file_names(tmp_path, {"csv": ".csv"}, sources)
    assert [named[source]["csv"].name for source in sources] == [
        "talk.csv",
        "Talk.mkv.csv",
        "talk-2.csv",
        "talk-3.csv",
        "x.csv",
        "talk.csv",
    ]
    (stdin,) = inputs(Path("-"))
    assert file_names(tmp_path, {"csv": ".csv"}, [stdin]) == {stdin: {"csv": tmp_path / "stdin.csv"}}


def test_recordings_below_a_folder_have_their_results_in_folders_of_the_same_names(tmp_path: Path) -> None:
    for name in ("in/talk.wav", "in/mon/talk.wav", "in/mon/talk.mkv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    out = tmp_path / "out"
    named = file_names(out, {"csv": ".csv"}, inputs(tmp_path / "in"))
    assert [str(files["csv"].relative_to(out)) for files in named.values()] == [
        "mon/talk.mkv.csv",
        "mon/talk.wav.csv",
        "talk.csv",
    ]


@pytest.mark.skipif(not hasattr(os, "link"), reason="needs hard links")
def test_no_recording_is_ever_written_over(tmp_path: Path) -> None:
    dump, elsewhere = tmp_path / "dump.jsonl", tmp_path / "x.raw"
    for recording in (dump, elsewhere):
        recording.write_text("a recording")
    os.link(elsewhere, tmp_path / "x.csv")
    put_talk([JSONL, "csv"], str(tmp_path), dump, elsewhere)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("dump.jsonl", "dump-2.jsonl", "dump-2.csv"),
        *("x.raw", "x.csv", "x-2.jsonl", "x-2.csv"),
    }
    assert [path.read_text() for path in (dump, elsewhere, tmp_path / "x.csv")] == ["a recording"] * 3
    with pytest.raises(ConfigError, match="one of the recordings"):
        open_outputs(["csv"], str(tmp_path / "x.csv"), inputs(elsewhere))


def test_packets_that_nobody_named_are_not_written_over_either(tmp_path: Path) -> None:
    dump = tmp_path / "talk.jsonl"
    dump.write_text(mediajson_start("a-1", "a"))
    put_talk([JSONL], str(tmp_path), Path("talk.wav"))
    assert dump.read_text() == mediajson_start("a-1", "a")
    assert parse_lines((tmp_path / "talk-2.jsonl").read_text())[0]["stream"] == "talk.wav"


def test_a_recording_that_could_not_be_opened_has_no_file(tmp_path: Path) -> None:
    with open_outputs([JSONL, "csv"], str(tmp_path), inputs(Path("bad.wav"))) as output:
        assert isinstance(output, Files)
        with output.results[0].sink(NONE, pytest.fail):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_file_is_replaced_by_a_whole_one_or_not_at_all(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "talk.csv"
    path.write_text("before")

    def write_half() -> None:
        with replacing(path) as stream:
            stream.write("half")
            stream.flush()
            assert path.read_text() == "before"
            raise error

    with pytest.raises(error):
        write_half()
    assert [file.name for file in tmp_path.iterdir()] == ["talk.csv"]
    assert path.read_text() == "before"
    with replacing(path) as stream:
        stream.write("after")
    assert [file.name for file in tmp_path.iterdir()] == ["talk.csv"]
    assert path.read_text() == "after"


def test_a_recording_that_was_broken_off_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "talk.csv").write_text("before")

    def break_off() -> None:
        with open_outputs([JSONL, "csv"], str(tmp_path), inputs(Path("talk.wav"))) as output:
            assert isinstance(output, Files)
            with output.results[0].sink(NONE, pytest.fail) as sink:
                sink.put(encode(events_of(TALK)[0]))
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert [file.name for file in tmp_path.iterdir()] == ["talk.csv"]
    assert (tmp_path / "talk.csv").read_text() == "before"
