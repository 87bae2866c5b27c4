"""Spectra of every training clip in several views, kept in `training/cache/`: `python -m training.spectra`.

View 0 is the whole file, view 1 the file cut by the voice detector as in a call, the others that cut (with a
random margin) through random calls. CREMA-D's test speakers are apart, under a name that only `training.crossfold`
reads; RAVDESS is not touched here.
"""

import argparse
import copy
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, FloatArray
from ser_track.models.log_mel import FRONT_END, log_mel
from training.conditions import random_chain
from training.corpora import ALL_EMOTIONS, Clip, read_audio, read_clips, read_sounds
from training.splits import read_splits
from training.vad import trim, voiced_windows

Spectrum = NDArray[np.float16]
CACHE: Final = Path(__file__).parent / "cache"
TEST: Final = "cremad-test"
N_CALLS: Final = 3
N_VIEWS: Final = 2 + N_CALLS
SOUND_FOLDS: Final = (1, 2, 3)  # fold 4 is for choices, fold 5 for the report
_BABBLE_VOICES: Final = 5


def padded_cut(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The voiced part with up to 0.3 s of what is around it: no cut of a call is exact."""
    voiced = np.flatnonzero(voiced_windows(samples))
    if voiced.size == 0:
        return samples
    before, after = rng.integers(0, 10, 2)
    return samples[max(0, voiced[0] - before) * WINDOW_SAMPLES : (voiced[-1] + 1 + after) * WINDOW_SAMPLES]


def _background(rng: np.random.Generator, sounds: list[str], voices: list[str]) -> Callable[[], FloatArray]:
    """Draws one of ESC-10's sounds, or the babble of several voices of training speakers."""

    def draw() -> FloatArray:
        if rng.random() < 0.7:
            return read_audio(str(rng.choice(sounds)))
        heard = [np.resize(read_audio(str(path)), 3 * SAMPLE_RATE_HZ) for path in rng.choice(voices, _BABBLE_VOICES)]
        return np.asarray(np.sum(heard, axis=0, dtype=np.float32), np.float32)

    return draw


def views(path: str, sounds: list[str], voices: list[str]) -> list[Spectrum]:
    """[N_VIEWS] spectra [80, T] of one clip; drawn by its name."""
    rng = np.random.default_rng(zlib.crc32(path.encode()))
    raw = read_audio(path)
    heard = [raw, trim(raw)]
    draw = _background(rng, sounds, voices)
    heard += [random_chain(padded_cut(raw, rng), rng, draw) for _ in range(N_CALLS)]
    return [log_mel(samples).astype(np.float16) for samples in heard]


def _sound_views(path: str) -> list[Spectrum]:
    """Non-speech: five stretches of 0.5 to 4 s of one recording, two of them through a call."""
    rng = np.random.default_rng(zlib.crc32(path.encode()))
    raw = read_audio(path)
    spectra = []
    for number in range(N_VIEWS):
        n = int(rng.uniform(0.5, 4.0) * SAMPLE_RATE_HZ)
        start = int(rng.integers(0, max(1, raw.size - n)))
        piece = raw[start : start + n]
        piece = random_chain(piece, rng, lambda: raw) if number > 2 else piece
        spectra.append(log_mel(np.ascontiguousarray(piece)).astype(np.float16))
    return spectra


def _job(arguments: tuple[str, list[str], list[str]]) -> list[Spectrum]:
    path, sounds, voices = arguments
    return _sound_views(path) if path.startswith("esc10/") else views(path, sounds, voices)


def store(name: str, paths: list[str], labels: Iterable[int], speakers: Iterable[str], voices: list[str]) -> None:
    """Write one corpus: all spectra one after the other in time, with their lengths."""
    sounds = read_sounds(SOUND_FOLDS)
    with ProcessPoolExecutor() as pool:
        done = list(pool.map(_job, [(path, sounds, voices) for path in paths], chunksize=16))
    lengths = np.array([[spectrum.shape[1] for spectrum in views] for views in done])
    np.savez(
        spectra_path(name),
        frames=np.concatenate([spectrum.T for views in done for spectrum in views]),
        lengths=lengths,
        labels=np.array(list(labels)),
        speakers=np.array(list(speakers)),
        paths=np.array(paths),
    )


def spectra_path(name: str) -> Path:
    """Where a corpus's spectra lie."""
    return CACHE / f"spectra-{name}-{FRONT_END}.npz"


class Spectra:
    """What `store` wrote: `view(clip, number)` is [T, 80] in float16."""

    def __init__(self, name: str) -> None:
        with np.load(spectra_path(name)) as stored:
            self._frames: Spectrum = stored["frames"]
            self.lengths: NDArray[np.int64] = stored["lengths"]
            self.labels: NDArray[np.int64] = stored["labels"]
            self.speakers: NDArray[np.str_] = stored["speakers"]
            self.paths: NDArray[np.str_] = stored["paths"]
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).reshape(self.lengths.shape)

    def some(self, kept: NDArray[np.bool_]) -> "Spectra":
        """These clips alone."""
        part = copy.copy(self)
        for name in ("lengths", "labels", "speakers", "paths", "_starts"):
            setattr(part, name, getattr(self, name)[kept])
        return part

    def view(self, clip: int, number: int) -> Spectrum:
        """One spectrum, time first."""
        start = self._starts[clip, number]
        return self._frames[start : start + self.lengths[clip, number]]


def _speech(corpus: str) -> list[Clip]:
    """The clips that a shipped network may see; `TEST` is what it may not: for the five folds of the recipe alone."""
    if corpus == TEST:
        test = set(read_splits()["test"])
        return [clip for clip in read_clips("cremad", 6) if clip.speaker in test]
    test = set(read_splits(corpus).get("test", ()))
    return [clip for clip in read_clips(corpus, len(ALL_EMOTIONS)) if clip.speaker not in test]


def prepare_corpus(corpus: str) -> None:
    """Write the spectra of one corpus."""
    CACHE.mkdir(exist_ok=True)
    train = set(read_splits()["train"])
    voices = [clip.path for clip in read_clips("cremad", 6) if clip.speaker in train]
    if corpus == "esc10":
        paths = read_sounds((1, 2, 3, 4))
        store(corpus, paths, [-1] * len(paths), [path.split("/")[1].split("-")[0] for path in paths], voices)
    else:
        clips = _speech(corpus)
        speakers = [clip.speaker for clip in clips]
        store(corpus, [clip.path for clip in clips], [clip.label for clip in clips], speakers, voices)
    print(spectra_path(corpus).name, flush=True)


def main() -> None:
    """Prepare the corpora that are not in the cache yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="*", default=["esc10", "javanese", "cremad", "emogator"])
    for corpus in parser.parse_args().corpora:
        if not spectra_path(corpus).exists():
            prepare_corpus(corpus)


if __name__ == "__main__":
    main()
