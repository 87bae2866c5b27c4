"""WAV files whose header does not say all: longer, joined, of unknown length, cut off; from disk and from a pipe."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.file import open_streamed, open_tracks, read_mono
from ser_track.recordings.wav import WavBytes, is_wav
from tests.helpers.signals import noise


def wav(
    samples: FloatArray,
    announced: int | None = None,
    after: bytes = b"",
    rate_hz: int = SAMPLE_RATE_HZ,
    before: bytes = b"",
    magic: bytes = b"RIFF",
) -> bytes:
    """A WAV file of 16 bits; its header announces ``announced`` bytes of sound, by default all."""
    data = (samples * 32_767).astype("<i2").tobytes()
    size = len(data) if announced is None else announced
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    body = b"WAVE" + before + form + struct.pack("<4sI", b"data", size) + data + b"\0" * (len(data) % 2) + after
    return magic + struct.pack("<I", min(0xFFFF_FFFF, len(body) - len(data) + size)) + body


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


FIRST, SECOND = noise(20_000, seed=1), noise(12_345, seed=2)
BOTH = np.concatenate([FIRST, SECOND])
LARGE_SIZES = chunk(b"ds64", struct.pack("<QQQI", 0, 40_000, 20_000, 0))
WHOLE = {
    "announces half": (wav(FIRST, 20_000), FIRST),
    "announces a part of a sample": (wav(FIRST, 20_001), FIRST),
    "announces nothing": (wav(FIRST, 0), FIRST),
    "comes from a pipe": (wav(FIRST, 0xFFFF_FFFF), FIRST),
    "comes from arecord": (wav(FIRST, 0x7FFF_F000), FIRST),
    "two joined": (wav(FIRST) + wav(SECOND), BOTH),
    "two joined that came from pipes": (wav(FIRST, 0) + wav(SECOND, 0xFFFF_FFFF), BOTH),
    "three joined, the first too short": (wav(FIRST) + wav(SECOND) + wav(FIRST), np.concatenate([BOTH, FIRST])),
    "tags before and after": (wav(FIRST, before=chunk(b"bext", b"x" * 701), after=chunk(b"LIST", b"y" * 999)), FIRST),
    "tags and then another": (wav(FIRST, after=chunk(b"id3 ", b"y" * 99)) + wav(SECOND), BOTH),
    "two stretches of sound": (wav(FIRST, after=chunk(b"data", wav(SECOND)[44:])), BOTH),
    "larger than 4 GiB": (wav(FIRST, 0xFFFF_FFFF, before=LARGE_SIZES, magic=b"RF64"), FIRST),
}


@pytest.mark.parametrize("name", WHOLE)
def test_all_sound_is_heard_from_disk_and_from_a_pipe(tmp_path: Path, name: str) -> None:
    data, samples = WHOLE[name]
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    expected = (samples * 32_767).astype("<i2").astype(np.float32) / 32_768
    np.testing.assert_array_equal(read_mono(path), expected)
    with open_streamed(io.BufferedReader(Pipe(data)), "standard input") as recording:
        heard = np.concatenate([piece.chunk.samples for piece in recording])
        assert recording.remarks == []
    np.testing.assert_array_equal(heard, expected)


class Pipe(io.RawIOBase):
    """Gives bytes as a pipe does: a few at a time, and never again."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        piece = self._data.read(min(len(buffer), 1_000))
        buffer[: len(piece)] = piece
        return len(piece)


def told(path: Path) -> tuple[int, str]:
    """How many samples are heard, and what is told at the end."""
    pieces: list[ParticipantChunk] = []
    with open_tracks(path) as recording, pytest.raises(AudioError) as failure:
        pieces.extend(recording)
    return sum(len(piece.chunk.samples) for piece in pieces), str(failure.value)


def test_a_file_that_goes_on_in_another_format_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(FIRST) + wav(SECOND, rate_hz=8_000))
    heard, message = told(path)
    assert heard == len(FIRST)
    assert message == f"{path} goes on with a WAV file of another format, which was not analysed: split the file"


def test_sound_that_is_missing_is_told_and_a_missing_tag_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(FIRST)[:-16_000])
    heard, message = told(path)
    assert heard == len(FIRST) - 8_000
    assert "is cut off: 0.5 s of sound that its header announces are missing" in message
    path.write_bytes(wav(FIRST, after=chunk(b"LIST", b"y" * 999))[:-500])
    assert len(read_mono(path)) == len(FIRST)


def test_progress_is_known_although_the_header_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(FIRST, 20_000))
    with open_tracks(path) as recording:
        assert recording.duration_s == pytest.approx(1.25, abs=0.01)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_the_bytes_reading_ends_and_makes_none_up(head: bytes, rest: bytes) -> None:
    for data in (head + rest, wav(FIRST[:50]) + rest, wav(FIRST[:50])[: len(head)] + rest):
        reader = WavBytes(io.BytesIO(data))
        read = b"".join(iter(lambda reader=reader: reader.read(64), b""))  # type: ignore[misc]
        assert len(read) <= len(data)
        if not is_wav(data):
            assert read == data
