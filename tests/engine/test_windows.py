"""WindowBuffer: the grid holds, whatever is cut, lost, late or sent twice."""

import tracemalloc
from collections.abc import Iterable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk
from ser_track.engine.windows import Gap, Window, WindowBuffer
from tests.helpers.signals import cut, noise

HOUR = 3600 * SAMPLE_RATE_HZ
sizes = st.lists(st.integers(1, 1500), min_size=1, max_size=6)


def drain(buffer: WindowBuffer) -> list[tuple[int, int] | tuple[int, bytes]]:
    """All that is complete, comparable: ``(first, windows)`` of gaps, ``(index, samples)`` of windows."""
    items: list[tuple[int, int] | tuple[int, bytes]] = []
    while buffer.ready:
        match buffer.ready.popleft():
            case Gap(first, windows):
                items.append((first, windows))
            case Window(index, samples):
                assert samples.shape == (WINDOW_SAMPLES,)
                items.append((index, samples.tobytes()))
    return items


def pieces_after(jumps: Iterable[tuple[int, int]]) -> list[Chunk]:
    """Pieces of noise; each begins ``jump`` samples after the end of the one before (before it, if negative)."""
    pieces: list[Chunk] = []
    at = 0
    for seed, (jump, size) in enumerate(jumps):
        at += jump
        pieces.append(Chunk(at, noise(size, seed)))
        at += size
    return pieces


def expected(pieces: list[Chunk], end: int) -> tuple[list[tuple[int, int] | tuple[int, bytes]], int]:
    """The same by other means: a timeline on which the first to come wins; and how many samples came too late."""
    timeline, there, reached, late = np.zeros(end, np.float32), np.zeros(end, bool), 0, 0
    for at, samples in pieces:
        for index, sample in enumerate(samples, at):
            if index < reached:
                late += 1
            else:
                timeline[index], there[index], reached = sample, True, index + 1
    items: list[tuple[int, int] | tuple[int, bytes]] = []
    gap = 0
    for k, (heard, window) in enumerate(zip(there.reshape(-1, 512), timeline.reshape(-1, 512), strict=True)):
        if not heard.any():
            gap += 1
            continue
        items += [(k - gap, gap)] if gap else []
        items.append((k, window.tobytes()))
        gap = 0
    return items, late


gaps = st.sampled_from([0, 0, 3, 400, 512, 3000])
jumps_ahead = st.lists(st.tuples(gaps, st.integers(1, 900)), min_size=1, max_size=8)
jumps_anywhere = st.lists(st.tuples(st.integers(-700, 2000), st.integers(1, 900)), min_size=1, max_size=8)


@given(jumps_ahead, sizes)
def test_any_chunking_gives_the_same_windows_and_gaps_on_the_grid(
    jumps: list[tuple[int, int]], sizes: list[int]
) -> None:
    pieces = pieces_after(jumps)
    buffer = WindowBuffer()
    for at, samples in pieces:
        for chunk in cut(samples, sizes):
            assert buffer.push(Chunk(at, chunk)) == 0
            at += len(chunk)
    end = pieces[-1].end
    buffer.flush()
    assert drain(buffer) == expected(pieces, -(-end // 512) * 512)[0]


@given(jumps_anywhere)
def test_of_samples_for_the_same_time_the_first_stay_and_the_late_are_counted(jumps: list[tuple[int, int]]) -> None:
    pieces = pieces_after(jumps)
    buffer = WindowBuffer()
    dropped = sum(buffer.push(piece) for piece in pieces)
    end = max(piece.end for piece in pieces)
    buffer.flush()
    items, late = expected(pieces, -(-end // 512) * 512)
    assert drain(buffer) == items
    assert dropped == late


def test_an_incomplete_window_waits_until_flush_completes_it_with_zeros() -> None:
    buffer = WindowBuffer()
    buffer.push(Chunk(0, noise(700)))
    assert [index for index, _ in drain(buffer)] == [0]
    buffer.flush()
    ((index, samples),) = drain(buffer)
    assert index == 1
    assert samples == np.concatenate([noise(700)[512:], np.zeros(324, np.float32)]).tobytes()


def test_flush_on_the_grid_adds_nothing() -> None:
    buffer = WindowBuffer()
    buffer.flush()
    buffer.push(Chunk(0, noise(1024)))
    buffer.flush()
    assert len(drain(buffer)) == 2


def test_a_gap_of_an_hour_costs_no_memory() -> None:
    buffer = WindowBuffer()
    buffer.push(Chunk(0, noise(100)))
    tracemalloc.start()
    buffer.push(Chunk(HOUR + 7, noise(512)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000
    assert drain(buffer)[1] == (1, HOUR // 512 - 1)


def test_pushed_samples_are_copied_so_that_the_source_may_reuse_its_buffer() -> None:
    buffer, source = WindowBuffer(), noise(512)
    buffer.push(Chunk(0, source))
    source[:] = 0
    assert drain(buffer) == [(0, noise(512).tobytes())]
