"""Resampler: the same however it is cut, the right pitch, level, length and place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from tests.helpers.signals import cut, joined, level_db, noise, tone

RATES = [8_000, 22_050, 44_100, 48_000]


def resampled(samples: FloatArray, rate_hz: int, sizes: list[int] | None = None) -> FloatArray:
    resampler = Resampler(rate_hz)
    pieces = [resampler.push(piece) for piece in cut(samples, sizes or [len(samples)])]
    return joined([*pieces, resampler.flush()])


@pytest.mark.parametrize("rate_hz", RATES)
@given(sizes=st.lists(st.integers(5, 2_000), min_size=1, max_size=8))
def test_any_chunking_gives_the_same_samples_to_the_bit(rate_hz: int, sizes: list[int]) -> None:
    samples = noise(rate_hz // 8)
    np.testing.assert_array_equal(resampled(samples, rate_hz, sizes), resampled(samples, rate_hz))


@pytest.mark.parametrize("rate_hz", RATES)
@given(length=st.integers(1, 200))
def test_shorter_streams_never_come_out_longer(rate_hz: int, length: int) -> None:
    assert len(resampled(noise(length), rate_hz)) <= length * SAMPLE_RATE_HZ / rate_hz + 1


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("hz", [100, 1_000, 3_000])
def test_a_tone_keeps_its_pitch_and_its_level_within_a_tenth_of_a_decibel(rate_hz: int, hz: int) -> None:
    middle = resampled(tone(hz, 1.2, rate_hz), rate_hz)[1_600 : 1_600 + SAMPLE_RATE_HZ]
    assert level_db(middle) == pytest.approx(level_db(tone(hz, 1.0)), abs=0.1)
    assert np.abs(np.fft.rfft(middle)).argmax() == hz


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_a_tone_over_eight_kilohertz_does_not_fold_back(rate_hz: int) -> None:
    middle = resampled(tone(9_500, 1.0, rate_hz), rate_hz)[1_600:-1_600]
    assert level_db(middle) < level_db(tone(9_500, 1.0, rate_hz)) - 60


@pytest.mark.parametrize("rate_hz", RATES)
@given(length=st.integers(0, 5_000))
def test_the_duration_after_flush_of_four_milliseconds_or_more_is_exact_within_a_sample(
    rate_hz: int, length: int
) -> None:
    length += rate_hz // 250
    assert abs(len(resampled(noise(length), rate_hz)) - length * SAMPLE_RATE_HZ / rate_hz) <= 1


@pytest.mark.parametrize("rate_hz", RATES)
@given(at_ms=st.integers(30, 170))
def test_an_impulse_stays_where_it_was_within_a_sample(rate_hz: int, at_ms: int) -> None:
    samples = np.zeros(rate_hz // 5, np.float32)
    samples[round(at_ms / 1_000 * rate_hz)] = 1
    assert abs(np.abs(resampled(samples, rate_hz)).argmax() - at_ms * 16) <= 1


def test_sixteen_kilohertz_passes_untouched_and_nothing_is_held_back() -> None:
    resampler, samples = Resampler(SAMPLE_RATE_HZ), noise(777)
    np.testing.assert_array_equal(resampler.push(samples), samples)
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rate_hz", RATES)
def test_after_flush_and_after_reset_a_new_stream_begins(rate_hz: int) -> None:
    resampler, samples = Resampler(rate_hz), noise(3_000)
    first = joined([resampler.push(samples), resampler.flush()])
    again = joined([resampler.push(samples), resampler.flush()])
    resampler.push(noise(500, seed=1))
    resampler.reset()
    after_reset = joined([resampler.push(samples), resampler.flush()])
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(after_reset, first)


@pytest.mark.parametrize("rate_hz", [*RATES, SAMPLE_RATE_HZ])
def test_nothing_in_gives_nothing_out(rate_hz: int) -> None:
    resampler = Resampler(rate_hz)
    assert len(resampler.push(np.zeros(0, np.float32))) == 0
    assert len(resampler.flush()) == 0
