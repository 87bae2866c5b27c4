"""What students learn from larger ones: `python -m training.teacher small-5 base-3` → `training/cache/teacher.npz`.

Heads on frozen encoders that are larger than the students', averaged. Each clip is judged by heads that never heard its
speaker (five groups of training speakers), so that the answers say how ambiguous a clip is, and not what was learnt by
heart. Alone and in a call, through the views that students are shown. Needs `training.pooled` of each shape.

A `Guide` is one such head as it stands: students are to find its embedding of the same view.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch

from ser_track.chunk import FloatArray
from ser_track.labels import SIX_EMOTIONS
from training.corpora import add_corpora, read_shares
from training.head import Corpus, Head, Plan, fit
from training.judge import in_call_order, recall
from training.spectra import CACHE
from training.splits import read_splits

N_GROUPS: Final = 5
_SEED: Final = 11
_VIEWS: Final = (1, 2, 3)


def groups(speakers: Sequence[str]) -> list[list[str]]:
    """The speakers in N_GROUPS parts, drawn."""
    drawn = np.random.default_rng(_SEED).permutation(sorted(speakers))
    return [sorted(part.tolist()) for part in np.array_split(drawn, N_GROUPS)]


@torch.no_grad()
def answers(head: Head, corpus: Corpus, speakers: Sequence[str]) -> dict[str, FloatArray]:
    """[6] of each clip of these speakers: the mean over views, alone and in a call."""
    rows = np.flatnonzero(np.isin(corpus.spectra.speakers, list(speakers)))
    shares = []
    for view in _VIEWS:
        standard = head.standard(head.embedding(torch.from_numpy(corpus.pooled[rows, view].astype(np.float32))))
        called = in_call_order(head, standard, corpus.spectra.labels[rows], corpus.spectra.speakers[rows])
        shares += [head.logits(heard)[1].softmax(1).numpy() for heard in (standard, called)]
    mean = np.mean(shares, axis=0).astype(np.float32)
    return dict(zip(corpus.spectra.paths[rows].tolist(), mean, strict=True))


def taught(shape: str, shares: dict[str, float]) -> dict[str, FloatArray]:
    """What heads on one frozen encoder say of the clips of speakers that they did not hear."""
    sounds = Corpus.read(shape, "esc10")
    corpora = [(Corpus.read(shape, name), groups(read_splits(name)["train"])) for name in shares]
    found: dict[str, FloatArray] = {}
    for held_out in range(N_GROUPS):
        speech = [
            (corpus, [name for i, part in enumerate(parts) if i != held_out for name in part])
            for corpus, parts in corpora
        ]
        head = fit(Plan(shape, steps=2000, seed=held_out, corpora=shares), speech, sounds)
        for corpus, parts in corpora:
            found |= answers(head, corpus, parts[held_out])
    labels = {str(path): int(label) for corpus, _ in corpora for path, label in zip(
        corpus.spectra.paths, corpus.spectra.labels, strict=True)}  # fmt: skip
    print(json.dumps({"shape": shape, **agreement(found, labels)}), flush=True)
    return found


def agreement(found: Mapping[str, FloatArray], labels: Mapping[str, int]) -> dict[str, float]:
    """UAR of six of the answers, by corpus."""
    scores = {}
    for corpus in sorted({path.split("/")[0] for path in found}):
        some = [path for path in found if path.startswith(corpus)]
        predicted = torch.from_numpy(np.stack([found[path] for path in some]).argmax(1))
        scores[corpus] = recall(predicted, np.array([labels[path] for path in some]))
    return scores


def main() -> None:
    """Average the answers of all shapes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="+")
    add_corpora(parser)
    parser.add_argument("--name", default="teacher")
    args = parser.parse_args()
    each = [taught(shape, read_shares(args.corpora)) for shape in args.shapes]
    paths = sorted(each[0])
    six = np.mean([[answer[path] for path in paths] for answer in each], axis=0).astype(np.float32)
    assert six.shape == (len(paths), len(SIX_EMOTIONS))
    np.savez(CACHE / f"{args.name}.npz", paths=np.array(paths), six=six)


if __name__ == "__main__":
    main()
