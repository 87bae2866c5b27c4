"""Samples in memory: all of them, at their time, at any rate."""

import numpy as np
import pytest

from ser_track.audio.resample import Resampler
from ser_track.chunk import FloatArray
from ser_track.recordings.array import ArraySource
from tests.helpers.signals import joined, tone


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_each_voice_is_whole_and_in_one_time(rate_hz: int) -> None:
    voices = {"low": tone(200, 2.5, rate_hz), "high": tone(700, 1.1, rate_hz), "none": np.zeros(0, np.float32)}
    source = ArraySource(voices, rate_hz)
    assert source.participants == ("low", "high", "none")
    found: dict[str, list[FloatArray]] = {name: [] for name in voices}
    for piece in source:
        assert piece.chunk.at == sum(map(len, found[piece.participant]))
        found[piece.participant].append(piece.chunk.samples)
    for name, samples in voices.items():
        resampler = Resampler(rate_hz)
        whole = joined([resampler.push(samples), resampler.flush()])
        np.testing.assert_array_equal(joined(found[name]), whole)


def test_it_can_be_heard_again() -> None:
    source = ArraySource({"one": tone(200, 1.5, 44_100)}, 44_100)
    first, second = (joined(piece.chunk.samples for piece in source) for _ in range(2))
    np.testing.assert_array_equal(first, second)
