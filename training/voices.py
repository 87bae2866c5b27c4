"""Voice profiles of many clips at once: the counterpart of `ser_track.voice_profile` in training. Needs torch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ser_track.voice_profile import DEVIATION_SHRINKAGE, MEAN_SHRINKAGE
from training.corpora import SIX_EMOTIONS
from training.encoder import REMOVED
from training.episodes import NEUTRAL

Rows = NDArray[np.int64]


def update_values(standard: Tensor, guessed: Tensor, class_means: Tensor) -> Tensor:
    """[n, size] → what voices are updated with, by the probabilities guessed [n, 6] and the means [6, size]."""
    return standard - REMOVED * guessed @ class_means


def adapted(standard: Tensor, updates: Tensor, history: Tensor) -> Tensor:
    """[n, size] → the same, centred and scaled by what was heard of each voice before, shrunk to the population.

    The same as `ser_track.voice_profile`, for many histories [n, n] at once.
    """
    past = updates.detach()
    n = history.sum(1, keepdim=True)
    total, squares = history @ past, history @ past**2
    mean = total / (n + MEAN_SHRINKAGE)
    spread = squares - 2 * mean * total + n * mean**2
    return (standard - mean) / ((DEVIATION_SHRINKAGE + spread) / (n + DEVIATION_SHRINKAGE)).sqrt()


def class_means(standard: Tensor, labels: Rows) -> Tensor:
    """[6, size]: the mean of each of the six emotions; zero for one without a clip."""
    found = torch.zeros(len(SIX_EMOTIONS), standard.shape[1])
    for number in range(len(found)):
        if (labels == number).any():
            found[number] = standard[torch.from_numpy(labels == number)].mean(0)
    return found


def mostly_neutral(values: Tensor, labels: Rows) -> tuple[Tensor, Tensor]:
    """Mean and deviation [size] of speech that is neutral four times out of five; what is no speech does not count."""
    speech, neutral = torch.from_numpy(labels >= 0), torch.from_numpy(labels == NEUTRAL)
    weight = torch.where(neutral, 0.8 / max(1, int(neutral.sum())), 0.2 / max(1, int((speech & ~neutral).sum())))
    weight = torch.where(speech, weight, 0.0)[:, None] / weight[speech].sum()
    mean = (weight * values).sum(0)
    return mean, (weight * (values - mean) ** 2).sum(0).sqrt()
