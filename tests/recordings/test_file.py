"""Recordings as users have them: many formats, several tracks, damaged, cut off, no recording at all."""

import struct
import tracemalloc
import wave
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.file import open_tracks, read_mono
from ser_track.recordings.tracks import unique_names
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import level_db, noise, tone
from tests.paths import DATA

TWO_TRACKS = DATA / "spoken_two_tracks.mka"


def mono(samples: FloatArray) -> FloatArray:
    return samples[:, None]


def heard(path: Path, split: bool = False) -> dict[str, FloatArray]:
    """Everything of ``path``, per participant, gaps as zeros."""
    with open_tracks(path, split) as recording:
        return joined(list(recording), recording.participants)


def joined(pieces: list[ParticipantChunk], participants: tuple[str, ...]) -> dict[str, FloatArray]:
    ends = {name: max((p.chunk.end for p in pieces if p.participant == name), default=0) for name in participants}
    tracks = {name: np.zeros(end, np.float32) for name, end in ends.items()}
    for piece in pieces:
        tracks[piece.participant][piece.chunk.at : piece.chunk.end] = piece.chunk.samples
    return tracks


def until_error(path: Path, split: bool = False) -> tuple[list[ParticipantChunk], AudioError]:
    """What is heard of ``path`` before it fails, and how it fails."""
    pieces: list[ParticipantChunk] = []
    with open_tracks(path, split) as recording, pytest.raises(AudioError) as failure:
        pieces.extend(recording)
    return pieces, failure.value


