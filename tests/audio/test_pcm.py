"""PCM: every format keeps its values, pieces may end anywhere, channels keep the level, nonsense is refused."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ser_track.audio.mixing import average_channels
from ser_track.audio.pcm import PcmReader
from ser_track.chunk import FloatArray
from ser_track.config.schema import SampleFormat
from ser_track.errors import AudioError
from tests.helpers.signals import level_db, noise, tone

FORMATS: list[tuple[SampleFormat, float]] = [("float32", 0), ("int16", 2**-15), ("int32", 2**-23), ("uint8", 2**-7)]
"""Each with the largest error of one step of it (of float32, for int32)."""


def encoded(samples: FloatArray, sample_format: SampleFormat) -> bytes:
    """The bytes of ``samples`` as a recorder would write them, little-endian."""
    wide = samples.astype(np.float64)
    match sample_format:
        case "float32":
            return samples.astype("<f4").tobytes()
        case "int16":
            return (wide * 2**15).clip(-(2**15), 2**15 - 1).astype("<i2").tobytes()
        case "int32":
            return (wide * 2**31).clip(-(2**31), 2**31 - 1).astype("<i4").tobytes()
        case "uint8":
            return ((wide + 1) * 2**7).clip(0, 255).astype("u1").tobytes()


@pytest.mark.parametrize(("sample_format", "step"), FORMATS)
def test_each_format_keeps_the_values_within_one_step(sample_format: SampleFormat, step: float) -> None:
    samples = np.concatenate([noise(4_000, peak=1.0), np.array([-1, 0, 1], np.float32)])
    read = PcmReader(sample_format, 1).read(encoded(samples, sample_format))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, samples, rtol=0, atol=step)
    assert np.abs(read).max() <= 1


@pytest.mark.parametrize("sample_format", ["float32", "int16", "int32", "uint8"])
@given(cuts=st.lists(st.integers(0, 480), max_size=8), channels=st.integers(1, 3))
def test_pieces_may_end_at_any_byte(sample_format: SampleFormat, cuts: list[int], channels: int) -> None:
    data = encoded(noise(40 * channels), sample_format)
    whole = PcmReader(sample_format, channels).read(data)
    reader, edges = PcmReader(sample_format, channels), [0, *sorted(cuts), len(data)]
    pieces = [reader.read(data[begin:end]) for begin, end in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert len(whole) == 40


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_is_taken(kind: type[bytes] | type[bytearray] | type[memoryview]) -> None:
    data = noise(100).tobytes()
    np.testing.assert_array_equal(PcmReader("float32", 1).read(kind(data)), noise(100))


def test_a_tone_on_all_channels_keeps_its_level() -> None:
    mono = tone(440, 1.0)
    for channels in (1, 2, 6):
        assert level_db(average_channels(np.stack([mono] * channels, axis=1))) == pytest.approx(
            level_db(mono), abs=1e-3
        )


def test_a_tone_on_one_of_two_channels_loses_six_decibels() -> None:
    mono = tone(440, 1.0)
    interleaved = np.stack([mono, np.zeros_like(mono)], axis=1).ravel()
    assert level_db(PcmReader("float32", 2).read(interleaved)) == pytest.approx(level_db(mono) - 6.02, abs=0.01)


@pytest.mark.parametrize(("dtype", "full"), [(np.int16, 2**15), (np.int32, 2**31)])
def test_integer_arrays_are_taken_in_the_full_range_of_their_type(dtype: type[np.integer], full: int) -> None:
    frames = np.array([[full // 2, full // 4], [-full, 0]], dtype)
    np.testing.assert_array_equal(PcmReader("float32", 2).read(frames), np.array([0.375, -0.5], np.float32))
    np.testing.assert_array_equal(PcmReader("float32", 1).read(np.array([128, 0, 192], np.uint8)), [0, -1, 0.5])


def test_floats_far_beyond_full_scale_are_told_once_for_each_stream() -> None:
    reader, loud = PcmReader("float32", 1), 32_768 * noise(100)
    with pytest.warns(UserWarning, match=r"float samples reach 1\d{4}, but must be in -1 … 1; divide them"):
        np.testing.assert_array_equal(reader.read(loud), loud)
    reader.read(loud)
    reader.reset()
    with pytest.warns(UserWarning, match="float samples reach"):
        reader.read(loud.tobytes())
    PcmReader("float32", 1).read(3.9 * np.sign(loud))  # a loud recording is no reason to warn


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_arrays_are_taken_interleaved_or_by_channel(dtype: type[np.floating]) -> None:
    frames = np.array([[0.5, 0.25], [-1, 0], [1, 1]], dtype)
    expected = np.array([0.375, -0.5, 1], np.float32)
    np.testing.assert_array_equal(PcmReader("int16", 2).read(frames), expected)
    np.testing.assert_array_equal(PcmReader("int16", 2).read(frames.ravel()), expected)
    assert len(PcmReader("int16", 2).read(frames[:0])) == 0


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(10, np.int64),
        np.zeros(10, np.uint16),
        np.zeros(10, bool),
        np.zeros((2, 3)),
        np.zeros(3),
        np.zeros((1, 2, 2)),
        np.zeros(()),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(array: NDArray[np.generic]) -> None:
    with pytest.raises(AudioError, match="array of"):
        PcmReader("float32", 2).read(array)


@pytest.mark.parametrize("ragged", [[[0.1, 0.2], [0.3]], [0.1, [0.2]]])
def test_a_ragged_list_is_refused(ragged: list[Any]) -> None:
    with pytest.raises(AudioError, match=r"is not an array .*give floats"):
        PcmReader("float32", 2).read(ragged)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_finite_number_is_refused_and_its_place_is_named(value: float) -> None:
    samples = noise(10)
    samples[6] = value
    for data in (samples, samples.tobytes()):
        with pytest.raises(AudioError, match="sample 6 "):
            PcmReader("float32", 1).read(data)


def test_a_number_too_large_for_float32_is_refused() -> None:
    with pytest.raises(AudioError, match="sample 1 "):
        PcmReader("float32", 1).read(np.array([0.0, 1e300]))


def test_the_array_given_is_not_kept_or_changed() -> None:
    given_array = noise(10)
    read = PcmReader("float32", 1).read(given_array)
    read[:] = 0
    np.testing.assert_array_equal(given_array, noise(10))


def test_reset_forgets_the_incomplete_sample() -> None:
    reader = PcmReader("int16", 1)
    assert len(reader.read(b"\x01")) == 0
    reader.reset()
    np.testing.assert_array_equal(reader.read(b"\x00\x40"), np.array([0.5], np.float32))
