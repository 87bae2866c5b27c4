"""What is said of recordings that can be read, but give poor results: quiet, cancelling, two voices in one track."""

from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.recordings.file import open_tracks
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import noise, talk


def remarks(path: Path, split: bool = False) -> list[str]:
    with open_tracks(path, split) as recording:
        for _ in recording:
            pass
        return recording.remarks


def stereo(left: FloatArray, right: FloatArray) -> Sound:
    n = max(len(left), len(right))
    return Sound(np.stack([np.pad(side, (0, n - len(side))) for side in (left, right)], axis=1))


LEFT, RIGHT = talk(3.0, 3.0, 3.0, 3.0), np.roll(talk(3.0, 3.0, 3.0, 3.0, seed=9), 3 * SAMPLE_RATE_HZ)
HISS = noise(12 * SAMPLE_RATE_HZ, seed=5, peak=0.005)
UNREMARKABLE = {
    "one voice on both": stereo(LEFT, LEFT),
    "one voice on one": stereo(LEFT, 0 * LEFT),
    "a voice and a few coughs": stereo(LEFT, RIGHT * (np.arange(len(RIGHT)) < 4.5 * SAMPLE_RATE_HZ)),
    "a voice in a room, with two microphones": stereo(LEFT + 0.5 * RIGHT, 0.5 * LEFT + RIGHT),
    "silence": stereo(0 * LEFT, 0 * LEFT),
    "noise of a converter": Sound(noise(48_000, peak=2e-5)[:, None]),
}


@pytest.mark.parametrize("name", UNREMARKABLE)
def test_usual_recordings_get_no_remark(tmp_path: Path, name: str) -> None:
    assert remarks(record(tmp_path / "a.wav", "pcm_f32le", [UNREMARKABLE[name]])) == []


@pytest.mark.parametrize("leak", [0.0, 0.2])
def test_a_telephone_call_gets_the_advice_to_split_its_channels(tmp_path: Path, leak: float) -> None:
    call = stereo(LEFT + leak * RIGHT + HISS, RIGHT + leak * LEFT + HISS)
    path = record(tmp_path / "a.flac", "flac", [call])
    [remark] = remarks(path)
    assert "has different voices on the two channels of 'track-1', mixed into one participant" in remark
    assert "--channels split" in remark
    assert remarks(path, split=True) == []


def test_channels_that_cancel_each_other_are_named(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wav", "pcm_s16le", [stereo(LEFT, -LEFT)])
    [remark] = remarks(path)
    assert "cancel each other when mixed (opposite polarity), so only the louder one was heard" in remark
    assert remarks(path, split=True) == []


def test_a_very_quiet_track_is_named_with_its_level_and_the_remedy(tmp_path: Path) -> None:
    sounds = [Sound(LEFT[:, None], metadata={"title": "Ann"}), Sound(1e-3 * LEFT[:, None], metadata={"title": "Bob"})]
    [remark] = remarks(record(tmp_path / "a.mka", "pcm_f32le", sounds))
    assert "is very quiet in 'Bob' (-71 dBFS at its loudest)" in remark
    assert "ffmpeg -i FILE -af volume=51dB LOUDER.wav" in remark


def test_samples_on_the_scale_of_sixteen_bits_are_named(tmp_path: Path) -> None:
    [remark] = remarks(record(tmp_path / "a.wav", "pcm_f32le", [Sound(20_000 * LEFT[:, None])]))
    assert "has float samples up to 10000 in 'track-1', where 1 is full scale" in remark


def test_languages_are_not_people(tmp_path: Path) -> None:
    sounds = [Sound(LEFT[:, None], metadata={"language": language}) for language in ("eng", "ger")]
    path = record(tmp_path / "a.mka", "pcm_s16le", sounds)
    [remark] = remarks(path)
    assert remark.startswith("has tracks in several languages (eng, ger)")
    with open_tracks(path) as recording:
        assert recording.participants == ("track-1", "track-2")
