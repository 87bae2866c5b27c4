"""A recording at the pace of life: nothing comes before it was spoken, and it can be stopped."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.errors import AudioError
from ser_track.recordings.file import open_tracks
from ser_track.recordings.paced import Paced
from tests.paths import DATA

SPOKEN = DATA / "spoken.wav"


def test_no_piece_comes_before_it_was_spoken_and_all_come() -> None:
    speed = 20.0
    with open_tracks(DATA / "spoken_two_tracks.mka") as recording:
        expected = list(recording)
    with open_tracks(DATA / "spoken_two_tracks.mka") as recording:
        paced = Paced(recording, speed)
        assert paced.participants == ("Ada", "Bob")
        begin, found = time.monotonic(), []
        for piece in paced:
            found.append(piece)
            assert time.monotonic() - begin >= (piece.chunk.end) / SAMPLE_RATE_HZ / speed
    assert [(piece.participant, piece.chunk.at) for piece in found] == [
        (piece.participant, piece.chunk.at) for piece in expected
    ]
    for piece, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(piece.chunk.samples, other.chunk.samples)


def test_stopped_from_another_thread_it_ends_without_waiting_for_the_rest() -> None:
    with open_tracks(SPOKEN) as recording:
        paced, given = Paced(recording), 0
        begin = time.monotonic()
        for piece in paced:
            if not given:
                threading.Thread(target=paced.stop).start()
            given += len(piece.chunk.samples)
    assert 0 < given < 5 * SAMPLE_RATE_HZ
    assert time.monotonic() - begin < 5


def test_what_is_wrong_with_the_file_is_raised_after_what_is_good(tmp_path: Path) -> None:
    cut_off = tmp_path / "cut.wav"
    cut_off.write_bytes(SPOKEN.read_bytes()[:100_000])
    given = list[int]()
    with open_tracks(cut_off) as recording, pytest.raises(AudioError, match="is cut off"):
        given.extend(len(piece.chunk.samples) for piece in Paced(recording, 100.0))
    assert sum(given) == pytest.approx((100_000 - 44) / 2, abs=100)
