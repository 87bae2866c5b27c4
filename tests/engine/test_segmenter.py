"""Segmenter: what a segment is, over every pattern of voice, silence and gaps."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.segmenter import Closed, Growing, Mark, Opened, Segmenter
from ser_track.engine.windows import Gap, Window, WindowBuffer
from tests.helpers.signals import cut, noise, talk

WINDOW_S = WINDOW_SAMPLES / SAMPLE_RATE_HZ
Runs = list[tuple[str, int]]
"""``voice``, ``silence`` (of which noise arrives) or ``gap``, and how many windows of it."""

runs = st.lists(st.tuples(st.sampled_from(["voice", "silence", "gap"]), st.integers(1, 60)), max_size=12)
configs = st.builds(
    PipelineConfig,
    min_segment_s=st.floats(0.032, 0.5),
    max_segment_s=st.floats(0.5, 3),
    end_silence_s=st.floats(0.032, 1),
    provisional_interval_s=st.floats(0.1, 0.9),
    provisional_window_s=st.floats(0.5, 2),
)


@dataclass
class Played:
    """Marks of a pattern, with the pattern as an array of windows and of voice decisions."""

    marks: list[Mark]
    windows: FloatArray
    voiced: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def closed(self) -> list[Closed]:
        return [mark for mark in self.marks if isinstance(mark, Closed)]


def play(config: PipelineConfig, runs: Runs, flush: bool = True) -> Played:
    """Push ``runs`` window by window."""
    segmenter, marks, windows, voiced = Segmenter(config), list[Mark](), list[FloatArray](), list[bool]()
    for kind, count in runs:
        if kind == "gap":
            marks += segmenter.skip(Gap(len(windows), count))
            windows += [np.zeros(WINDOW_SAMPLES, np.float32)] * count
            voiced += [False] * count
            continue
        for _ in range(count):
            windows.append(noise(WINDOW_SAMPLES, len(windows)))
            voiced.append(kind == "voice")
            marks += segmenter.push(Window(len(windows) - 1, windows[-1]), 0.9 if kind == "voice" else 0.1)
    if flush:
        marks += segmenter.close("flush")
    return Played(marks, np.array(windows, np.float32).reshape(-1, WINDOW_SAMPLES), np.array(voiced, bool))


def plain(mark: Mark) -> tuple[object, ...]:
    """A mark that can be compared."""
    match mark:
        case Opened(number, start):
            return "opened", number, start
        case Growing(start, latest):
            return "growing", start, latest.number, latest.start, latest.samples.tobytes()
        case Closed(segment, reason, kept):
            return "closed", segment.number, segment.start, segment.samples.tobytes(), reason, kept


def reasons(played: Played) -> list[tuple[str, bool]]:
    return [(mark.reason, mark.kept) for mark in played.closed]


@given(configs, runs)
def test_segments_hold_the_audio_of_their_time_do_not_overlap_and_count_from_zero(
    config: PipelineConfig, runs: Runs
) -> None:
    played = play(config, runs)
    samples, reached = played.windows.ravel(), 0
    for number, mark in enumerate(played.closed):
        assert mark.segment.number == number
        assert mark.segment.start >= reached
        reached = mark.segment.end
        np.testing.assert_array_equal(mark.segment.samples, samples[mark.segment.start : mark.segment.end])


@given(configs, runs)
def test_every_voiced_window_is_in_a_segment_which_begins_and_ends_with_voice(
    config: PipelineConfig, runs: Runs
) -> None:
    played = play(config, runs)
    covered = np.zeros(len(played.voiced), bool)
    for mark in played.closed:
        first, last = mark.segment.start // WINDOW_SAMPLES, mark.segment.end // WINDOW_SAMPLES - 1
        covered[first : last + 1] = True
        assert played.voiced[first]
        assert played.voiced[last]
    assert not (played.voiced & ~covered).any()


@given(configs, runs)
def test_no_segment_is_over_the_maximum_and_kept_are_those_of_the_minimum(config: PipelineConfig, runs: Runs) -> None:
    longest = int(config.max_segment_s / WINDOW_S + 1e-9) * WINDOW_SAMPLES
    for mark in play(config, runs).closed:
        length = len(mark.segment.samples)
        assert length <= longest
        assert mark.kept == (length >= min(round(config.min_segment_s * SAMPLE_RATE_HZ), longest))


@given(configs, runs)
def test_no_segment_holds_a_pause_as_long_as_the_end_silence(config: PipelineConfig, runs: Runs) -> None:
    played = play(config, runs)
    for mark in played.closed:
        voiced = played.voiced[mark.segment.start // WINDOW_SAMPLES : mark.segment.end // WINDOW_SAMPLES]
        pauses = np.diff(np.flatnonzero(voiced)) - 1
        assert (pauses * WINDOW_S < config.end_silence_s).all()


@given(configs, runs)
def test_each_segment_is_opened_then_grows_then_is_closed(config: PipelineConfig, runs: Runs) -> None:
    number, is_open = 0, False
    for mark in play(config, runs).marks:
        match mark:
            case Opened(opened, _):
                assert (opened, is_open) == (number, False)
                is_open = True
            case Growing(_, latest):
                assert (latest.number, is_open) == (number, True)
            case Closed(segment):
                assert (segment.number, is_open) == (number, True)
                number, is_open = number + 1, False
    assert not is_open


@given(configs, runs)
def test_a_gap_counts_as_the_silence_of_its_length(config: PipelineConfig, runs: Runs) -> None:
    silent = [("silence" if kind == "gap" else kind, count) for kind, count in runs]
    with_gaps, without = play(config, runs).marks, play(config, silent).marks

    def times(marks: list[Mark]) -> list[tuple[object, ...]]:
        return [(*plain(m)[:3], m.segment.end, m.reason) if isinstance(m, Closed) else plain(m)[:3] for m in marks]

    assert times(with_gaps) == times(without)


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
def test_any_chunking_gives_the_same_marks(sizes: list[int]) -> None:
    def marks(sizes: list[int]) -> list[tuple[object, ...]]:
        buffer, segmenter, marks, at = WindowBuffer(), Segmenter(PipelineConfig(max_segment_s=2)), list[Mark](), 0
        for chunk in cut(talk(0.71, 0.3, 3.3, 0.8, 0.2), sizes):
            buffer.push(Chunk(at, chunk))
            at += len(chunk)
            while buffer.ready:
                item = buffer.ready.popleft()
                assert isinstance(item, Window)
                marks += segmenter.push(item, float(np.abs(item.samples).max() > 0.1))
        return [plain(mark) for mark in [*marks, *segmenter.close("flush")]]

    assert marks(sizes) == marks([10**6])


@pytest.mark.parametrize(("windows", "closed"), [(15, False), (16, True)])
def test_end_silence_of_half_a_second_is_sixteen_windows(windows: int, closed: bool) -> None:
    played = play(PipelineConfig(end_silence_s=0.5), [("voice", 20), ("silence", windows)], flush=False)
    assert reasons(played) == ([("silence", True)] if closed else [])


def test_silence_inside_is_kept_and_silence_at_the_end_is_not() -> None:
    runs = [("silence", 3), ("voice", 9), ("silence", 10), ("voice", 5), ("silence", 40)]
    (mark,) = play(PipelineConfig(), runs).closed
    assert (mark.segment.start, mark.segment.end) == (3 * 512, 27 * 512)


@pytest.mark.parametrize(("windows", "kept"), [(15, False), (16, True)])
def test_a_segment_under_the_minimum_is_closed_but_not_kept(windows: int, kept: bool) -> None:
    assert reasons(play(PipelineConfig(min_segment_s=0.5), [("voice", windows)])) == [("flush", kept)]


def test_a_monologue_is_cut_at_the_maximum_without_losing_a_window() -> None:
    played = play(PipelineConfig(max_segment_s=1.0), [("voice", 100)])
    assert reasons(played) == [("max_duration", True)] * 3 + [("flush", False)]
    assert [mark.segment.start for mark in played.closed] == [0, 31 * 512, 62 * 512, 93 * 512]


def test_speech_is_classified_also_where_minimum_and_maximum_are_the_same() -> None:
    played = play(PipelineConfig(min_segment_s=0.5, max_segment_s=0.5), [("voice", 60)])
    assert reasons(played) == [("max_duration", True)] * 4


@given(configs, st.integers(40, 300))
def test_uninterrupted_speech_is_heard_of_at_least_once_per_second(config: PipelineConfig, windows: int) -> None:
    heard = [0]
    for mark in play(config, [("voice", windows)], flush=False).marks:
        match mark:
            case Growing(_, latest):
                heard.append(latest.end)
            case Closed(segment, _, kept):
                assert kept
                heard.append(segment.end)
    heard.append(windows * WINDOW_SAMPLES)
    assert max(np.diff(heard)) <= SAMPLE_RATE_HZ


@given(configs, runs)
def test_a_provisional_result_hears_the_latest_audio_up_to_its_limit(config: PipelineConfig, runs: Runs) -> None:
    played = play(config, runs)
    samples = played.windows.ravel()
    for mark in played.marks:
        if isinstance(mark, Growing):
            bounded = len(mark.latest.samples) <= config.provisional_window_s * SAMPLE_RATE_HZ + WINDOW_SAMPLES
            # In a pause, which may be the end, it hears all.
            assert bounded or mark.latest.start == mark.start
            assert mark.start <= mark.latest.start
            np.testing.assert_array_equal(mark.latest.samples, samples[mark.latest.start : mark.latest.end])


def test_a_long_gap_closes_an_open_segment_once_at_the_end_of_its_voice() -> None:
    config = PipelineConfig(provisional_interval_s=0.5)
    played = play(config, [("voice", 20), ("gap", 1_000), ("voice", 20)], flush=False)
    (mark,) = played.closed
    assert (mark.segment.end, mark.reason) == (20 * 512, "silence")
    assert [type(mark) for mark in played.marks] == [Opened, Growing, Growing, Closed, Opened, Growing]


def test_flush_gives_what_is_open_and_nothing_twice() -> None:
    segmenter = Segmenter(PipelineConfig())
    assert list(segmenter.close("flush")) == []
    list(segmenter.push(Window(0, noise(512)), 1.0))
    assert [plain(mark)[0] for mark in segmenter.close("flush")] == ["closed"]
    assert list(segmenter.close("flush")) == []
