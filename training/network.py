"""The network in torch, for training alone; `training.export` writes the same thing as ONNX.

Whisper's first blocks, fine-tuned; attentive statistics pooling (Okabe et al. 2018,
https://arxiv.org/abs/1803.10963) of each block's output; an embedding that is centred and scaled by what was heard of
the voice so far; two linear heads. Attention, norms and names are Whisper's, so its weights fit (`training.whisper`).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from training.whisper import BASE, SMALL, TINY, read_weights

EMBEDDING_SIZE = 128
HEAD_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """One student: which encoder, how many of its blocks, and before which block the frame rate is halved to 25 Hz."""

    weights: Path = BASE
    depth: int = 3
    merge: int | None = None


SHAPES = {
    "base-3": Shape(),
    "base-4m1": Shape(depth=4, merge=1),
    "base-5m1": Shape(depth=5, merge=1),
    "small-5": Shape(SMALL, 5),
    "tiny-2": Shape(TINY, 2),
    "tiny-2m0": Shape(TINY, 2, 0),
    "tiny-3m0": Shape(TINY, 3, 0),
    "tiny-3m1": Shape(TINY, 3, 1),
}


def positions(n: int, width: int) -> Tensor:
    """[n, width]: Whisper's sinusoids."""
    rates = torch.exp(-torch.arange(width // 2) * (torch.log(torch.tensor(10000.0)) / (width // 2 - 1)))
    angles = torch.arange(n)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Block(nn.Module):
    """Pre-norm self-attention and feed-forward."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.v, self.o = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.k = nn.Linear(width, width, bias=False)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [batch, T, width]; mask: [batch, 1, 1, T], true where there is sound."""
        batch, n, width = x.shape

        def heads(y: Tensor) -> Tensor:
            return y.view(batch, n, width // HEAD_WIDTH, HEAD_WIDTH).transpose(1, 2)

        y = self.ln1(x)
        # Written out: on a processor the backward pass of torch's fused attention takes five times as long.
        scores = heads(self.q(y)) @ heads(self.k(y)).transpose(2, 3) * HEAD_WIDTH**-0.5
        mixed = scores.masked_fill(~mask, -1e4).softmax(-1) @ heads(self.v(y))
        x = x + self.o(mixed.transpose(1, 2).reshape(batch, n, width))
        return x + self.fc2(functional.gelu(self.fc1(self.ln2(x))))


class Network(nn.Module, ABC):
    """Spectrum → embedding; embedding and voice → logits. What comes before the pooling, `hidden`, is a subclass's."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.width = width
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.attend1, self.attend2 = nn.Linear(width, 64), nn.Linear(64, 1)
        nn.init.zeros_(self.attend2.weight)  # all of the time alike, to begin with
        nn.init.zeros_(self.attend2.bias)
        self.embed = nn.Linear(2 * width * depth, EMBEDDING_SIZE)
        self.four, self.six = nn.Linear(EMBEDDING_SIZE, 4), nn.Linear(EMBEDDING_SIZE, 6)
        self.nine = nn.Linear(EMBEDDING_SIZE, 9)  # auxiliary: not shipped
        self.register_buffer("class_means", torch.zeros(6, EMBEDDING_SIZE))  # of standardised embeddings
        self.register_buffer("mean", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("deviation", torch.ones(EMBEDDING_SIZE))

    @abstractmethod
    def hidden(self, spectrum: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor]:
        """[batch, T, 80] → the blocks' outputs [batch, T', width], at the rate of the last; where there is sound."""

    def embedding(self, spectrum: Tensor, lengths: Tensor) -> Tensor:
        """spectrum: [batch, T, 80], zeros after each `lengths`; → [batch, EMBEDDING_SIZE], not standardised."""
        return self.embed(self.pooled(spectrum, lengths))

    def pooled(self, spectrum: Tensor, lengths: Tensor) -> Tensor:
        """[batch, T, 80] → [batch, depth * 2 * width]: means and deviations over attended time, block by block."""
        hidden, inside = self.hidden(spectrum, lengths)
        normed = [norm(h.float()) for norm, h in zip(self.norms, hidden, strict=True)]
        scores = self.attend2(torch.tanh(self.attend1(normed[-1]))).squeeze(-1).float()
        share = scores.masked_fill(~inside, -1e4).softmax(1)[:, None]
        return torch.cat([part for each in normed for part in statistics(each.float(), share)], dim=1)

    def standard(self, embedding: Tensor) -> Tensor:
        """Population mean 0 and deviation 1, of people who are neutral most of the time."""
        return (embedding - self.mean) / self.deviation

    def logits(self, standard: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """Adapted embeddings → logits of four, of six and of the nine."""
        kept = functional.dropout(standard, dropout, self.training)
        return self.four(kept), self.six(kept), self.nine(kept)


class WhisperNetwork(Network):
    """Whisper's convolutions and first blocks."""

    def __init__(self, shape: Shape) -> None:
        weights = {name: torch.from_numpy(value) for name, value in read_weights(shape.weights).items()}
        width = weights["conv1.bias"].numel()
        super().__init__(width, shape.depth)
        self.merge = shape.merge
        self.conv1 = nn.Conv1d(80, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(shape.depth))
        old = {name: weights[name] for name in self.state_dict() if name.startswith(("conv", "blocks."))}
        self.load_state_dict(old, strict=False)

    def hidden(self, spectrum: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor]:
        """[batch, T, 80] → the blocks' outputs [batch, T', width], at the rate of the last; where there is sound."""
        x = functional.gelu(self.conv1(spectrum.transpose(1, 2)))
        inside = torch.arange(x.shape[2])[None] < lengths[:, None]
        x = functional.gelu(self.conv2(x * inside[:, None].to(x.dtype))).transpose(1, 2)
        x = x + positions(x.shape[1], self.width).to(x.dtype)
        inside = inside[:, ::2]
        found = []
        for number, block in enumerate(self.blocks):
            if number == self.merge:
                x, inside = halved(x), inside[:, ::2]
            x = block(x, inside[:, None, None, :])
            found.append(x)
        return [halved(h) if h.shape[1] != x.shape[1] else h for h in found], inside


def gigaflops(network: Network, seconds: float = 3.0) -> float:
    """Multiplications and additions of one answer, in thousands of millions."""
    n = int(100 * seconds)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.embedding(torch.zeros(1, n, 80), torch.tensor([n]))
    return round(counter.get_total_flops() / 1e9, 3)


def statistics(x: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """[batch, T, width] and shares of time [batch, 1, T] → mean and standard deviation, [batch, width] each."""
    mean = share @ x
    variance = share @ (x - mean) ** 2
    return mean.squeeze(1), (variance + 1e-5).sqrt().squeeze(1)


def halved(x: Tensor) -> Tensor:
    """[batch, T, width] → [batch, ⌈T / 2⌉, width]: the mean of each two frames; an odd last one stands for itself."""
    if x.shape[1] % 2:
        x = torch.cat([x, x[:, -1:]], dim=1)
    return (x[:, ::2] + x[:, 1::2]) / 2
