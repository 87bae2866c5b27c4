"""FrameConverter: any frame to 16 kHz mono at its media time; rounding is no gap, loss and drift are."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.audio.frames import FrameConverter, frame_to_channels, frame_to_mono
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.errors import AudioError
from tests.helpers.audio_frames import frame, frames
from tests.helpers.signals import joined, level_db, noise, tone

MILLISECONDS = Fraction(1, 1_000)


def converted(given_frames: list[av.AudioFrame]) -> list[Chunk]:
    converter = FrameConverter()
    pieces = [piece for each in given_frames for piece in converter.convert(each)]
    return [*pieces, *converter.flush()]


def joints(pieces: list[Chunk]) -> list[int]:
    """How many samples lie between the pieces: 0 where they continue, negative where they overlap."""
    ends = [piece.end for piece in pieces]
    return [at - end for (at, _), end in zip(pieces[1:], ends, strict=False)]


@pytest.mark.parametrize("sample_format", ["u8", "s16", "s32", "flt", "dbl"])
@pytest.mark.parametrize("planar", ["", "p"])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_every_format_packed_or_planar_gives_its_channels(sample_format: str, planar: str, layout: str) -> None:
    channels = len(av.AudioLayout(layout).channels)
    values = np.stack([tone(200 * (1 + channel), 0.02, 48_000) for channel in range(channels)], axis=1)
    made = frame(values, layout=layout, sample_format=sample_format + planar)
    step = {"u8": 2**-7, "s16": 2**-15}.get(sample_format, 2**-23)
    np.testing.assert_allclose(frame_to_channels(made), values, rtol=0, atol=step)


@pytest.mark.parametrize("sample_format", ["u8p", "s16p", "s32p", "fltp", "dblp"])
@pytest.mark.parametrize("layout", ["7.1", "7.1.4", "hexadecagonal"])
def test_a_frame_of_eight_planes_or_more_gives_its_channels_alone(sample_format: str, layout: str) -> None:
    channels = len(av.AudioLayout(layout).channels)
    values = np.stack([tone(200 * (1 + channel), 0.02, 48_000) for channel in range(channels)], axis=1)
    packed = frame(values, layout=layout, sample_format=sample_format.removesuffix("p"))
    (planar,) = av.AudioResampler(format=sample_format, layout=layout, rate=48_000).resample(packed)
    assert planar.format.is_planar
    np.testing.assert_array_equal(frame_to_channels(planar), frame_to_channels(packed))


@pytest.mark.parametrize("sample_format", ["s16", "s16p", "flt", "fltp", "dblp"])
def test_a_tone_on_both_channels_keeps_its_level(sample_format: str) -> None:
    mono = tone(440, 0.5, 48_000)
    made = frame(np.stack([mono, mono], axis=1), layout="stereo", sample_format=sample_format)
    assert level_db(frame_to_mono(made)) == pytest.approx(level_db(mono), abs=0.001)


def test_unknown_sample_types_and_nan_are_audio_errors() -> None:
    unreadable = av.AudioFrame(format="s64", layout="mono", samples=160)
    unreadable.sample_rate = 16_000
    with pytest.raises(AudioError, match="s64"):
        frame_to_mono(unreadable)
    with pytest.raises(AudioError, match="finite"):
        frame_to_mono(frame(np.array([[0], [np.nan]], np.float32)))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_continuous_frames_give_continuous_samples_of_the_right_number(rate_hz: int) -> None:
    pieces = converted(frames(noise(rate_hz), rate_hz))
    assert pieces[0][0] == 0
    assert set(joints(pieces)) == {0}
    assert abs(len(joined(samples for _, samples in pieces)) - SAMPLE_RATE_HZ) <= 1


def test_a_gap_in_the_timestamps_moves_what_follows_to_its_time() -> None:
    all_frames = frames(tone(440, 1.0, 48_000), 48_000, Fraction(1, 48_000))
    pieces = converted(all_frames[:20] + all_frames[30:])
    gaps = [gap for gap in joints(pieces) if gap]
    assert len(gaps) == 1
    assert abs(gaps[0] - 3_200) <= 1
    assert 9_600 in [at for at, _ in pieces]


def test_a_single_lost_frame_of_twenty_milliseconds_is_seen() -> None:
    all_frames = frames(noise(48_000), 48_000, MILLISECONDS)
    pieces = converted(all_frames[:7] + all_frames[8:])
    assert [gap for gap in joints(pieces) if abs(gap) > 1] == [320]


@pytest.mark.parametrize("size", [960, 1_024, 1_152])
@pytest.mark.parametrize("down", [True, False])
def test_a_minute_of_timestamps_rounded_to_milliseconds_neither_cuts_nor_shifts(size: int, down: bool) -> None:
    samples = noise(60 * 44_100)
    pieces = converted(frames(samples, 44_100, MILLISECONDS, size, down))
    assert set(joints(pieces)) == {0}
    assert pieces[0][0] == 0
    assert abs(pieces[-1].end - 60 * SAMPLE_RATE_HZ) <= 1


@pytest.mark.parametrize("parts_per_thousand", [-2, 2])
def test_a_clock_that_drifts_is_followed_within_the_tolerance(parts_per_thousand: int) -> None:
    converter, drifting = FrameConverter(), frames(noise(20 * 16_000), 16_000)
    for number, each in enumerate(drifting):
        true_pts = number * 320 * (1_000 + parts_per_thousand) // 1_000
        each.pts = true_pts
        ((at, samples),) = converter.convert(each)
        assert abs(at - true_pts) <= 80
        assert len(samples) == 320


def test_a_frame_sent_twice_falls_back_so_that_the_engine_drops_it() -> None:
    all_frames = frames(noise(16_000), 16_000)
    assert [at for at, _ in converted([*all_frames[:3], all_frames[2], all_frames[3]])] == [0, 320, 640, 640, 960]


def test_timestamps_that_start_over_continue_the_stream_and_later_gaps_are_still_seen() -> None:
    all_frames = frames(noise(5 * 16_000), 16_000)
    pieces = converted(all_frames[:200] + all_frames[:10] + all_frames[20:30])
    assert [gap for gap in joints(pieces) if gap] == [10 * 320]
    assert pieces[-1][0] == (200 + 29) * 320


def test_the_stream_begins_at_the_first_timestamp() -> None:
    assert [at for at, _ in converted(frames(noise(16_000), 16_000)[10:])][:2] == [3_200, 3_520]


def test_without_timestamps_frames_follow_each_other() -> None:
    made = frames(noise(16_000), 16_000)
    for each in made:
        each.pts = None
    assert [at for at, _ in converted(made)] == list(range(0, 16_000, 320))


def test_a_rate_that_changes_midway_leaves_no_gap_and_no_overlap() -> None:
    first, second = frames(tone(440, 1, 48_000), 48_000), frames(tone(440, 1, 44_100), 44_100)
    for each in second:
        assert each.pts is not None
        each.pts += 44_100
    pieces = converted(first + second)
    assert all(abs(joint) <= 1 for joint in joints(pieces))
    assert abs(sum(len(samples) for _, samples in pieces) - 2 * SAMPLE_RATE_HZ) <= 2
    middle = joined(samples for _, samples in pieces)[1_600:30_400]
    assert level_db(middle) == pytest.approx(level_db(tone(440, 1)), abs=0.1)


@given(st.lists(st.integers(40, 2_000), min_size=1, max_size=5))
def test_any_frame_size_gives_the_same_samples(sizes: list[int]) -> None:
    samples, made, at = noise(6_000), list[av.AudioFrame](), 0
    while at < len(samples):
        size = sizes[len(made) % len(sizes)]
        made.append(frame(samples[at : at + size, None], at))
        at += size
    whole = converted([frame(samples[:, None], 0)])
    np.testing.assert_array_equal(joined(s for _, s in converted(made)), joined(s for _, s in whole))


def test_a_frame_that_cannot_be_converted_leaves_a_gap_and_the_next_goes_on() -> None:
    all_frames, converter = frames(noise(16_000), 16_000), FrameConverter()
    bad = frame(np.full((320, 1), np.nan, np.float32), 320, rate_hz=16_000)
    pieces = list(converter.convert(all_frames[0]))
    with pytest.raises(AudioError):
        list(converter.convert(bad))
    pieces += converter.convert(all_frames[2])
    assert [at for at, _ in pieces] == [0, 640]
