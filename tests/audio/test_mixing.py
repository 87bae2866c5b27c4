"""ChannelMixer: the average, and one channel alone where the average cancels; the same however it is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.audio.mixing import ChannelMixer, average_channels
from ser_track.chunk import FloatArray
from tests.helpers.signals import cut, level_db, noise, tone

RATE_HZ = 16_000


def mixed(frames: FloatArray, sizes: list[int] | None = None) -> FloatArray:
    mixer = ChannelMixer()
    return np.concatenate([mixer.mix(piece.copy()) for piece in cut(frames, sizes or [len(frames)])])


def stereo(left: FloatArray, right: FloatArray) -> FloatArray:
    return np.stack([left, right], axis=1)


VOICE, OTHER = noise(2 * RATE_HZ), noise(2 * RATE_HZ, seed=1)
USUAL = {
    "the same on both": stereo(VOICE, VOICE),
    "one of them silent": stereo(VOICE, np.zeros_like(VOICE)),
    "unrelated": stereo(VOICE, OTHER),
    "louder on one": stereo(VOICE, 0.1 * VOICE),
    "a little later on one": stereo(VOICE, np.roll(VOICE, 16)),
    "silence": stereo(0 * VOICE, 0 * VOICE),
    "one of six": np.stack([VOICE, *[np.zeros_like(VOICE)] * 5], axis=1),
}


@pytest.mark.parametrize("name", USUAL)
def test_channels_that_do_not_cancel_are_averaged(name: str) -> None:
    np.testing.assert_array_equal(mixed(USUAL[name]), average_channels(USUAL[name]))


@pytest.mark.parametrize("share", [1.0, 0.7, 0.95])
def test_where_channels_cancel_the_louder_one_is_heard(share: float) -> None:
    mixer = ChannelMixer()
    heard = mixer.mix(stereo(-share * VOICE, VOICE))
    np.testing.assert_array_equal(np.abs(heard[1024:]), np.abs(VOICE[1024:]))
    assert mixer.cancelled_samples == len(VOICE) - 1024


def test_when_they_no_longer_cancel_they_are_averaged_again() -> None:
    frames = np.concatenate([stereo(VOICE, -VOICE), stereo(VOICE, VOICE)])
    heard = mixed(frames)
    assert level_db(heard[RATE_HZ : 2 * RATE_HZ]) == pytest.approx(level_db(VOICE), abs=0.2)
    np.testing.assert_array_equal(heard[3 * RATE_HZ :], VOICE[RATE_HZ:])


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6))
def test_pieces_of_any_size_give_the_same(sizes: list[int]) -> None:
    frames = np.concatenate([stereo(VOICE, -VOICE), stereo(VOICE, OTHER), stereo(tone(300, 1), -tone(300, 1))])
    np.testing.assert_allclose(mixed(frames, sizes), mixed(frames), atol=1e-6)


def test_the_number_of_channels_may_change() -> None:
    mixer = ChannelMixer()
    mixer.mix(stereo(VOICE, -VOICE))
    np.testing.assert_array_equal(mixer.mix(VOICE[:, None].copy()), VOICE)
    assert len(mixer.mix(np.stack([VOICE, VOICE, VOICE], axis=1))) == len(VOICE)
    assert len(mixer.mix(np.zeros((0, 2), np.float32))) == 0
