"""Blocks of media time: all of the audio once, however it comes in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import Chunk
from ser_track.replay import BlockBuffer

BLOCK = 100
steps = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 99, 100, 250, 100_000]), st.integers(1, 350)), max_size=20)


def blocks_of(pieces: list[tuple[int, int]]) -> list[list[Chunk]]:
    """Blocks from pieces of (samples missing before, samples); each sample's value is its index."""
    buffer, at, blocks = BlockBuffer(BLOCK), 0, []
    for missing, length in pieces:
        at += missing
        blocks += list(buffer.push(Chunk(at, np.arange(at, at + length, dtype=np.float32))))
        at += length
    return [*blocks, buffer.take()]


@given(steps)
def test_every_sample_is_in_one_block_at_its_place(pieces: list[tuple[int, int]]) -> None:
    at = 0
    expected: list[int] = []
    for missing, length in pieces:
        expected += range(at + missing, at + missing + length)
        at += missing + length
    held = [part for block in blocks_of(pieces) for part in block]
    assert [int(value) for _, samples in held for value in samples] == expected
    assert all(samples[0] == begin for begin, samples in held)


@given(steps)
def test_a_block_never_crosses_its_border(pieces: list[tuple[int, int]]) -> None:
    for block in blocks_of(pieces):
        numbers = {int(value) // BLOCK for _, samples in block for value in samples}
        assert len(numbers) <= 1


@given(st.integers(0, 1_000), st.lists(st.integers(1, 350), min_size=1, max_size=20))
def test_without_gaps_pieces_do_not_matter(total: int, sizes: list[int]) -> None:
    cut, rest = [], total
    for size in sizes:
        cut.append((0, min(size, rest)))
        rest -= min(size, rest)
    cut.append((0, rest))
    together = blocks_of([(0, total)])
    for block, other in zip(blocks_of(cut), together, strict=True):
        flat, flat_other = (np.concatenate([np.zeros(0), *(s for _, s in b)]) for b in (block, other))
        assert np.array_equal(flat, flat_other)


def test_a_gap_of_hours_costs_one_block() -> None:
    assert len(blocks_of([(0, 50), (BLOCK * 1_000_000, 50)])) <= 3


def test_silence_that_is_known_moves_time_and_is_kept() -> None:
    buffer, nothing = BlockBuffer(BLOCK), np.empty(0, np.float32)
    assert list(buffer.push(Chunk(0, np.zeros(50, np.float32)))) == []
    assert list(buffer.push(Chunk(70, nothing))) == []
    ((first, until),) = buffer.push(Chunk(3 * BLOCK, nothing))
    assert (first[0], len(first[1])) == (0, 50)
    assert (until[0], len(until[1])) == (70, 0)
    assert [at for at, _ in buffer.take()] == [3 * BLOCK]