def lag_ms(track: FloatArray, original: FloatArray) -> float:
    """How much later ``track`` has what ``original`` has."""
    size = 1 << (len(track) + len(original)).bit_length()
    spectrum = np.fft.rfft(track, size) * np.conj(np.fft.rfft(original, size))
    shift = int(np.fft.irfft(spectrum, size).argmax())
    return 1000 * (shift if shift < size // 2 else shift - size) / SAMPLE_RATE_HZ


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mka", "libopus"), ("a.flac", "flac")])
def test_eight_channels_are_mixed_or_split(tmp_path: Path, name: str, codec: str) -> None:
    """FFmpeg decodes the first two to eight planes, which PyAV reads as nine or more."""
    surround = np.repeat(mono(tone(300, 1, 48_000)), 8, axis=1)
    path = record(tmp_path / name, codec, [Sound(surround, 48_000)])
    (mixed,) = heard(path).values()
    # One of the eight is for low frequencies, of which 300 Hz is none to AAC.
    assert level_db(mixed[4_000:12_000]) == pytest.approx(level_db(tone(300, 1)), abs=1.5)
    tracks = heard(path, split=True)
    assert len(tracks) == 8
    assert len({len(track) for track in tracks.values()}) == 1


@pytest.mark.parametrize(
    ("name", "codec", "video"),
    [
        ("a.wav", "pcm_s16le", False),
        ("a.wav", "pcm_f32le", False),
        ("a.flac", "flac", False),
        ("a.ogg", "libopus", False),
        ("a.mp3", "libmp3lame", False),
        ("a.m4a", "aac", False),
        ("a.webm", "libopus", False),
        ("a.mka", "ac3", False),
        ("a.mp4", "aac", True),
        ("a.mkv", "libopus", True),
        ("a.avi", "libmp3lame", True),
    ],
)
def test_any_format_is_heard_at_its_level_and_in_its_time(tmp_path: Path, name: str, codec: str, video: bool) -> None:
    burst = np.convolve(noise(48_000), np.ones(16) / 16, "same").astype(np.float32)  # below 3 kHz, which codecs keep
    sound = np.concatenate([np.zeros(24_000, np.float32), burst, np.zeros(24_000, np.float32)])
    path = record(tmp_path / name, codec, [Sound(np.stack([sound, sound], 1), 48_000)], video)
    (track,) = heard(path).values()
    assert len(track) / SAMPLE_RATE_HZ == pytest.approx(2, abs=0.1)
    assert level_db(track[: 2 * SAMPLE_RATE_HZ]) == pytest.approx(level_db(sound), abs=1)
    # MP3 in AVI cannot say that the encoder begins 23 ms late; every other format corrects for its encoder.
    assert abs(lag_ms(track, sound[::3])) < (25 if name == "a.avi" else 3)


def test_16_khz_mono_comes_through_unchanged(tmp_path: Path) -> None:
    original = tone(440, 1.234)
    assert np.array_equal(read_mono(record(tmp_path / "a.wav", "pcm_f32le", [Sound(mono(original))])), original)


def test_tracks_are_named_and_keep_their_offset() -> None:
    with open_tracks(TWO_TRACKS) as recording:
        assert recording.participants == ("Ada", "Bob")
        assert recording.duration_s == pytest.approx(14.4, abs=0.1)
        first: dict[str, int] = {}
        for piece in recording:
            first.setdefault(piece.participant, piece.chunk.at)
        assert recording.position_s == pytest.approx(14.4, abs=0.1)
    assert first["Ada"] == 0
    assert first["Bob"] / SAMPLE_RATE_HZ == pytest.approx(2.0, abs=0.03)


def test_time_begins_with_the_earliest_track(tmp_path: Path) -> None:
    sounds = [Sound(mono(tone(440, 1)), start_s=7.5), Sound(mono(tone(880, 1)), start_s=7)]
    late, early = heard(record(tmp_path / "a.mkv", "flac", sounds)).values()
    assert np.flatnonzero(early)[0] < 0.01 * SAMPLE_RATE_HZ
    assert np.flatnonzero(late)[0] / SAMPLE_RATE_HZ == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.ts"])
@pytest.mark.parametrize(("audio_s", "video_s"), [(4.0, 0.0), (0.0, 4.0), (5.0, 3.0), (0.0, 0.0)])
def test_time_zero_is_where_players_begin(tmp_path: Path, name: str, audio_s: float, video_s: float) -> None:
    path = record(tmp_path / name, "aac", [Sound(mono(tone(440, 2)), start_s=audio_s)], True, video_s)
    (track,) = heard(path).values()
    begin_s = np.flatnonzero(np.abs(track) > 0.1)[0] / SAMPLE_RATE_HZ
    assert begin_s == pytest.approx(audio_s - min(audio_s, video_s), abs=0.08)


def test_a_cover_picture_does_not_move_time(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        sound, cover = file.add_stream("aac", rate=16_000, layout="mono"), file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        image.pts = 0
        file.mux([*cover.encode(image), *cover.encode(None)])
        for frame in Sound(mono(tone(440, 1)), start_s=3).frames():
            file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    (track,) = heard(path).values()
    assert np.flatnonzero(np.abs(track) > 0.1)[0] / SAMPLE_RATE_HZ == pytest.approx(0, abs=0.08)


def test_a_file_that_is_cut_off_is_noticed_although_its_sound_begins_late(tmp_path: Path) -> None:
    path = record(tmp_path / "a.mp4", "pcm_s16le", [Sound(mono(noise(5 * SAMPLE_RATE_HZ)), start_s=20)], True)
    assert len(next(iter(heard(path).values()))) / SAMPLE_RATE_HZ == pytest.approx(25, abs=0.1)


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        (({}, {}), ("track-1", "track-2")),
        (({"title": "Ada"}, {"title": "Ada"}), ("Ada", "Ada-2")),
        (({"language": "ger"}, {"title": " "}), ("track-1", "track-2")),  # a language is not a person
        (({"title": "track-2"}, {}), ("track-2", "track-2-2")),
    ],
)
def test_every_participant_has_a_name_of_its_own(
    tmp_path: Path, metadata: tuple[dict[str, str], ...], names: tuple[str, ...]
) -> None:
    sounds = [Sound(mono(tone(440, 0.2)), metadata=own) for own in metadata]
    with open_tracks(record(tmp_path / "a.mkv", "flac", sounds)) as recording:
        assert recording.participants == names


@given(st.lists(st.sampled_from(["a", "a-2", "a-left", "a-left-2", "b"]), max_size=12))
def test_names_are_made_unique_and_otherwise_kept(names: list[str]) -> None:
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    assert all(new.startswith(name) for new, name in zip(unique, names, strict=True))
    assert [new for new in unique if new in names][:1] == names[:1]


def test_a_channel_and_a_track_never_share_a_name(tmp_path: Path) -> None:
    stereo = Sound(np.zeros((1_600, 2), np.float32), metadata={"title": "Ada"})
    other = Sound(np.zeros((1_600, 1), np.float32), metadata={"title": "Ada-left"})
    with open_tracks(record(tmp_path / "a.mkv", "flac", [stereo, other]), split_channels=True) as recording:
        assert recording.participants == ("Ada-left", "Ada-right", "Ada-left-2")


