import numpy as np
import pytest
from numpy.typing import NDArray

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.errors import AudioError
from ser_track.models.log_mel import DYNAMIC_RANGE_DB, N_MELS, log_mel

FLOOR = 1.25 - DYNAMIC_RANGE_DB / 40
RNG = np.random.default_rng(7)


def noise(n: int, level: float = 0.1) -> FloatArray:
    return (level * RNG.normal(size=n)).astype(np.float32)


def tone(hz: float, seconds: float = 1.0) -> FloatArray:
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ).astype(np.float32)


def reference(samples: FloatArray) -> NDArray[np.float64]:
    """The definition read aloud: a slow DFT frame by frame and band by band, in double precision."""
    x = np.pad(samples.astype(np.float64), 200, mode="reflect")
    k, n = np.arange(201), np.arange(400)
    dft = np.exp(-2j * np.pi * np.outer(k, n) / 400)
    hann = np.sin(np.pi * n / 400) ** 2

    def hertz(mel: float) -> float:
        return float(mel * 200 / 3) if mel < 15 else float(1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    edges = [hertz(mel) for mel in np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), N_MELS + 2)]
    n_frames = len(samples) // 160 // 2 * 2
    bands = np.zeros((N_MELS, n_frames))
    for t in range(n_frames):
        power = np.abs(dft @ (x[160 * t : 160 * t + 400] * hann)) ** 2
        for band in range(N_MELS):
            low, mid, high = edges[band : band + 3]
            triangle = np.interp(40.0 * k, [low, mid, high], [0, 1, 0], left=0, right=0)
            bands[band, t] = power @ triangle * 2 / (high - low)
    level = np.log10(np.maximum(bands, 1e-30)) / 4
    return np.asarray(np.maximum(level - level.max() + 1.25, FLOOR))


@pytest.mark.parametrize(
    ("n", "frames"), [(1, 2), (160, 2), (479, 2), (480, 2), (640, 4), (799, 4), (48_000, 300), (48_161, 300)]
)
def test_an_even_number_of_frames_of_10_ms(n: int, frames: int) -> None:
    spectrum = log_mel(noise(n))
    assert spectrum.shape == (N_MELS, frames)
    assert spectrum.dtype == np.float32


def test_agrees_with_the_definition() -> None:
    rising = np.linspace(0, 1, 8000, dtype=np.float32)
    samples = np.asarray(noise(8000) * rising + tone(440, 0.5), np.float32)
    np.testing.assert_allclose(log_mel(samples), reference(samples), atol=2e-4)


@pytest.mark.parametrize("hz", [150.0, 1000.0, 3500.0, 7000.0])
def test_a_tone_is_loudest_in_its_own_band(hz: float) -> None:
    mel = hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)
    top = 15 + 27 * np.log(8) / np.log(6.4)
    loudest = int(log_mel(tone(hz)).mean(axis=1).argmax())
    assert abs(loudest - (mel / top * (N_MELS + 1) - 1)) <= 0.5


@pytest.mark.parametrize("gain_db", [-60.0, -20.0, -6.0206, 3.3, 20.0, 60.0])
def test_blind_to_level(gain_db: float) -> None:
    samples = noise(16_000)
    louder = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    np.testing.assert_allclose(log_mel(louder), log_mel(samples), atol=1e-4)


def test_a_power_of_two_changes_no_bit() -> None:
    samples = noise(16_000)
    assert np.array_equal(log_mel(samples / np.float32(64)), log_mel(samples))


def test_the_loudest_cell_is_fixed_and_nothing_is_below_the_floor() -> None:
    spectrum = log_mel(np.concatenate([noise(8000), np.zeros(8000, np.float32)]))
    assert spectrum.max() == np.float32(1.25)
    assert spectrum.min() == np.float32(FLOOR)


@pytest.mark.parametrize("n", [1, 200, 16_000, 480_000])
def test_digital_silence_is_the_floor(n: int) -> None:
    spectrum = log_mel(np.zeros(n, np.float32))
    assert np.all(spectrum == np.float32(FLOOR))


def test_one_click_in_silence_is_finite() -> None:
    click = np.zeros(16_000, np.float32)
    click[8000] = 1e-3
    assert np.isfinite(log_mel(click)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_what_is_not_a_number(bad: float) -> None:
    samples = noise(16_000)
    samples[77] = bad
    with pytest.raises(AudioError, match="NaN or infinite"):
        log_mel(samples)


@pytest.mark.parametrize("shape", [(0,), (1, 16_000), (16_000, 2)])
def test_refuses_what_is_not_one_channel(shape: tuple[int, ...]) -> None:
    with pytest.raises(AudioError, match=r"must be \[n\] samples"):
        log_mel(np.zeros(shape, np.float32))
