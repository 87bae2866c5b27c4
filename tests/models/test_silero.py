"""The real voice detector: what the engine relies on, on real speech."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser_track.errors import InferenceError, ModelError
from ser_track.models.silero import SileroVad
from ser_track.types import WINDOW_SAMPLES, FloatArray
from tests.signals import noise, tone


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


def test_a_new_state_remembers_nothing(silero: SileroVad) -> None:
    samples = noise(16_000)
    np.testing.assert_array_equal(probabilities(silero, samples), probabilities(silero, samples))


def test_windows_that_do_not_fit_are_an_inference_error(silero: SileroVad) -> None:
    with pytest.raises(InferenceError, match="failed on 1 window"):
        silero.detect(np.zeros((1, WINDOW_SAMPLES), np.float64), [silero.new_state()])


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