def test_channels_become_participants(tmp_path: Path) -> None:
    stereo = np.stack([tone(440, 1), np.zeros(SAMPLE_RATE_HZ, np.float32)], 1)
    path = record(tmp_path / "a.wav", "pcm_s16le", [Sound(stereo)])
    tracks = heard(path, split=True)
    assert list(tracks) == ["track-1-left", "track-1-right"]
    assert level_db(tracks["track-1-left"]) == pytest.approx(-6, abs=0.1)
    assert not tracks["track-1-right"].any()
    # Mixed, the one voice is at half its level, because the other channel is silent.
    assert level_db(heard(path)["track-1"]) == pytest.approx(-12, abs=0.1)


def test_more_channels_are_numbered_and_one_channel_is_the_track(tmp_path: Path) -> None:
    levels = np.array([0.6, 0.5, 0.4, 0.3, 0.2, 0.1], np.float32)
    six = record(tmp_path / "six.wav", "pcm_s16le", [Sound(tone(300, 1, 48_000, 1)[:, None] * levels, 48_000)])
    tracks = heard(six, split=True)
    assert list(tracks) == [f"track-1-channel-{number}" for number in range(1, 7)]
    assert [float(np.abs(track).max()) for track in tracks.values()] == pytest.approx(levels.tolist(), abs=0.02)
    one = record(tmp_path / "one.wav", "pcm_s16le", [Sound(mono(tone(300, 0.1)))])
    assert list(heard(one, split=True)) == ["track-1"]


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mka", "flac")])
def test_a_file_that_was_cut_off_is_heard_up_to_there(tmp_path: Path, name: str, codec: str) -> None:
    original = noise(10 * SAMPLE_RATE_HZ)
    path = record(tmp_path / name, codec, [Sound(mono(original))])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    pieces, error = until_error(path)
    track = joined(pieces, ("track-1",))["track-1"]
    assert len(track) / SAMPLE_RATE_HZ == pytest.approx(5, abs=0.5)
    assert np.abs(track - original[: len(track)]).max() < 1e-3
    assert str(path) in str(error)
    with pytest.raises(AudioError, match=r"cut off|damaged|cannot be read"):
        read_mono(path)


def test_damage_in_the_middle_is_a_gap_that_shifts_nothing(tmp_path: Path) -> None:
    original = np.convolve(noise(10 * SAMPLE_RATE_HZ), np.ones(4) / 4, "same").astype(np.float32)
    path = record(tmp_path / "a.m4a", "aac", [Sound(mono(original))])
    (whole,) = heard(path).values()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(255 - byte for byte in data[middle : middle + 600])
    path.write_bytes(data)
    pieces, error = until_error(path)
    track = joined(pieces, ("track-1",))["track-1"]
    assert "damaged" in str(error)
    assert len(track) == len(whole)
    late = slice(7 * SAMPLE_RATE_HZ, None)
    assert np.array_equal(track[late], whole[late])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("split", [False, True])
def test_a_sample_that_is_no_number_is_left_out_and_the_rest_is_heard(
    tmp_path: Path, value: float, split: bool
) -> None:
    samples = np.stack([tone(440, 3), tone(550, 3)], 1)
    bad = samples.copy()
    bad[SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + 160, 0] = value
    path = record(tmp_path / "a.wav", "pcm_f32le", [Sound(bad)])
    pieces, error = until_error(path, split)
    tracks = joined(pieces, tuple(dict.fromkeys(piece.participant for piece in pieces)))
    samples[SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + 160] = 0
    expected = samples.T if split else [samples.mean(axis=1)]
    for track, original in zip(tracks.values(), expected, strict=True):
        np.testing.assert_allclose(track, original, atol=1e-6)
    assert str(path) in str(error)
    assert "'track-1' that are not finite numbers" in str(error)
    assert "1.000 to 1.010 s" in str(error)


def test_stretches_without_numbers_are_named_once_each(tmp_path: Path) -> None:
    samples = tone(440, 20)
    for second in range(1, 20, 3):
        samples[second * SAMPLE_RATE_HZ : second * SAMPLE_RATE_HZ + 8_000 : 800] = np.nan
    _, error = until_error(record(tmp_path / "a.mka", "pcm_f32le", [Sound(mono(samples))]))
    assert "1.000 to 1.450 s, 4.000 to 4.450 s, 7.000 to 7.450 s and 4 more stretches" in str(error)


