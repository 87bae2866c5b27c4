"""A larger network's embeddings as targets: a student is to find them in the same view. Needs torch."""

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from training.network import EMBEDDING_SIZE
from training.pooled import read_pooled
from training.spectra import CACHE

_PART: Final = 500


class Guide(nn.Module):
    """Standardised embeddings [clip, view, size] of each corpus, and the student's way into their space."""

    def __init__(self, name: str, corpora: Sequence[str]) -> None:
        super().__init__()
        with np.load(CACHE / f"network-{name}.npz") as stored:
            self._weight = stored["embed.weight"].T / stored["deviation"]
            self._bias = (stored["embed.bias"] - stored["mean"]) / stored["deviation"]
            shape = json.loads(str(stored["facts"]))["plan"]["shape"]
        self._known = [self._embedded(shape, corpus) for corpus in corpora]
        self.into = nn.Linear(EMBEDDING_SIZE, EMBEDDING_SIZE)

    def _embedded(self, shape: str, corpus: str) -> Tensor:
        pooled = read_pooled(shape, corpus)
        parts = [
            pooled[first : first + _PART].astype(np.float32) @ self._weight + self._bias
            for first in range(0, len(pooled), _PART)
        ]
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))

    def loss(self, standard: Tensor, rows: Sequence[tuple[int, int]], views: Sequence[int]) -> Tensor:
        """Mean squared distance [] of a student's standardised embeddings [n, size] from the guide's."""
        known = torch.stack([self._known[corpus][clip, view] for (corpus, clip), view in zip(rows, views, strict=True)])
        return (self.into(standard) - known).square().mean()
