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


def test_a_segment_counts_for_its_weight() -> None:
    voice = VoiceProfile(1)
    for weight in (1.0, 0.5, 0.5):
        voice.update(np.array([2.0], np.float32), weight)
    assert voice.segments == 2.0
    np.testing.assert_allclose(voice.mean, 4.0 / (2.0 + MEAN_SHRINKAGE), rtol=1e-6)


def test_a_voice_is_half_known_after_as_many_segments_as_the_population_counts() -> None:
    voice = VoiceProfile(1)
    known = [voice.known]
    for embedding in spoken(40, size=1):
        voice.update(embedding)
        known.append(voice.known)
    assert known[0] == 0.0
    assert known[int(MEAN_SHRINKAGE)] == 0.5
    assert known == sorted(known)
    assert known[-1] < 1.0


def guess(anger: float) -> FloatArray:
    """Probabilities of anger, happiness, sadness; the rest is neutral."""
    return np.array([anger, 0.0, 0.0], np.float32)


@pytest.mark.parametrize(("anger", "trusted"), [(0.0, 1.0), (0.4, 1.0), (0.525, 0.5), (0.6, 0.0), (1.0, 0.0)])
def test_a_voice_that_always_sounds_like_one_emotion_is_not_adapted_to(anger: float, trusted: float) -> None:
    plain, judged = VoiceProfile(3), VoiceProfile(3)
    for embedding in spoken(20):
        plain.update(embedding)
        judged.update(embedding, 1.0, guess(anger))
    np.testing.assert_allclose(judged.mean, trusted * plain.mean, atol=1e-5)
    np.testing.assert_allclose(judged.deviation, plain.deviation**trusted, atol=1e-5)


def test_a_voice_that_always_sounds_neutral_is_adapted_to() -> None:
    voice = VoiceProfile(3)
    for embedding in spoken(20):
        voice.update(embedding, 1.0, guess(0.0))
    assert (voice.mean > 1.0).all()