def test_what_is_no_recording_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(50_000))
    (tmp_path / "text.wav").write_text("dear diary")
    record(tmp_path / "silent.mp4", "aac", [], video=True)
    reasons = {
        "long" * 100: "cannot be read",
        ".": "directory",
        "missing.wav": "does not exist",
        "empty.wav": "is empty",
        "noise.mp3": "cannot be read|damaged",
        "text.wav": "cannot be read",
        "silent.mp4": "no audio track",
    }
    for name, reason in reasons.items():
        with pytest.raises(AudioError, match=reason) as failure:
            read_mono(tmp_path / name)
        assert str(tmp_path / name) in str(failure.value)


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", "not compressed"))
    with pytest.raises(AudioError, match="holds no samples"):
        read_mono(path)


def test_names_and_tags_of_any_kind_do_not_matter(tmp_path: Path) -> None:
    path = record(tmp_path / "http:a%03d é.wav", "pcm_s16le", [Sound(mono(tone(440, 0.5)))])
    data = bytearray(path.read_bytes())
    tag = b"LIST" + (14).to_bytes(4, "little") + b"INFOINAM" + (2).to_bytes(4, "little") + b"\xe9\xff"
    data[4:8] = (int.from_bytes(data[4:8], "little") + len(tag)).to_bytes(4, "little")
    path.write_bytes(bytes(data[:12]) + tag + bytes(data[12:]))
    assert len(read_mono(path)) == 0.5 * SAMPLE_RATE_HZ


WOBBLES: dict[str, Callable[[float], float]] = {
    "jitter of 10 ms": lambda time_s: time_s + 0.01 * np.sin(1e6 * time_s),
    "a timer of 15.6 ms": lambda time_s: time_s // 0.015625 / 64,
    "four frames at once": lambda time_s: time_s - 0.9 * (time_s % 0.08),
}
"""How recorders that write the time of day stamp sound without a gap."""


@pytest.mark.parametrize("wobble", WOBBLES)
@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "pcm_s16le"), ("a.mov", "pcm_s16le"), ("a.mkv", "flac")])
def test_timestamps_that_wobble_do_not_chop_the_sound(tmp_path: Path, name: str, codec: str, wobble: str) -> None:
    samples = noise(20 * 48_000)
    sound = Sound(mono(samples), 48_000, frame_s=1024 / 48_000, stamp=WOBBLES[wobble])
    with open_tracks(record(tmp_path / name, codec, [sound])) as recording:
        pieces = [piece.chunk for piece in recording]
    joints = [later.at - earlier.end for earlier, later in pairwise(pieces)]
    assert np.count_nonzero(joints) <= 2
    assert sum(len(piece.samples) for piece in pieces) / SAMPLE_RATE_HZ == pytest.approx(20, abs=0.05)


def test_a_gap_in_timestamps_that_wobble_stays_a_gap(tmp_path: Path) -> None:
    stamp = WOBBLES["four frames at once"]
    sound = Sound(mono(noise(10 * 48_000)), 48_000, frame_s=0.02, stamp=lambda s: stamp(s) if s < 5 else stamp(s) + 3)
    (track,) = heard(record(tmp_path / "a.mkv", "pcm_s16le", [sound])).values()
    silent = np.flatnonzero(np.abs(track) > 0)
    begin, length = silent[np.argmax(np.diff(silent))], np.diff(silent).max()
    assert begin / SAMPLE_RATE_HZ == pytest.approx(5, abs=0.05)
    assert length / SAMPLE_RATE_HZ == pytest.approx(3, abs=0.085)


@pytest.mark.parametrize(("name", "codec"), [("a.aac", "aac"), ("a.mp3", "libmp3lame"), ("a.ac3", "ac3")])
@pytest.mark.parametrize("rates_hz", [(48_000, 44_100), (32_000, 48_000)])
def test_a_rate_that_changes_moves_nothing(tmp_path: Path, name: str, codec: str, rates_hz: tuple[int, int]) -> None:
    """Players and recorders that only append: there are no timestamps that could tell."""
    data = b""
    for rate_hz in rates_hz:
        burst = np.concatenate([np.zeros(9 * rate_hz, np.float32), tone(440, 1, rate_hz)])
        data += record(tmp_path / name, codec, [Sound(mono(burst), rate_hz)]).read_bytes()
    path = tmp_path / f"joined-{name}"
    path.write_bytes(data)
    pieces: list[ParticipantChunk] = []
    with open_tracks(path) as recording, suppress(AudioError):  # the first MP3 frame of the second part needs others
        pieces.extend(recording)
    track = joined(pieces, ("track-1",))["track-1"]
    loud = np.flatnonzero(np.abs(track) > 0.2) / SAMPLE_RATE_HZ
    begins = [loud[0], loud[np.argmax(np.diff(loud)) + 1]]
    assert begins == pytest.approx([9, 19], abs=0.2)


