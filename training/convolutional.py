"""The other family of students: nothing but convolutions, nothing pre-trained. For comparison; never shipped."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.network import Network


class Separable(nn.Module):
    """A residual block of one convolution along time per channel, and two products across channels (ConvNeXt's)."""

    def __init__(self, width: int, kernel: int = 9, expansion: int = 3) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """x: [batch, T, width]; inside: [batch, T, 1], 0 where there is no sound."""
        y = self.along((x * inside).transpose(1, 2)).transpose(1, 2)
        return x + self.fc2(functional.gelu(self.fc1(self.norm(y))))


class ConvolutionalNetwork(Network):
    """Eight blocks at 25 frames a second, pooled after each two."""

    def __init__(self, width: int = 192, depth: int = 4, per_stage: int = 2) -> None:
        super().__init__(width, depth)
        self.conv1 = nn.Conv1d(80, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 4, stride=4)  # 25 frames a second
        self.stages = nn.ModuleList(nn.ModuleList(Separable(width) for _ in range(per_stage)) for _ in range(depth))

    def hidden(self, spectrum: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor]:
        """As `Network` says."""
        spectrum = functional.pad(spectrum, (0, 0, 0, -spectrum.shape[1] % 4))
        x = functional.gelu(self.conv1(spectrum.transpose(1, 2)))
        inside = torch.arange(x.shape[2])[None] < lengths[:, None]
        x = self.conv2(x * inside[:, None].to(x.dtype)).transpose(1, 2)
        inside = inside[:, ::4]
        found = []
        for stage in self.stages:
            for block in stage:
                x = block(x, inside[..., None].to(x.dtype))
            found.append(x)
        return found, inside
