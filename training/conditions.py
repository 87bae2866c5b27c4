"""What a call does to a voice: each effect by itself for the tables, and random chains of them for training."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt
from webrtc_noise_gain import AudioProcessor

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from training.opus import through_opus

_TEN_MS: Final = SAMPLE_RATE_HZ // 100
_RATES_BPS: Final = (6_000, 8_000, 12_000, 16_000, 24_000, 32_000, 64_000)


def _as_float(samples: np.typing.NDArray[np.floating]) -> FloatArray:
    return np.ascontiguousarray(samples, np.float32)


def with_noise(samples: FloatArray, noise: FloatArray, snr_db: float) -> FloatArray:
    """Add `noise`, repeated or cut to length, so far below the mean power of the samples."""
    noise = np.resize(noise, samples.size)
    power = float(np.mean(samples**2)), float(np.mean(noise**2)) + 1e-12
    return _as_float(samples + noise * np.sqrt(power[0] / power[1] / 10 ** (snr_db / 10)))


def coloured_noise(n: int, rng: np.random.Generator, slope: float) -> FloatArray:
    """[n] of noise whose power falls with frequency to this power: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.maximum(np.arange(spectrum.size), 1.0) ** (slope / 2)
    shaped = np.fft.irfft(spectrum, n)
    return _as_float(shaped / (np.std(shaped) + 1e-9))


def in_room(samples: FloatArray, rng: np.random.Generator, rt60_s: float, direct_db: float) -> FloatArray:
    """Exponentially decaying noise as the room's answer; the direct sound lies `direct_db` above its energy."""
    n = int(rt60_s * SAMPLE_RATE_HZ)
    tail = rng.standard_normal(n) * 10 ** (-3.0 * np.arange(n) / n)
    tail *= np.sqrt(10 ** (-direct_db / 10) / np.sum(tail**2))
    tail[0] += 1.0
    return _as_float(fftconvolve(samples, tail)[: samples.size])


def clipped(samples: FloatArray, share: float) -> FloatArray:
    """Everything above this quantile of the magnitudes is cut off, as by too much gain."""
    limit = float(np.quantile(np.abs(samples), 1.0 - share)) + 1e-6
    return np.clip(samples, -limit, limit)


def band(samples: FloatArray, low_hz: float, high_hz: float) -> FloatArray:
    """Only what lies between the two frequencies."""
    return _as_float(sosfilt(butter(4, (low_hz, high_hz), "bandpass", fs=SAMPLE_RATE_HZ, output="sos"), samples))


def tilted(samples: FloatArray, db_per_octave: float) -> FloatArray:
    """Another microphone: a straight line over log frequency, level at 1 kHz unchanged."""
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE_HZ), 50.0) / 1000.0)
    return _as_float(np.fft.irfft(spectrum * 10 ** (db_per_octave * octaves / 20), samples.size))


def equalised(samples: FloatArray, rng: np.random.Generator, limit_db: float) -> FloatArray:
    """A microphone with peaks and dips: a smooth curve over log frequency through points within ±limit_db."""
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE_HZ), 50.0) / 50.0)
    points = rng.uniform(-limit_db, limit_db, int(rng.integers(4, 9)))
    curve_db = np.interp(octaves, np.linspace(0.0, octaves[-1], points.size), points)
    return _as_float(np.fft.irfft(spectrum * 10 ** (curve_db / 20), samples.size))


def rounded(samples: FloatArray, gain_db: float) -> FloatArray:
    """Gain before a 16-bit converter: soft voices lose bits, loud ones are cut."""
    scaled = np.round(samples * 10 ** (gain_db / 20) * 32767)
    return _as_float(np.clip(scaled, -32768, 32767) / 32768)


def suppressed(samples: FloatArray, strength: int) -> FloatArray:
    """WebRTC's noise suppression as browsers run it (library webrtc-noise-gain), strength 1 to 4."""
    processor = AudioProcessor(0, strength)
    pcm = (np.clip(np.pad(samples, (0, -samples.size % _TEN_MS)), -1, 1) * 32767).astype(np.int16)
    out = b"".join(processor.Process10ms(piece.tobytes()).audio for piece in pcm.reshape(-1, _TEN_MS))
    return _as_float(np.frombuffer(out, np.int16)[: samples.size].astype(np.float32) / 32768)


def faster(samples: FloatArray, factor: float) -> FloatArray:
    """Speed and pitch by this factor, as a tape does: a voice of another size."""
    return _as_float(resample_poly(samples, 100, round(100 * factor)))


def random_chain(samples: FloatArray, rng: np.random.Generator, background: Callable[[], FloatArray]) -> FloatArray:
    """One random call: voice, room, noise, microphone, suppression, codec, in the order of the real thing.

    background: draws a recording of noise; called at most once.
    """

    def noise(x: FloatArray) -> FloatArray:
        drawn = background() if rng.random() < 0.6 else coloured_noise(x.size, rng, rng.uniform(0, 2))
        return with_noise(x, drawn, rng.uniform(0, 30))

    def codec(x: FloatArray) -> FloatArray:
        loss = rng.uniform(0, 0.12) if rng.random() < 0.5 else 0.0
        return through_opus(x, int(rng.choice(_RATES_BPS)), loss, seed=int(rng.integers(2**31)))

    effects: tuple[tuple[float, Callable[[FloatArray], FloatArray]], ...] = (
        (0.4, lambda x: faster(x, rng.uniform(0.93, 1.07))),
        (0.3, lambda x: in_room(x, rng, rng.uniform(0.1, 0.8), rng.uniform(-3, 12))),
        (0.55, noise),
        (0.5, lambda x: equalised(x, rng, rng.uniform(3, 12))),
        (0.15, lambda x: clipped(x, rng.uniform(0.005, 0.05))),
        (0.25, lambda x: band(x, rng.uniform(60, 300), rng.uniform(3200, 3600))),
        (0.4, lambda x: suppressed(x, int(rng.choice(4, p=(0.15, 0.2, 0.25, 0.4))) + 1)),
        (0.45, codec),
    )
    for share, effect in effects:
        if rng.random() < share:
            samples = effect(samples)
    return samples
