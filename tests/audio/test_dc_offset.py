"""DcOffset: a constant offset goes, everything else stays as it was, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.audio.dc_offset import DcOffset
from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from tests.helpers.signals import cut, noise, read_wav, talk, tone
from tests.paths import SPOKEN


def without(samples: FloatArray, sizes: list[int] | None = None) -> FloatArray:
    offset = DcOffset()
    return np.concatenate([offset.remove(piece) for piece in cut(samples, sizes or [len(samples)])])


@pytest.mark.parametrize("offset", [-0.3, 0.05, 0.3, 0.8])
def test_an_offset_is_gone_after_a_fifth_of_a_second_and_the_sound_is_as_it_was(offset: float) -> None:
    spoken = 0.2 * read_wav(SPOKEN)
    shifted = (spoken + np.float32(offset)).astype(np.float32)
    heard = without(shifted)[SAMPLE_RATE_HZ // 5 :]
    original = spoken[SAMPLE_RATE_HZ // 5 :]
    assert abs(float(heard.mean())) < 0.002
    assert np.sqrt(np.mean((heard - original) ** 2)) < 0.1 * np.sqrt(np.mean(original**2)) + 0.02 * abs(offset)


def test_an_offset_that_begins_later_is_followed() -> None:
    samples = noise(6 * SAMPLE_RATE_HZ, peak=0.1)
    samples[2 * SAMPLE_RATE_HZ :] += np.float32(0.4)
    assert abs(float(without(samples)[5 * SAMPLE_RATE_HZ :].mean())) < 0.02


@pytest.mark.parametrize(
    "samples",
    [
        tone(60, 3.0),
        noise(48_000),
        talk(0.5, 0.5, 1.0, 0.3),
        np.zeros(40_000, np.float32),
        read_wav(SPOKEN),
        0.001 * read_wav(SPOKEN),
    ],
    ids=["a low tone", "noise", "noise and silence", "silence", "speech", "quiet speech"],
)
def test_sound_without_an_offset_passes_untouched(samples: FloatArray) -> None:
    np.testing.assert_array_equal(without(samples), samples)


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6))
def test_pieces_of_any_size_give_the_same(sizes: list[int]) -> None:
    samples = (0.3 + noise(24_000, peak=0.2)).astype(np.float32)
    np.testing.assert_allclose(without(samples, sizes), without(samples), atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_every_source_that_is_resampled_loses_its_offset(rate_hz: int) -> None:
    resampler = Resampler(rate_hz)
    heard = resampler.push((0.25 + noise(2 * rate_hz, peak=0.1)).astype(np.float32))
    assert abs(float(heard[SAMPLE_RATE_HZ:].mean())) < 0.005
