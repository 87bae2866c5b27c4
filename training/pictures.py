"""Two small convolutional networks on spectra of a fixed size, as baselines. Needs torch (README.md)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ser_track.chunk import FloatArray
from ser_track.labels import EMOTIONS

_EPOCHS = 8
_BATCH = 64
_RATE = 1e-3


def plain() -> nn.Module:
    """Four convolutions, each halving both axes."""
    layers: list[nn.Module] = []
    for before, after in ((1, 24), (24, 48), (48, 96), (96, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, len(EMOTIONS)))


class _Residual(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip
        self.short = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.first(x) + self.short(x))


def residual() -> nn.Module:
    """Eight convolutions in four residual blocks (He et al. 2016), a quarter of ResNet-18's width."""
    blocks = [_Residual(a, b, stride) for a, b, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2), (64, 128, 2))]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, len(EMOTIONS))]
    return nn.Sequential(nn.Conv2d(1, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks, *head)


def predicted(network: nn.Module, train: FloatArray, labels: NDArray[np.int64], test: FloatArray) -> NDArray[np.int64]:
    """Train on [n, 80, T] and [n], answer for [m, 80, T]; pieces are shifted in time and bands masked at random."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    spectra, truth = torch.from_numpy(train[:, None]), torch.from_numpy(labels)
    n_steps = _EPOCHS * (len(train) // _BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE * 3, total_steps=n_steps)
    network.train()
    for _ in range(n_steps):
        rows = torch.from_numpy(rng.choice(len(train), _BATCH, replace=False))
        piece = spectra[rows].roll(int(rng.integers(-20, 20)), 3).clone()
        band = int(rng.integers(0, 70))
        piece[:, :, band : band + int(rng.integers(0, 10))] = piece.mean()
        loss = functional.cross_entropy(network(piece), truth[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        answers = [network(part).argmax(1) for part in torch.from_numpy(test[:, None]).split(_BATCH)]
    return np.asarray(torch.cat(answers).numpy(), np.int64)
