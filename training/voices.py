"""Voice profiles of many clips at once: the counterpart of `ser_track.voice_profile` in training. Needs torch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ser_track.voice_profile import DEVIATION_SHRINKAGE, MEAN_SHRINKAGE
from training.episodes import NEUTRAL

Rows = NDArray[np.int64]


def adapted(standard: Tensor, history: Tensor) -> Tensor:
    """[n, size] → the same, centred and scaled by what was heard of each voice before, shrunk to the population.

    The same as `ser_track.voice_profile`, for many histories at once.
    """
    past = standard.detach()
    n = history.sum(1, keepdim=True)
    total, squares = history @ past, history @ past**2
    mean = total / (n + MEAN_SHRINKAGE)
    spread = squares - 2 * mean * total + n * mean**2
    return (standard - mean) / ((DEVIATION_SHRINKAGE + spread) / (n + DEVIATION_SHRINKAGE)).sqrt()


def mostly_neutral(values: Tensor, labels: Rows) -> tuple[Tensor, Tensor]:
    """Mean and deviation [size] of speech that is neutral four times out of five; what is no speech does not count."""
    speech, neutral = torch.from_numpy(labels >= 0), torch.from_numpy(labels == NEUTRAL)
    weight = torch.where(neutral, 0.8 / max(1, int(neutral.sum())), 0.2 / max(1, int((speech & ~neutral).sum())))
    weight = torch.where(speech, weight, 0.0)[:, None] / weight[speech].sum()
    mean = (weight * values).sum(0)
    return mean, (weight * (values - mean) ** 2).sum(0).sqrt()
