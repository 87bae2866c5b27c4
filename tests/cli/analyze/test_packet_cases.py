"""Captures that carry publicly reported trouble: the right segments, with the right labels, and nothing dropped."""

import json
from pathlib import Path

import pytest

from ser_track.cli.main import main
from tests.helpers.event_schema import parse_lines
from tests.paths import SHARED

CASES = SHARED / "cases"
LISTED = [
    ("01-red-mixed-rtpdump", "a.rtpdump", ""),
    ("03-red-only-rtpdump-pt112", "a.rtpdump", ""),
    ("11-rtp-ts-48-ticks-off-rtpdump", "rtp48.rtpdump", "--payload-type=111"),
    ("11-rtp-ts-48-ticks-off-rtpdump", "rtp48.rtpdump", ""),
    ("13-rtp-clock-16k-mjr", "a.mjr", ""),
    ("13-rtp-clock-16k-mjr", "a.rtpdump", ""),
    ("15-janus-mute-5s-contiguous-ts", "a.mjr", ""),
    ("15-janus-mute-5s-contiguous-ts", "a.mjr", "--together"),
    ("17-gateway-opus-and-pcma-pcap", "a.pcap", ""),
    ("29-pcapng-obsolete-packet-block", "obsolete.pcapng", ""),
    ("29-pcapng-obsolete-packet-block", "a.pcap.gz", ""),
    ("31-mediajson-bom", "bom.jsonl", ""),
    ("32-mjr-dtmf-cn-inside", "a.mjr", ""),
    ("32-mjr-dtmf-cn-inside", "a.rtpdump", ""),
    ("33-red-30-percent-loss-mjr", "a.mjr", ""),
]
HEARD_AFTER_ALL = [
    ("18-opus-then-pcmu-rtpdump", "a.rtpdump"),
    ("18-opus-then-pcmu-rtpdump", "a.pcap"),
    ("27-pcmu-only-message", "a.rtpdump"),
    ("28-tunnels-message", "a.pcap"),
    ("28-tunnels-message", "Q-pppoe-a.pcap"),
    ("28-tunnels-message", "Q-turn-channeldata-a.pcap"),
]
"""Where a message would do: the five segments of all other cases are heard."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the repository, and are not there"),
]
Segments = list[tuple[float, float, str]]


def found(case: Path, file: str, option: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Segments]:
    """The classified segments of each participant, with the likeliest label: how sure it is does not matter here."""
    assert main(["analyze", "--final-only", *([option] if option else []), str(case / file)]) == 0
    segments: dict[str, Segments] = {}
    for event in parse_lines(capsys.readouterr().out):
        if event["type"] == "emotion":
            likeliest = max(event["probabilities"], key=event["probabilities"].__getitem__)
            part = event["start_s"], event["end_s"], likeliest
            segments.setdefault(event["participant"], []).append(part)
    return segments


def agree(segments: Segments, expected: Segments, tolerance_s: float) -> bool:
    return len(segments) == len(expected) and all(
        abs(one[0] - other[0]) <= tolerance_s and abs(one[1] - other[1]) <= tolerance_s and one[2] == other[2]
        for one, other in zip(segments, expected, strict=True)
    )


def expected(case: str) -> tuple[Segments, float]:
    body = json.loads((CASES / case / "expected.json").read_text(encoding="utf-8"))
    return [(begin, end, label) for begin, end, label in body["segments_start_end_label"]], body["tolerance_s"]


@pytest.mark.parametrize(("case", "file", "option"), LISTED)
def test_the_right_segments_with_the_right_labels(
    case: str, file: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    segments = found(CASES / case, file, option, capsys)
    assert agree(next(iter(segments.values())), *expected(case)), segments


@pytest.mark.parametrize(("case", "file"), HEARD_AFTER_ALL)
def test_what_was_not_heard_once_is_heard(case: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    (segments,) = found(CASES / case, file, "", capsys).values()
    assert agree(segments, *expected("01-red-mixed-rtpdump")), segments


def test_both_parties_of_a_gateway_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    segments = found(CASES / "17-gateway-opus-and-pcma-pcap", "a.pcap", "", capsys)
    wanted = expected("17-gateway-opus-and-pcma-pcap")
    assert {name: agree(part, *wanted) for name, part in segments.items()} == {
        "10.0.0.1:5000": True,
        "10.0.0.2:6000": True,
    }
