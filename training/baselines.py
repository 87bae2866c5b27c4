"""What others would use, on the same five folds of speakers: `python -m training.baselines` → `baselines.json`.

openSMILE's eGeMAPS with a support vector machine; AdaBoost over random forests on hand-made features (what such
pipelines were first used with); listeners of the voice alone. Four emotions of CREMA-D, UAR; speakers of a fold are
never trained on.
"""

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.labels import EMOTIONS
from ser_track.models.log_mel import log_mel
from training.corpora import Clip, read_audio, read_clips, votes
from training.folds import folds
from training.metrics import uar
from training.records import BASELINES_FILE
from training.spectra import CACHE
from training.vad import trim

Labels = NDArray[np.int64]
Fit = Callable[[FloatArray, Labels, FloatArray], Labels]


def _egemaps(samples: FloatArray) -> FloatArray:
    """[88] functionals of openSMILE's eGeMAPSv02."""
    import opensmile  # its licence is its own: in no other place, and not in the package

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    return np.asarray(smile.process_signal(samples, SAMPLE_RATE_HZ).to_numpy()[0], np.float32)


def _hand_made(samples: FloatArray) -> FloatArray:
    """[5 * 80 + 4]: mean, deviation and quartiles of each band over time; duration, level, zero crossings, crest."""
    bands = log_mel(samples)
    parts = [bands.mean(1), bands.std(1), *np.percentile(bands, (25, 50, 75), axis=1)]
    level, crossings = float(np.sqrt(np.mean(samples**2))), float(np.mean(np.diff(np.sign(samples)) != 0))
    own = [samples.size / SAMPLE_RATE_HZ, level, crossings, float(np.abs(samples).max() / (level + 1e-9))]
    return np.concatenate([*parts, own]).astype(np.float32)


FEATURES: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "egemaps": _egemaps,
    "hand_made": _hand_made,
}


def _feature(job: tuple[str, str]) -> FloatArray:
    name, path = job
    return FEATURES[name](trim(read_audio(path)))


def features(name: str, clips: list[Clip]) -> FloatArray:
    """[clips, …], kept in the cache."""
    path = CACHE / f"baseline-{name}.npy"
    if not path.exists():
        with ProcessPoolExecutor(2) as pool:
            found = list(pool.map(_feature, [(name, clip.path) for clip in clips], chunksize=32))
        np.save(path, np.stack(found))
    # openSMILE has no answer to clips of which the voice detector left less than 60 ms.
    return np.nan_to_num(np.asarray(np.load(path), np.float32))


def _support_vectors(train: FloatArray, labels: Labels, test: FloatArray) -> Labels:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    fitted = make_pipeline(StandardScaler(), SVC(C=1.0, class_weight="balanced")).fit(train, labels)
    return np.asarray(fitted.predict(test))


def _boosted_forests(train: FloatArray, labels: Labels, test: FloatArray) -> Labels:
    from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier

    forest = RandomForestClassifier(50, max_depth=12, class_weight="balanced", random_state=0)
    return np.asarray(AdaBoostClassifier(forest, n_estimators=8, random_state=0).fit(train, labels).predict(test))


BASELINES: Final[dict[str, tuple[str, Fit]]] = {
    "eGeMAPS and a support vector machine": ("egemaps", _support_vectors),
    "AdaBoost of random forests on hand-made features": ("hand_made", _boosted_forests),
}


def listeners(clips: list[Clip]) -> float:
    """UAR of what most listeners of the voice alone chose; where several lead, each counts in part."""
    hits: dict[int, list[float]] = {}
    for clip in clips:
        shares = votes().get(Path(clip.path).stem)
        if shares is None:
            continue
        four = shares[: len(EMOTIONS)]
        best = np.flatnonzero(four == four.max())
        hits.setdefault(clip.label, []).append(float(clip.label in best) / len(best))
    return round(float(np.mean([np.mean(of) for of in hits.values()])), 4)


def main() -> None:
    """All baselines, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(BASELINES))
    clips = read_clips("cremad")
    labels, speakers = np.array([clip.label for clip in clips]), np.array([clip.speaker for clip in clips])
    record: dict[str, Any] = json.loads(BASELINES_FILE.read_text()) if BASELINES_FILE.exists() else {}
    record["listeners of the voice, majority"] = {"uar": listeners(clips)}
    for name in parser.parse_args().names:
        feature, fit = BASELINES[name]
        values, scores = features(feature, clips), []
        for held_out in folds():
            test = np.isin(speakers, held_out)
            scores.append(round(uar(labels[test], fit(values[~test], labels[~test], values[test])), 4))
        record[name] = {"uar": round(float(np.mean(scores)), 4), "by_fold": scores}
        print(name, record[name], flush=True)
        BASELINES_FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
