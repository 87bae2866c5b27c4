"""Five folds of CREMA-D's speakers. The first is the committed test group, which the shipped weights leave out."""

import numpy as np

from training.splits import read_splits

N_FOLDS = 5
_SEED = 7


def folds() -> list[list[str]]:
    """Speakers of each fold; no speaker is in two."""
    splits = read_splits()
    others = np.random.default_rng(_SEED).permutation(sorted(splits["train"] + splits["validation"]))
    return [splits["test"], *(sorted(part.tolist()) for part in np.array_split(others, N_FOLDS - 1))]
