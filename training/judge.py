"""How well a network in training does on speakers it does not hear: alone, and in a pretended call. Needs torch."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.episodes import draw_history
from training.network import Network
from training.pooled import pooled_views
from training.spectra import Spectra
from training.voices import Rows, adapted, update_values


class Standardised(Protocol):
    """What has statistics of the population, and heads."""

    mean: Tensor
    deviation: Tensor
    class_means: Tensor

    def standard(self, embedding: Tensor) -> Tensor:
        """Embeddings in units of the population."""

    def logits(self, standard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Adapted embeddings → logits of four, of six and of the nine."""


def in_history(network: Standardised, standard: Tensor, history: Tensor) -> Tensor:
    """[n, size]: each clip adapted to those that were heard before it; their emotions are guessed from each alone."""
    with torch.no_grad():
        guessed = network.logits(standard)[1].softmax(1)
        updates = update_values(standard, guessed, network.class_means)
    return adapted(standard, updates, history)


def in_call_order(network: Standardised, standard: Tensor, labels: Rows, speakers: NDArray[np.str_]) -> Tensor:
    """[n, size]: each clip adapted to up to eight others of its speaker, mostly neutral."""
    again, rng = standard.clone(), np.random.default_rng(1)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        heard = torch.from_numpy(draw_history(labels[own], rng, (8,), calls=1.0))
        again[own] = in_history(network, standard[own], heard)
    return again


def recall(predicted: Tensor, labels: Rows) -> float:
    """UAR in percent."""
    right = predicted.numpy() == labels
    return round(100 * float(np.mean([right[labels == k].mean() for k in np.unique(labels)])), 1)


@torch.no_grad()
def judge(network: Standardised, standard: Tensor, labels: Rows, speakers: NDArray[np.str_]) -> list[float]:
    """UAR of four alone and adapted, of six alone and adapted."""
    scores = []
    for heard in (standard, in_call_order(network, standard, labels, speakers)):
        four, six, _ = network.logits(heard)
        scores += [recall(each[labels < n].argmax(1), labels[labels < n]) for n, each in ((4, four), (6, six))]
    return [scores[0], scores[2], scores[1], scores[3]]


@torch.no_grad()
def report(network: Network, spectra: Spectra, speakers: list[str], views: tuple[int, ...]) -> dict[str, list[float]]:
    """What `judge` says of each view."""
    rows = np.flatnonzero(np.isin(spectra.speakers, speakers))
    network.eval()
    found = {}
    for view in views:
        standard = network.standard(network.embed(pooled_views(network, spectra, rows, view)))
        found[str(view)] = judge(network, standard, spectra.labels[rows], spectra.speakers[rows])
    network.train()
    return found
