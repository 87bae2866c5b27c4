"""One track, frame by frame: channels that change, time before zero, frames without time."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.errors import AudioError
from ser_track.recordings.tracks import Track
from tests.helpers.signals import tone


def frame(samples: FloatArray, pts: int | None) -> av.AudioFrame:
    """A frame of ``samples`` ``[n, channels]`` at 16 kHz."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    made = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
    made.sample_rate, made.pts, made.time_base = SAMPLE_RATE_HZ, pts, Fraction(1, SAMPLE_RATE_HZ)
    return made


ONE, TWO = tone(300, 0.1)[:, None], np.stack([tone(300, 0.1), -tone(300, 0.1)], 1)


def test_split_channels_must_stay_as_many() -> None:
    track = Track("Ada", ("Ada-left", "Ada-right"))
    left, right = track.read(frame(TWO, 0), Fraction(0))
    assert np.array_equal(left.chunk.samples, -right.chunk.samples)
    with pytest.raises(AudioError, match=r"'Ada' changes from 2 to 1 channels at 0\.2 s.*--channels mix"):
        list(track.read(frame(ONE, 1_600), Fraction(0)))


def test_mixed_channels_may_change() -> None:
    track = Track("Ada", ("Ada",))
    pieces = [*track.read(frame(TWO, 0), Fraction(0)), *track.read(frame(ONE, 1_600), Fraction(0)), *track.flush()]
    assert [(piece.chunk.at, len(piece.chunk.samples)) for piece in pieces] == [(0, 1_600), (1_600, 1_600)]
    # One channel is the other upside down: once that is certain, it is heard alone.
    assert not pieces[0].chunk.samples[:1_024].any()
    assert np.array_equal(np.abs(pieces[0].chunk.samples[1_024:]), np.abs(TWO[1_024:, 0]))
    assert np.array_equal(pieces[1].chunk.samples, ONE[:, 0])


def test_what_lies_before_the_origin_is_left_out() -> None:
    track = Track("Ada", ("Ada",))
    (piece,) = track.read(frame(ONE, 8_000), Fraction(8_100, SAMPLE_RATE_HZ))
    assert piece.chunk.at == 0
    assert np.array_equal(piece.chunk.samples, ONE[100:, 0])
    assert track.end_s == Fraction(1_500, SAMPLE_RATE_HZ)
    assert not list(track.read(frame(ONE, 0), Fraction(8_100, SAMPLE_RATE_HZ)))


def test_frames_without_time_follow_one_another() -> None:
    track = Track("Ada", ("Ada",))
    pieces = [piece for _ in range(3) for piece in track.read(frame(ONE, None), Fraction(0))]
    assert [piece.chunk.at for piece in pieces] == [0, 1_600, 3_200]
    assert track.end_s == Fraction(4_800, SAMPLE_RATE_HZ)
