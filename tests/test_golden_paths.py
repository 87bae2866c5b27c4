"""The golden recording as packets: whatever recorded it, and read as a file, it gives the same segments and labels.

tests/web/test_golden_call.py sends the same packets into a call.
"""

from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.main import main
from tests.helpers.event_schema import parse_lines
from tests.paths import PACKETS

OGG = PACKETS / "spoken.ogg"
Events = list[dict[str, Any]]

BORDER_TOLERANCE_S = 0.05
"""A reader of the file leaves out the encoder's delay of 6.5 ms, so windows of 32 ms lie elsewhere; measured: 0.032."""
PROBABILITY_TOLERANCE = 0.06
"""For the same reason; measured: 0.042."""


def analyzed(path: Path, capsys: pytest.CaptureFixture[str]) -> Events:
    assert main(["analyze", "--final-only", str(path)]) == 0
    return parse_lines(capsys.readouterr().out)


def segments(events: Events) -> Events:
    kept = ("segment", "start_s", "end_s", "reason", "classified")
    return [{key: event[key] for key in kept} for event in events if event["type"] == "speech_ended"]


def emotions(events: Events) -> list[dict[str, float]]:
    return [event["probabilities"] for event in events if event["type"] == "emotion" and event["final"]]


def likeliest(events: Events) -> list[str]:
    """Not the label: a probability near `pipeline.min_confidence` is "unsure" on one side of a window's border only."""
    return [max(shares, key=shares.__getitem__) for shares in emotions(events)]


def check_same(events: Events, file: Events) -> None:
    """Borders and probabilities within their tolerances, and the likeliest emotions exactly."""
    for one, other in zip(segments(events), segments(file), strict=True):
        assert {**one, "start_s": 0, "end_s": 0} == {**other, "start_s": 0, "end_s": 0}
        assert one["start_s"] == pytest.approx(other["start_s"], abs=BORDER_TOLERANCE_S)
        assert one["end_s"] == pytest.approx(other["end_s"], abs=BORDER_TOLERANCE_S)
    assert likeliest(events) == likeliest(file)
    for shares, others in zip(emotions(events), emotions(file), strict=True):
        assert shares == pytest.approx(others, abs=PROBABILITY_TOLERANCE)
    assert len(emotions(file)) == 4


@pytest.mark.parametrize("pattern", ["*.mjr", "*.pcap", "*.rtpdump"])
def test_packets_give_what_the_file_gives(pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = PACKETS.glob(pattern)
    check_same(analyzed(path, capsys), analyzed(OGG, capsys))


def test_every_recorder_gives_the_very_same(capsys: pytest.CaptureFixture[str]) -> None:
    whose = ("participant", "stream", "name")
    first, *others = (
        [{key: value for key, value in event.items() if key not in whose} for event in analyzed(path, capsys)]
        for pattern in ("*.mjr", "*.pcap", "*.rtpdump")
        for path in PACKETS.glob(pattern)
    )
    assert len(others) == 2
    assert all(other == first for other in others)
