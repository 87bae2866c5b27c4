"""Teaches a trained network what is no speech: `python -m training.gate NETWORK` adds a gate to the stored network.

Two logistic regressions on the pooled outputs of its blocks. The exported model mixes its answers towards "all alike"
by their product (`training.encoder`), so that a dog that barks is not angry, and two people at once are not taken
for one. The first tells voices of training speakers, through calls and cut short, from ESC-10's folds 1 to 3 and
synthesised sounds; the second tells one voice from two. The biases are set on validation speakers.
"""

import argparse
import json
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.models.log_mel import log_mel
from training.channel import Channel, levelled, overlaid
from training.conditions import band, coloured_noise, tilted
from training.episodes import MIN_FRAMES
from training.network import Network
from training.pooled import pooled_batches
from training.spectra import N_VIEWS, Spectra
from training.splits import read_splits
from training.stored import stored_or_new, weights_path

_SEED: Final = 3
_PIECES: Final = 6
"""Random pieces of each of ESC-10's stretches."""
_EACH: Final = 150
"""Synthesised sounds of each kind."""
_SPEECH: Final = 6000
_DECAY: Final = 0.003
_MISSED: Final = 0.005
"""Share of validation speech that may fall under `_SURE`."""
_SURE: Final = 3.0  # as a logit: 95 %
_MISSED_ALONE: Final = 0.02
"""The same for the regression that tells one voice from two, which is harder."""
_SURE_ALONE: Final = 1.0
_BALANCE_DB: Final = 4.0
Draw = Callable[[int, np.random.Generator], FloatArray]


def _envelope(n: int, rng: np.random.Generator) -> FloatArray:
    """[n]: steady, swelling or dying away, once or several times."""
    t = np.arange(n) / SAMPLE_RATE_HZ
    swell = np.abs(np.sin(np.pi * rng.uniform(0.2, 4.0) * t + rng.uniform(0, np.pi)))
    decay = np.exp(-rng.uniform(0.5, 8.0) * (t % rng.uniform(0.15, 2.0)))
    return np.asarray((np.ones(n), swell, decay)[int(rng.integers(3))], np.float32)


def _tones(n: int, rng: np.random.Generator) -> FloatArray:
    """Steady pitches, one to four at a time, each with a few partials; a new set every 0.1 to 2 s."""
    t, out = np.arange(n) / SAMPLE_RATE_HZ, np.zeros(n, np.float32)
    step = int(rng.uniform(0.1, 2.0) * SAMPLE_RATE_HZ)
    for first in range(0, n, step):
        part = t[: min(step, n - first)]
        for pitch_hz in rng.uniform(50, 1000, int(rng.integers(1, 5))):
            for partial in range(1, int(rng.integers(2, 8))):
                out[first : first + step] += np.sin(2 * np.pi * pitch_hz * partial * part) / partial
    return np.asarray(out * _envelope(n, rng), np.float32)


def _noise(n: int, rng: np.random.Generator) -> FloatArray:
    """Coloured noise, often of a band only, steady or swelling: wind, breath, fans."""
    noise = coloured_noise(n, rng, rng.uniform(0, 2))
    if rng.random() < 0.6:
        low_hz = rng.uniform(50, 1500)
        noise = band(noise, low_hz, min(7900.0, low_hz * rng.uniform(2, 12)))
    return np.asarray(noise * _envelope(n, rng), np.float32)


def _clicks(n: int, rng: np.random.Generator) -> FloatArray:
    """Keys and taps: short bursts over a faint floor."""
    out = 0.003 * coloured_noise(n, rng, 1.0)
    for first in rng.integers(0, max(1, n - 400), int(rng.integers(1, 12))):
        burst = coloured_noise(400, rng, rng.uniform(-1, 1)) * np.exp(-np.arange(400) / rng.uniform(20, 150))
        out[first : first + 400] += burst[: n - first]
    return np.asarray(tilted(out, rng.uniform(-3, 3)), np.float32)


def _nothing(n: int, rng: np.random.Generator) -> FloatArray:
    """Digital silence, a constant, or the last bits of a converter."""
    level = float(rng.choice([0.0, 0.0, 1e-4, 0.1]))
    return np.asarray(level + rng.choice([0.0, 3e-5]) * rng.standard_normal(n), np.float32)


_SYNTHESISED: Final[tuple[Draw, ...]] = (_tones, _noise, _clicks, _nothing)


def synthesised(rng: np.random.Generator) -> list[FloatArray]:
    """Spectra [T, 80] of sounds that no throat made."""
    drawn = [draw(int(rng.uniform(0.5, 4.0) * SAMPLE_RATE_HZ), rng) for draw in _SYNTHESISED for _ in range(_EACH)]
    return [np.asarray(log_mel(samples).T, np.float32) for samples in drawn]


def pieces(spectra: Spectra, rows: NDArray[np.int64], n: int, rng: np.random.Generator) -> list[FloatArray]:
    """n random stretches of these clips in random views, through random microphones."""
    found = []
    for row in rng.choice(rows, n):
        whole = spectra.view(int(row), int(rng.integers(1, N_VIEWS)))[:1000]
        length = len(whole) if rng.random() < 0.5 else int(rng.integers(min(MIN_FRAMES, len(whole)), len(whole) + 1))
        start = int(rng.integers(0, len(whole) - length + 1))
        heard = whole[start : start + length].astype(np.float32)
        found.append(levelled(Channel(rng)(heard, rng)) if rng.random() < 0.5 else levelled(heard))
    return found


