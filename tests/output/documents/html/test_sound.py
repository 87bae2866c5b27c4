"""Waveforms and the sound in a page: what they hold, and how little memory and room they take."""

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.output.documents.html import webm_audio
from ser_track.output.documents.html.peaks import Peaks
from ser_track.output.documents.html.sound import SoundRecorder
from ser_track.output.documents.html.webm_audio import MAX_BYTES, MAX_S, Mix, bit_rate_bps, encode_webm


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 3000)), max_size=6),
    st.integers(2, 40),
    st.integers(0, 2**32 - 1),
)
def test_peaks_are_those_of_the_whole_sound_however_it_comes(
    pieces: list[tuple[int, int]], points: int, seed: int
) -> None:
    whole = np.zeros(25_000, np.float32)
    peaks, noise = Peaks(points), np.random.default_rng(seed)
    for at, count in pieces:
        samples = noise.uniform(-1, 1, count).astype(np.float32)
        peaks.add(at, samples)
        whole[at : at + count] = np.maximum(whole[at : at + count], np.abs(samples))
    assert len(peaks.values) <= points
    expected = [whole[k * peaks.bucket_samples :][: peaks.bucket_samples].max() for k in range(len(peaks.values))]
    assert peaks.values.tolist() == expected
    assert not whole[len(peaks.values) * peaks.bucket_samples :].any()


def test_voices_are_summed_and_made_quieter_only_where_they_would_clip() -> None:
    with Mix() as mix:
        mix.add(8000, np.full(8000, 0.5, np.float32))
        mix.add(0, np.full(12_000, 0.25, np.float32))
        (block,) = mix.blocks()
        assert [block[0], block[9000], block[15_000]] == [0.25, 0.75, 0.5]
        mix.add(0, np.full(16_000, 0.75, np.float32))
        (block,) = mix.blocks()
        assert block.max() == pytest.approx(0.98)
        assert block[0] / block[9000] == pytest.approx(1.0 / 1.5)


def decoded(webm: bytes) -> FloatArray:
    with av.open(io.BytesIO(webm), "r") as container:
        (stream,) = container.streams.audio
        assert (stream.codec_context.name, stream.codec_context.channels) == ("opus", 1)
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)])


def loudness(samples: FloatArray) -> FloatArray:
    """RMS of each tenth of a second."""
    tenth = SAMPLE_RATE_HZ // 10
    return np.sqrt(np.mean(samples[: len(samples) // tenth * tenth].reshape(-1, tenth) ** 2, axis=1, dtype=np.float32))


def test_a_page_plays_the_recording_in_its_own_time(spoken: FloatArray) -> None:
    at = 3 * SAMPLE_RATE_HZ
    recorder = SoundRecorder(["Ada", "Bob"], keep=True)
    recorder.add("Ada", at, spoken)
    recorder.add("Bob", 0, np.zeros(100, np.float32))
    sound = recorder.finish()
    recorder.close()
    assert sound.webm is not None
    assert sound.duration_s == (at + len(spoken)) / SAMPLE_RATE_HZ
    assert len(sound.webm) < 1.2 * sound.duration_s * webm_audio.BEST_BPS / 8
    played = decoded(sound.webm)[::3]  # Opus decodes at 48 kHz
    assert len(played) / SAMPLE_RATE_HZ == pytest.approx(sound.duration_s, abs=0.1)
    assert np.abs(played[: at - 800]).max() < 0.01
    # Where the recording is loud the page is, too: both have the same time.
    loud = [loudness(each) for each in (played[at:], spoken)]
    shortest = min(map(len, loud))
    assert np.corrcoef(loud[0][:shortest], loud[1][:shortest])[0, 1] > 0.95
    silent = int(at / SAMPLE_RATE_HZ / sound.bucket_s)
    assert sound.peaks["Ada"][:silent].max() == 0
    assert sound.peaks["Ada"].max() == np.abs(spoken).max()
    assert not sound.peaks["Bob"].any()


def test_no_sound_is_kept_unless_asked_for(spoken: FloatArray) -> None:
    recorder = SoundRecorder(["Ada"], keep=False)
    recorder.add("Ada", 0, spoken)
    sound = recorder.finish()
    assert (sound.webm, sound.too_long) == (None, False)
    assert sound.peaks["Ada"].any()


def test_the_longer_the_recording_the_lower_the_rate_until_it_is_left_out() -> None:
    assert bit_rate_bps(60) == 24_000
    assert bit_rate_bps(2 * 3600) * 2 * 3600 / 8 <= MAX_BYTES
    assert bit_rate_bps(MAX_S) == 8_000
    recorder = SoundRecorder(["Ada"], keep=True)
    recorder.add("Ada", 0, np.ones(16_000, np.float32))
    recorder.add("Ada", int(MAX_S * SAMPLE_RATE_HZ), np.ones(16_000, np.float32))
    sound = recorder.finish()
    assert (sound.webm, sound.too_long) == (None, True)
    assert len(sound.peaks["Ada"]) <= 8192


def test_silence_is_no_obstacle() -> None:
    played = decoded(encode_webm([np.zeros(16_000, np.float32)], 24_000))
    assert len(played) == 48_000
    assert np.abs(played).max() < 0.001
