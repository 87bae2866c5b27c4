"""A meeting elsewhere is recorded only where the configuration asks for it; its replay gives its events again."""

import asyncio
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.main import main
from ser_track.config.schema import Config
from tests.helpers.event_schema import parse_lines
from tests.helpers.mediajson_bridge import Bridge, opus_packets, telephone_packets
from tests.paths import SPOKEN
from tests.test_golden import PROBABILITY_TOLERANCE
from tests.web.conftest import Running

Events = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "recordings"
    path.mkdir()
    return path


@pytest.fixture
def config(folder: Path) -> Config:
    base = Config()
    meetings = replace(base.meetings, consent="notice", record_folder=str(folder))
    return replace(base, meetings=meetings)


@pytest.fixture
def packets() -> list[bytes]:
    return opus_packets(SPOKEN)


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def files_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*.jsonl"))


async def held(
    server: Running, packets: list[bytes], encoding: str = "opus", rate_hz: int = 48_000, *, refuses: str = ""
) -> Events:
    """The events of a meeting in which ann and bob say the same; one of them may refuse first."""
    async with Bridge(server.http, server.url, "talk") as bridge:
        await bridge.start("ann", encoding, rate_hz)
        await bridge.start("bob", encoding, rate_hz)
        await bridge.ping()
        (session,) = server.bot.meetings.present
        for person in tuple(session.roster.people.values()):
            if person.name == refuses:
                session.roster.answered(person, analysed=False)
        await bridge.speak("ann", packets)
        await bridge.speak("bob", packets)
    await session.leave("the test is over")
    entries = session.channel.log.after(0)
    assert entries is not None
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        loop.call_soon_threadsafe(closed.set)

    server.bot.live.call(tell)  # after the file was closed
    await closed.wait()
    return [json.loads(entry.encoded.text) for entry in entries]


def segments(events: Events) -> list[tuple[Any, ...]]:
    names = {event["participant"]: event["name"] for event in events if event["type"] == "joined"}
    ended = [event for event in events if event["type"] == "speech_ended"]
    return sorted((names[e["participant"]], e["segment"], e["end_s"] - e["start_s"], e["classified"]) for e in ended)


def finals(events: Events) -> dict[tuple[str, int], dict[str, float]]:
    names = {event["participant"]: event["name"] for event in events if event["type"] == "joined"}
    results = [event for event in events if event["type"] == "emotion" and event["final"]]
    return {(names[event["participant"]], event["segment"]): event["probabilities"] for event in results}


async def test_its_replay_gives_the_meetings_events_again(
    server: Running, folder: Path, packets: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    await replays(folder, await held(server, packets), capsys)


@pytest.mark.parametrize(("encoding", "codec", "rate_hz"), [("L16", "pcm_s16be", 16_000), ("PCMU", "pcm_mulaw", 8_000)])
async def test_audio_that_is_not_opus_is_recorded_and_replayed_too(
    encoding: str, codec: str, rate_hz: int, server: Running, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = await held(server, telephone_packets(SPOKEN, codec, rate_hz), encoding, rate_hz)
    assert len(finals(live)) >= 2
    await replays(folder, live, capsys)


async def replays(folder: Path, live: Events, capsys: pytest.CaptureFixture[str]) -> None:
    """The file gives what the meeting gave."""
    notice = next(event for event in live if event["type"] == "notice")
    assert "recorded" in notice["text"]
    file = only_file(folder)
    assert mode_of(file) == 0o600
    assert await asyncio.to_thread(main, ["analyze", "--final-only", str(file)]) == 0
    replayed = parse_lines(capsys.readouterr().out)
    assert [row[:2] + row[3:] for row in segments(replayed)] == [row[:2] + row[3:] for row in segments(live)]
    for one, other in zip(segments(replayed), segments(live), strict=True):
        assert one[2] == pytest.approx(other[2], abs=0.002)
    assert finals(replayed).keys() == finals(live).keys()
    for which, probabilities in finals(live).items():
        assert finals(replayed)[which] == pytest.approx(probabilities, abs=PROBABILITY_TOLERANCE)


async def test_who_refuses_is_not_in_it(server: Running, folder: Path, packets: list[bytes]) -> None:
    await held(server, packets, refuses="bob")
    starts = [json.loads(json.loads(line)["data"]).get("start") for line in lines_of(only_file(folder))]
    assert [start["customParameters"]["displayName"] for start in starts if start] == ["ann"]


class TestByDefault:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        assert base.meetings.record_folder is None
        return replace(base, meetings=replace(base.meetings, consent="notice"))

    async def test_nothing_is_kept(
        self, server: Running, tmp_path: Path, packets: list[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        live = await held(server, packets[:100])
        assert "Nothing is stored" in next(event for event in live if event["type"] == "notice")["text"]
        assert files_below(tmp_path) == []
