"""The pretended call's codec: in step with the original, lossy where told, the same in every run."""

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from training.opus import through_opus


def likeness(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_it_comes_out_as_long_as_it_went_in_and_in_step(spoken: FloatArray) -> None:
    for samples in (spoken[:48_000], spoken[:12_345]):
        heard = through_opus(samples, 32_000)
        assert heard.shape == samples.shape
        assert heard.dtype == np.float32
        assert likeness(heard, samples) > 0.9
        # A shift by one sample either way fits less well: the codec's delay is taken off.
        assert likeness(heard, samples) > max(likeness(heard[1:], samples[:-1]), likeness(heard[:-1], samples[1:]))


def test_more_bits_are_closer_to_the_original(spoken: FloatArray) -> None:
    samples = spoken[:96_000]
    distances = [float(np.mean((through_opus(samples, rate) - samples) ** 2)) for rate in (6_000, 16_000, 64_000)]
    assert distances == sorted(distances, reverse=True)


def test_what_is_lost_is_concealed_and_the_rest_untouched(spoken: FloatArray) -> None:
    samples = spoken[:96_000]
    whole, holed = through_opus(samples), through_opus(samples, loss=0.1, seed=4)
    assert 0.05 < np.mean(np.abs(whole - holed) > 1e-3) < 0.7
    assert likeness(whole, holed) > 0.5
    assert np.array_equal(holed, through_opus(samples, loss=0.1, seed=4))
    assert not np.array_equal(holed, through_opus(samples, loss=0.1, seed=5))


@pytest.mark.parametrize("dtx", [False, True])
def test_silence_stays_silent(dtx: bool) -> None:
    assert np.abs(through_opus(np.zeros(32_000, np.float32), dtx=dtx)).max() < 1e-3
