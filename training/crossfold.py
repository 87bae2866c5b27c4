"""The recipe in five folds of speakers, with several seeds, and on sentences never heard: → `crossfold.json`.

`python -m training.crossfold tiny-2m0 base-3`: heads on frozen encoders, because five fine-tuned networks for each seed
take a day on a processor. All 91 speakers of CREMA-D; each fold's are heard by nothing. Needs `training.spectra
cremad-test` and `training.pooled SHAPE cremad-test`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.folds import folds
from training.head import Corpus, Plan, fit, report
from training.records import CROSSFOLD_FILE
from training.spectra import TEST

_SEEDS: Final = (1, 2, 3)
_SENTENCES: Final = ("DFA", "IEO", "IOM")
"""Left out of training where the test is to be on sentences never heard."""
_SCORES: Final = ("four, alone", "four, in call order", "six, alone", "six, in call order")


def _sentences(corpus: Corpus) -> NDArray[np.str_]:
    return np.array([Path(path).stem.split("_")[1] for path in corpus.spectra.paths])


def _score(corpora: Sequence[Corpus], sounds: Corpus, plan: Plan, held_out: list[str], unseen: bool) -> list[float]:
    """UAR in percent of one fold, in the order of `_SCORES`, clips cut by the voice detector."""
    speech, tested = [], []
    for corpus in corpora:
        kept_back = np.isin(_sentences(corpus), _SENTENCES) & unseen
        names = sorted(set(corpus.spectra.speakers.tolist()) - set(held_out))
        if names:
            speech.append((corpus.some(~kept_back), names))
        if held_out[0] in corpus.spectra.speakers:  # a fold lies in one of the two whole
            tested.append(corpus.some(kept_back) if unseen else corpus)
    (home,) = tested
    scores: list[float] = report(fit(plan, speech, sounds), home, held_out, (1,))["1"]
    return scores


def _summary(scores: list[list[list[float]]]) -> dict[str, Any]:
    """scores: [seed][fold][kind] → mean over all, spread over folds (of means over seeds) and over seeds (of means
    over folds), as standard deviations."""
    of = np.array(scores)
    return {
        kind: {
            "mean": round(float(of[..., i].mean()), 1),
            "folds": of[..., i].mean(axis=0).round(1).tolist(),
            "sd_folds": round(float(of[..., i].mean(axis=0).std(ddof=1)), 1),
            "sd_seeds": round(float(of[..., i].mean(axis=1).std(ddof=1)), 1),
        }
        for i, kind in enumerate(_SCORES)
    }


def main() -> None:
    """Judge the recipe on one or more encoders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="+")
    record: dict[str, Any] = json.loads(CROSSFOLD_FILE.read_text()) if CROSSFOLD_FILE.exists() else {}
    for shape in parser.parse_args().shapes:
        corpora, sounds = [Corpus.read(shape, name) for name in ("cremad", TEST)], Corpus.read(shape, "esc10")
        for title, unseen in (("speakers unseen", False), ("speakers and sentences unseen", True)):
            scores = [
                [
                    _score(corpora, sounds, Plan(shape, 2000, 2e-3, seed=seed, corpora={}), fold, unseen)
                    for fold in folds()
                ]
                for seed in _SEEDS
            ]
            record.setdefault(shape, {})[title] = _summary(scores)
            print(shape, title, json.dumps(record[shape][title]), flush=True)
            CROSSFOLD_FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
