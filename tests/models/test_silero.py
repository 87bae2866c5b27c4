"""The real voice detector: what the engine relies on, on real speech."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.errors import InferenceError, ModelError
from ser_track.models.onnx_session import open_session
from ser_track.models.silero import SileroVad
from tests.helpers.signals import noise, tone
from training.corpora import CORPORA, read_audio, read_clips


@pytest.fixture(scope="module")
def silero() -> SileroVad:
    return SileroVad()


def windows_of(samples: FloatArray) -> FloatArray:
    return samples[: len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)


def probabilities(silero: SileroVad, samples: FloatArray) -> FloatArray:
    """One after the other, alone."""
    state = silero.new_state()
    return np.concatenate([silero.detect(window[None], [state]) for window in windows_of(samples)])


def test_speech_is_detected_in_a_spoken_sentence_and_silence_is_not(silero: SileroVad, spoken: FloatArray) -> None:
    heard = probabilities(silero, spoken) >= 0.5
    assert heard.sum() * WINDOW_SAMPLES / 16_000 > 0.5
    assert (probabilities(silero, np.zeros(32_000, np.float32)) < 0.1).all()


@pytest.mark.parametrize("kind", ["tone", "noise"])
def test_neither_a_tone_nor_noise_is_speech(silero: SileroVad, kind: str) -> None:
    samples = tone(440, 2) if kind == "tone" else noise(32_000, peak=0.1)
    assert (probabilities(silero, samples) >= 0.5).mean() < 0.05


def test_a_batch_gives_each_stream_what_it_gets_alone(silero: SileroVad, spoken: FloatArray) -> None:
    longest = windows_of(spoken[: 16_000 * 4])
    variants = [longest, longest[::-1], longest * np.float32(0.1), windows_of(noise(longest.size, peak=0.05))]
    states = [silero.new_state() for _ in variants]
    together = np.stack([silero.detect(np.stack(step), states) for step in zip(*variants, strict=True)], axis=1)
    for variant, batched in zip(variants, together, strict=True):
        np.testing.assert_allclose(batched, probabilities(silero, variant.ravel()), rtol=0, atol=1e-5)


def test_memory_fades_of_the_stream_that_was_left_out_alone(silero: SileroVad, spoken: FloatArray) -> None:
    windows = windows_of(spoken[: 16_000 * 4])
    states = [silero.new_state() for _ in range(3)]
    for window in windows[:60]:
        silero.detect(np.stack([window] * 3), states)
    silero.fade(states[1])
    kept, faded, other = (silero.detect_run(windows[60:], state) for state in states)
    assert np.array_equal(kept, other)
    assert np.abs(faded - kept).max() > 0.001
    assert np.mean((faded >= 0.5) == (kept >= 0.5)) > 0.95


def in_runs(silero: SileroVad, samples: FloatArray, lengths: Sequence[int]) -> FloatArray:
    """In runs of these numbers of windows, over and over."""
    state, windows, heard, at = silero.new_state(), windows_of(samples), list[FloatArray](), 0
    while at < len(windows):
        run = windows[at : at + lengths[len(heard) % len(lengths)]]
        heard.append(silero.detect_run(run, state))
        at += len(run)
    return np.concatenate(heard)


@pytest.mark.parametrize("lengths", [[1], [2, 31], [256], [10_000]])
def test_a_run_gives_each_window_what_it_gets_alone(silero: SileroVad, spoken: FloatArray, lengths: list[int]) -> None:
    np.testing.assert_allclose(in_runs(silero, spoken, lengths), probabilities(silero, spoken), rtol=0, atol=1e-5)


@pytest.mark.shared
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs the corpora beside the repository (../shared/corpora)")
def test_runs_remember_minutes_of_speech_of_many_people_as_it_was(silero: SileroVad) -> None:
    clips = [clip for corpus in ("cremad", "ravdess", "javanese") for clip in read_clips(corpus)[::100]]
    samples = np.concatenate([read_audio(clip) for clip in clips])
    assert len(samples) > 120 * 16_000
    np.testing.assert_allclose(in_runs(silero, samples, [256, 31]), probabilities(silero, samples), rtol=0, atol=1e-5)


def test_a_stream_may_be_heard_in_runs_and_in_company_by_turns(silero: SileroVad, spoken: FloatArray) -> None:
    windows, heard = windows_of(spoken[: 16_000 * 4]), list[FloatArray]()
    own, other = silero.new_state(), silero.new_state()
    for at in range(0, 120, 20):
        heard.append(silero.detect_run(windows[at : at + 15], own))
        heard += [silero.detect(windows[[k, 0]], [own, other])[:1] for k in range(at + 15, at + 20)]
    expected = probabilities(silero, windows[:120].ravel())
    np.testing.assert_allclose(np.concatenate(heard), expected, rtol=0, atol=1e-5)


def test_streams_may_pause_and_change_places_in_the_batch(silero: SileroVad, spoken: FloatArray) -> None:
    windows = windows_of(spoken[: 16_000 * 2])
    first, second, of_first, of_second = silero.new_state(), silero.new_state(), list[float](), list[float]()
    for index, window in enumerate(windows):
        if index % 3 == 2:  # the second stream has a window only every third time
            late = windows[len(of_second)]
            b, a = silero.detect(np.stack([late, window]), [second, first])
            of_second.append(float(b))
        else:
            (a,) = silero.detect(window[None], [first])
        of_first.append(float(a))
    alone = probabilities(silero, windows.ravel())
    np.testing.assert_allclose(of_first, alone, rtol=0, atol=1e-5)
    np.testing.assert_allclose(of_second, alone[: len(of_second)], rtol=0, atol=1e-5)


def packaged_probabilities(samples: FloatArray) -> FloatArray:
    """What the file in the silero-vad package says, called as its documentation has it."""
    spec = find_spec("silero_vad")
    assert spec is not None
    assert spec.origin is not None
    session = open_session(Path(spec.origin).parent / "data" / "silero_vad.onnx")
    state, context = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32)
    found = []
    for window in windows_of(samples):
        heard = np.concatenate([context, window])[None]
        output, state = session.run(None, {"input": heard, "state": state, "sr": np.array(16_000, np.int64)})
        found.append(output[0])
        context = window[-64:]
    return np.concatenate(found)


@pytest.mark.parametrize("kind", ["speech", "loud speech", "noise", "silence"])
def test_the_matrix_form_says_what_the_packages_own_model_says(
    silero: SileroVad, spoken: FloatArray, kind: str
) -> None:
    samples = {
        "speech": spoken,
        "loud speech": np.clip(spoken * np.float32(20), -1, 1),
        "noise": noise(160_000, peak=0.3),
        "silence": np.zeros(16_000, np.float32),
    }[kind]
    np.testing.assert_allclose(probabilities(silero, samples), packaged_probabilities(samples), rtol=0, atol=1e-4)


def test_streams_come_and_go_without_hearing_each_other(silero: SileroVad, spoken: FloatArray) -> None:
    windows = windows_of(spoken[:16_000])
    alone = probabilities(silero, windows.ravel())
    for n in (3, 40, 7, 90):  # more than there were places, and again on places that others had
        states = [silero.new_state() for _ in range(n)]
        for window, expected in zip(windows, alone, strict=True):
            heard = silero.detect(np.tile(window, (n, 1)), states)
            np.testing.assert_allclose(heard, np.full(n, expected), rtol=0, atol=1e-5)
        del states


def test_threads_share_one_detector(silero: SileroVad, spoken: FloatArray) -> None:
    variants = [spoken[: 16_000 * 3] * np.float32(gain) for gain in (1.0, 0.3, 0.1, 0.03)] * 8
    expected = [probabilities(silero, variant) for variant in variants]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda variant: probabilities(silero, variant), variants))
    np.testing.assert_allclose(together, expected, rtol=0, atol=1e-5)


def test_a_new_state_remembers_nothing(silero: SileroVad) -> None:
    samples = noise(16_000)
    np.testing.assert_array_equal(probabilities(silero, samples), probabilities(silero, samples))


def test_windows_that_do_not_fit_are_an_inference_error(silero: SileroVad) -> None:
    doubles = cast("FloatArray", np.zeros((1, WINDOW_SAMPLES)))
    for windows in (doubles, np.zeros((1, 1), np.float32), np.zeros(WINDOW_SAMPLES, np.float32)):
        with pytest.raises(InferenceError, match=r"failed on \d+ windows: they are float.* not float32 \[n, 512\]"):
            silero.detect(windows, [silero.new_state()])
        with pytest.raises(InferenceError, match=r"failed on \d+ windows"):
            silero.detect_run(windows, silero.new_state())


def test_a_missing_or_broken_file_is_a_model_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx does not exist"):
        SileroVad(tmp_path / "absent.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"broken\.onnx is not a usable ONNX model"):
        SileroVad(tmp_path / "broken.onnx")


def test_neither_torch_nor_the_package_around_the_model_is_imported() -> None:
    program = "import sys; from ser_track.models.silero import SileroVad; SileroVad(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "onnxruntime" in modules
    assert not modules & {"torch", "torchaudio", "silero_vad"}


def test_runs_of_several_streams_are_what_single_calls_give() -> None:
    heard = np.random.default_rng(5).normal(0, 0.1, (12, 7, WINDOW_SAMPLES)).astype(np.float32)
    detector = SileroVad()
    together, singly = ([detector.new_state() for _ in range(7)] for _ in range(2))
    runs = np.concatenate([detector.detect_runs(heard[at : at + 4], together) for at in (0, 4, 8)])
    single = np.stack([detector.detect(each, singly) for each in heard])
    np.testing.assert_allclose(runs, single, atol=1e-5)