@pytest.mark.parametrize(("magic", "silent"), [(b"#!AMR\n", (8, 15)), (b"#!AMR-WB\n", (9, 14, 15))])
def test_pauses_in_amr_are_silence_and_not_damage(tmp_path: Path, magic: bytes, silent: tuple[int, ...]) -> None:
    """A frame is its type and, for speech, that type's number of bytes (RFC 4867, 5.3)."""
    spoken = bytes([0 << 3 | 4]) + bytes(12 if magic == b"#!AMR\n" else 17)
    noise_frame = bytes([silent[0] << 3 | 4]) + bytes(5)
    nothing = b"".join(bytes([kind << 3 | 4]) for kind in silent[1:])
    frames = 50 * spoken + (noise_frame + nothing) * (200 // len(silent)) + 50 * spoken
    path = tmp_path / "a.amr"
    path.write_bytes(magic + frames)
    with open_tracks(path) as recording:
        pieces = [piece.chunk for piece in recording]
        end_s = recording.position_s
    count = 100 + 200 // len(silent) * len(silent)
    assert end_s == pytest.approx(count * 0.02, abs=0.001)
    assert pieces[-1].end / SAMPLE_RATE_HZ == pytest.approx(count * 0.02, abs=0.02)
    assert sum(len(piece.samples) for piece in pieces) / SAMPLE_RATE_HZ == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.aiff", "pcm_s16be"), ("a.w64", "pcm_s16le"), ("a.caf", "pcm_s16be"), ("a.m4a", "aac"), ("a.mov", "pcm_s16le")],
)
def test_a_second_recording_in_a_file_is_told_where_it_cannot_be_heard(tmp_path: Path, name: str, codec: str) -> None:
    path = record(tmp_path / name, codec, [Sound(mono(noise(2 * SAMPLE_RATE_HZ)))])
    assert len(read_mono(path)) >= 2 * SAMPLE_RATE_HZ - 1_024
    path.write_bytes(2 * path.read_bytes())
    pieces, error = until_error(path)
    assert sum(len(piece.chunk.samples) for piece in pieces) >= 2 * SAMPLE_RATE_HZ - 1_024
    assert "bytes after the end that its header announces, which were not analysed: split the file" in str(error)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "reason"),
    [
        (1_000_000_000, 1, "audio at 1000000000 Hz cannot be analysed; correct its header"),
        (768_001, 1, "audio at 768001 Hz"),
        (1, 1, "audio at 1 Hz"),
        (48_000, 33, "audio with 33 channels cannot be analysed"),
        (48_000, 400, "audio with 400 channels"),
    ],
)
def test_what_a_header_announces_is_refused_before_memory_is_taken_for_it(
    tmp_path: Path, rate_hz: int, channels: int, reason: str
) -> None:
    path = tmp_path / "a.wav"
    data = bytes(12_000)
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate_hz, 2 * channels * rate_hz & 0xFFFF_FFFF, 2 * channels, 16)
    path.write_bytes(b"RIFF\x00\x2f\x00\x00WAVEfmt " + form + struct.pack("<4sI", b"data", len(data)) + data)
    with pytest.raises(AudioError, match=reason) as failure:
        read_mono(path)
    assert str(path) in str(failure.value)


def test_a_file_may_have_as_many_participants_as_a_meeting_and_no_more(tmp_path: Path) -> None:
    sounds = [Sound(mono(tone(440, 0.1)))] * 65
    path = record(tmp_path / "a.mkv", "pcm_s16le", sounds)
    with pytest.raises(AudioError, match="has 65 audio tracks; give a file with at most 64"):
        read_mono(path)
    stereo = Sound(np.zeros((1_600, 2), np.float32))
    path = record(tmp_path / "b.mkv", "pcm_s16le", [stereo] * 33)
    with (
        pytest.raises(AudioError, match="has 66 channels; give at most 64, or use --channels mix"),
        open_tracks(path, split_channels=True),
    ):
        pass


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    path = record(tmp_path / "a.flac", "flac", [Sound(mono(tone(440, 300)))])
    tracemalloc.start()
    with open_tracks(path) as recording:
        seconds = sum(len(piece.chunk.samples) for piece in recording) / SAMPLE_RATE_HZ
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds == pytest.approx(300, abs=0.1)
    assert peak_bytes < 1_000_000  # all of it would be 19 MB
