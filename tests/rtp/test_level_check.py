"""When a level is checked, and what becomes of it if the audio is louder."""

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from ser_track.rtp.level_check import LevelCheck
from ser_track.rtp.undecoded import PlacedPacket
from tests.helpers.signals import noise

SAMPLES = 320


def at_level(db: float) -> FloatArray:
    samples = noise(SAMPLES)
    return samples * np.float32(10 ** (db / 20) / np.sqrt(np.mean(samples**2)))


def due(check: LevelCheck, sizes: list[int]) -> int | None:
    return check.first_due(
        [PlacedPacket(SAMPLES * n, SAMPLES, bytes(size), 60, 0, False) for n, size in enumerate(sizes)]
    )


def test_levels_are_checked_often_at_first_and_later_every_ten_to_fifteen_seconds() -> None:
    check, gaps = LevelCheck(), list[int]()
    while sum(gaps) < 600 * 50:
        gap = due(check, [60] * 5_000)
        assert gap is not None
        gaps.append(gap + 1)
        assert check.distrust_s(60, at_level(-60)) == 0
    assert gaps[0] == 50
    assert gaps[-1] == 750
    assert gaps == sorted(gaps)
    assert sum(gaps[:10]) < 30 * 50


def test_a_check_waits_for_a_packet_that_says_more() -> None:
    check = LevelCheck()
    for _ in range(20):
        assert due(check, [60] * 5_000) is not None
        check.distrust_s(60, at_level(-60))
    later = due(check, [60] * 5_000)
    assert later is not None
    check.distrust_s(60, at_level(-60))
    larger = later * 9 // 10
    assert due(check, [60] * larger + [90] + [60] * 5_000) == larger


def test_packets_that_are_too_small_for_a_voice_are_never_checked() -> None:
    assert due(LevelCheck(), [3] * 5_000) is None


@pytest.mark.parametrize(("level", "db"), [(60, -60), (60, -52), (127, -70), (90, -61), (20, -20), (0, -20), (30, -60)])
def test_levels_that_are_about_right_or_too_loud_are_believed(level: int, db: float) -> None:
    assert LevelCheck().distrust_s(level, at_level(db)) == 0


@pytest.mark.parametrize(("level", "db"), [(60, -48), (127, -30), (90, -59), (40, -20)])
def test_levels_that_are_far_too_low_are_not_believed_and_each_time_for_longer(level: int, db: float) -> None:
    check = LevelCheck()
    assert [check.distrust_s(level, at_level(db)) for _ in range(5)] == [60, 240, 960, 3600, 3600]


def test_silence_is_never_too_loud() -> None:
    assert LevelCheck().distrust_s(127, np.zeros(SAMPLES, np.float32)) == 0
    assert LevelCheck().distrust_s(127, np.zeros(0, np.float32)) == 0
