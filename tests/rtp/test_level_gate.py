"""Which packets a gate lets through, by their levels alone."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.rtp.level_gate import LevelGate

TWENTY_MS = 960
SECOND = 50
"""Packets."""


def room(seconds: float, level: int = 70) -> list[int]:
    """A steady noise, whose level changes by one from packet to packet."""
    return [level + n % 3 - 1 for n in range(round(seconds * SECOND))]


def heard(levels: Sequence[int | None], length: int = TWENTY_MS) -> list[bool]:
    gate = LevelGate()
    return [gate.hears(level, length) for level in levels]


def test_noise_is_heard_for_two_seconds_and_then_no_more() -> None:
    found = heard([*room(60)])
    assert found == [True] * 2 * SECOND + [False] * 58 * SECOND


@pytest.mark.parametrize("noise", [80, 70, 60, 50])
def test_what_is_louder_than_the_noise_opens_within_three_packets_and_closes_after_the_hold(noise: int) -> None:
    found = heard([*room(20, noise), *[noise - 12] * SECOND, *room(5, noise)])[20 * SECOND :]
    assert found.index(True) == 2
    assert found[2 : SECOND + 34] == [True] * (SECOND + 32)
    assert not any(found[SECOND + 34 :])


def test_a_click_does_not_open() -> None:
    typing = room(20)
    for at in range(5 * SECOND, 20 * SECOND, 10):
        typing[at : at + 4] = [30, 42, 54, 66]
    assert not any(heard([*typing])[2 * SECOND :])


def test_what_no_detector_hears_does_not_open_however_quiet_the_room_is() -> None:
    assert not any(heard([*room(20, 100), *[75] * SECOND])[2 * SECOND :])


def test_steady_sound_closes_again_and_a_voice_above_it_opens() -> None:
    found = heard([*room(12), *room(60, 35), *[25] * SECOND, *room(20, 35)])
    assert all(found[12 * SECOND + 3 : 20 * SECOND])
    assert not any(found[25 * SECOND : 72 * SECOND])
    assert all(found[72 * SECOND + 2 : 73 * SECOND])
    assert not any(found[85 * SECOND :])


@pytest.mark.parametrize("quiet", [70, 50])
@pytest.mark.parametrize("loud", [20, 35])
def test_a_speaker_who_never_pauses_is_heard_to_the_end(quiet: int, loud: int) -> None:
    dice = np.random.default_rng(0)
    levels = room(10, quiet)
    while len(levels) < 130 * SECOND:  # syllables of 100 to 200 ms, and sounds 20 dB below them
        levels += [loud + int(dice.integers(0, 8))] * int(dice.integers(5, 10))
        levels += [min(quiet, loud + 20 + int(dice.integers(0, 6)))] * int(dice.integers(1, 8))
    assert all(heard([*levels])[10 * SECOND + 3 :])


def test_a_sender_without_levels_is_heard() -> None:
    assert all(heard([None] * 60 * SECOND))


def test_where_some_packets_have_no_level_all_are_heard() -> None:
    levels: list[int | None] = [*room(60)]
    levels[:: 9 * SECOND] = [None] * len(levels[:: 9 * SECOND])
    assert all(heard(levels))
    assert not any(heard([None, *room(60)])[11 * SECOND :]), "one without is forgotten"


@pytest.mark.parametrize("level", [0, 20, 45])
def test_a_loud_level_that_never_changes_is_not_believed(level: int) -> None:
    assert all(heard([level] * 60 * SECOND))


@pytest.mark.parametrize("level", [46, 60, 96, 127])
def test_the_hum_of_a_device_is_not_heard_although_its_level_never_changes(level: int) -> None:
    assert not any(heard([level] * 60 * SECOND)[2 * SECOND :])


def test_after_it_was_told_to_stay_open_it_does_for_that_long() -> None:
    gate = LevelGate()
    for level in room(20):
        gate.hears(level, TWENTY_MS)
    gate.open_for(3)
    assert [gate.hears(level, TWENTY_MS) for level in room(6)] == [True] * 3 * SECOND + [False] * 3 * SECOND


@pytest.mark.parametrize("length", [120, 480, 960, 1920, 2880, 5760])
def test_times_do_not_depend_on_the_length_of_packets(length: int) -> None:
    each = length / 48_000
    levels = [*[70, 71] * round(10 / each), *[40] * max(1, round(0.5 / each)), *[70, 71] * round(2.5 / each)]
    found = np.flatnonzero(heard([*levels], length)) * each
    opened = found[found > 3]
    assert opened.min() == pytest.approx(20, abs=0.12)
    assert opened.max() == pytest.approx(20.5 + 0.7, abs=0.12 + 2 * each)


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(1, 400)), max_size=30))
def test_whatever_the_levels_its_memory_is_that_of_the_last_ten_seconds(runs: list[tuple[int, int]]) -> None:
    gate = LevelGate()
    for level, count in runs:
        for _ in range(count):
            gate.hears(level, TWENTY_MS)
    for level in room(12):
        gate.hears(level, TWENTY_MS)
    gate.open_for(0)
    later = [gate.hears(level, TWENTY_MS) for level in [*room(3), *[40] * 5]]
    assert later[-3:] == [True] * 3
    assert not any(later[2 * SECOND : 3 * SECOND])
