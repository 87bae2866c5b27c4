"""The running statistics of one voice: from the past alone, shrunk to the population's, forgotten with their owner."""

import numpy as np
import pytest

from ser_track.chunk import FloatArray
from ser_track.voice_profile import DEVIATION_SHRINKAGE, MEAN_SHRINKAGE, VoiceProfile


def spoken(n: int, mean: float = 2.0, deviation: float = 0.5, size: int = 3) -> FloatArray:
    return np.random.default_rng(n).normal(mean, deviation, (n, size)).astype(np.float32)


def voice_of(embeddings: FloatArray) -> VoiceProfile:
    voice = VoiceProfile(embeddings.shape[1])
    for embedding in embeddings:
        voice.update(embedding)
    return voice


def test_a_voice_never_heard_is_the_population() -> None:
    voice = VoiceProfile(3)
    np.testing.assert_array_equal(voice.mean, np.zeros(3, np.float32))
    np.testing.assert_array_equal(voice.deviation, np.ones(3, np.float32))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_the_population_counts_like_some_segments(n: int) -> None:
    heard = spoken(n)
    voice = voice_of(heard)
    mean = heard.sum(axis=0) / (n + MEAN_SHRINKAGE)
    variance = (DEVIATION_SHRINKAGE + ((heard - mean) ** 2).sum(axis=0)) / (n + DEVIATION_SHRINKAGE)
    np.testing.assert_allclose(voice.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(voice.deviation, np.sqrt(variance), rtol=1e-5)


def test_who_is_heard_for_long_has_their_own_statistics() -> None:
    voice = voice_of(spoken(2000))
    np.testing.assert_allclose(voice.mean, 2.0, atol=0.3)
    np.testing.assert_allclose(voice.deviation, 0.5, atol=0.35)


def test_a_new_microphone_is_learnt_in_a_minute_or_two() -> None:
    voice = voice_of(np.concatenate([spoken(2000), spoken(200, mean=-1.0)]))
    assert (voice.mean < -0.6).all()


def test_one_outlier_at_the_beginning_moves_little() -> None:
    voice = voice_of(np.full((1, 3), 3.0, np.float32))
    np.testing.assert_allclose(voice.mean, 0.6)
    assert (voice.deviation > 1.0).all()