def _sounds(spectra: Spectra, folds: str) -> NDArray[np.int64]:
    return np.array([i for i, path in enumerate(spectra.paths) if path.rsplit("/", 1)[-1].split("-")[1] in folds])


def two_at_once(spectra: Spectra, rows: NDArray[np.int64], n: int, rng: np.random.Generator) -> list[FloatArray]:
    """n stretches in which two of these speakers are heard at once, about equally loud."""
    found = list[FloatArray]()
    while len(found) < n:
        first, second = rng.choice(rows, 2)
        if spectra.speakers[first] != spectra.speakers[second]:
            one, other = (pieces(spectra, np.array([row]), 1, rng)[0] for row in (first, second))
            found.append(overlaid(one, other, rng.uniform(-_BALANCE_DB, _BALANCE_DB)))
    return found


class Logistic:
    """One of the gate's regressions: weight [features] and bias on pooled values, open for what is `kept`."""

    def __init__(self, kept: FloatArray, others: FloatArray) -> None:
        """kept, others: [n, features] each."""
        features = np.concatenate([others, kept])
        mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-4
        model = LogisticRegression(C=_DECAY, class_weight="balanced", max_iter=500)
        model.fit((features - mean) / deviation, np.arange(len(features)) >= len(others))
        self.weight = np.asarray(model.coef_[0] / deviation, np.float32)
        self.bias = 0.0

    def leave_open(self, unheard: FloatArray, missed: float, sure: float) -> None:
        """Set the bias: of speech that was not trained on [n, features], only the share `missed` falls under `sure`."""
        self.bias = sure - float(np.quantile(unheard @ self.weight, missed))

    def shut(self, features: FloatArray) -> float:
        """Share of [n, features] under one half."""
        return round(float((features @ self.weight + self.bias < 0).mean()), 4)


def gate(network: Network) -> tuple[FloatArray, FloatArray, dict[str, float]]:
    """Weights [2, features] and biases [2] for speech and for one voice only; and how often each is shut, for what."""
    rng, splits = np.random.default_rng(_SEED), read_splits()
    cremad, javanese, emogator, esc10 = (Spectra(name) for name in ("cremad", "javanese", "emogator", "esc10"))
    train, validation = (np.flatnonzero(np.isin(cremad.speakers, splits[group])) for group in ("train", "validation"))
    groups = read_splits("emogator")
    laughing, unheard_laughing = (
        np.flatnonzero(np.isin(emogator.speakers, groups[g])) for g in ("train", "validation")
    )

    def features(some: list[FloatArray]) -> FloatArray:
        return np.asarray(pooled_batches(network, some).numpy(), np.float32)

    sounds = _sounds(esc10, "123")
    noises = features(pieces(esc10, sounds, _PIECES * len(sounds), rng) + synthesised(rng))
    voices = features(
        pieces(cremad, train, _SPEECH, rng) + pieces(javanese, np.arange(len(javanese.labels)), _SPEECH // 6, rng)
    )
    unheard = features(pieces(cremad, validation, _SPEECH // 2, rng))
    # Laughs and sobs are on neither side here: with them as voices, a fifth of ESC-10's unheard sounds passed.
    speech = Logistic(voices, noises)
    speech.leave_open(unheard, _MISSED, _SURE)
    bursts = features(pieces(emogator, laughing, _SPEECH // 3, rng))
    alone = Logistic(np.concatenate([voices, bursts]), features(two_at_once(cremad, train, _SPEECH // 2, rng)))
    alone.leave_open(unheard, _MISSED_ALONE, _SURE_ALONE)
    found = {
        "speech_shut": speech.shut(unheard),
        "esc10_fold_4_open": round(1 - speech.shut(features(pieces(esc10, _sounds(esc10, "4"), 500, rng))), 4),
        "bursts_shut": speech.shut(unheard_bursts := features(pieces(emogator, unheard_laughing, 500, rng))),
        "bursts_taken_for_two": alone.shut(unheard_bursts),
        "one_voice_shut": alone.shut(unheard),
        "two_voices_open": round(1 - alone.shut(features(two_at_once(cremad, validation, 500, rng))), 4),
    }
    return np.stack([speech.weight, alone.weight]), np.array([speech.bias, alone.bias], np.float32), found


def main() -> None:
    """Add `gate.weight` [2, features] and `gate.bias` [2] to a stored network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="what training.finetune stored, without network- and .npz")
    name = parser.parse_args().network
    path = weights_path(name)
    with np.load(path) as stored:
        tensors = {name: stored[name] for name in stored.files}
    facts = json.loads(str(tensors["facts"]))
    network = stored_or_new(name).eval()
    weight, bias, facts["gate"] = gate(network)
    tensors |= {"gate.weight": weight, "gate.bias": bias, "facts": np.array(json.dumps(facts))}
    np.savez(path, **tensors)
    print(json.dumps(facts["gate"]))


if __name__ == "__main__":
    main()
