"""Trains the embedding and the heads on a frozen encoder: `python -m training.head base-3`. A minute on one core.

Needs `training.pooled`. The past of each voice is part of the training, as in a call (`training.episodes`).
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from training.corpora import SHARES, add_corpora, read_shares
from training.episodes import Cast, Draw
from training.finetune import begin, follow, loss_of_logits, training_data
from training.judge import in_history, judge
from training.network import EMBEDDING_SIZE, SHAPES, Network, gigaflops
from training.pooled import read_pooled
from training.records import note_tried
from training.spectra import Spectra
from training.splits import read_splits
from training.stored import shape_of, store, stored_or_new, weights_path

N_PEOPLE: Final = 12
N_SOUNDS: Final = 16
_WARM: Final = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """network: whose pooled values are used, a shape or a name in the cache; corpora and how often each is drawn."""

    network: str
    steps: int = 1200
    rate: float = 2e-3
    decay: float = 0.1
    dropout: float = 0.3
    input_dropout: float = 0.2
    seed: int = 1
    corpora: dict[str, float] = field(default_factory=lambda: dict(SHARES))


@dataclass(slots=True)
class Corpus:
    """Frozen features beside what is known of the clips."""

    spectra: Spectra
    pooled: NDArray[np.float16]

    @classmethod
    def read(cls, network: str, name: str) -> "Corpus":
        return cls(Spectra(name), read_pooled(network, name))

    def some(self, kept: NDArray[np.bool_]) -> "Corpus":
        """These clips alone."""
        return Corpus(self.spectra.some(kept), self.pooled[kept])


class Head(nn.Module):
    """The trainable end of a `Network`, on standardised pooled values."""

    def __init__(self, mean: Tensor, deviation: Tensor, plan: Plan) -> None:
        super().__init__()
        self.register_buffer("feature_mean", mean)
        self.register_buffer("feature_deviation", deviation)
        self.embed = nn.Linear(mean.numel(), EMBEDDING_SIZE)
        self.four, self.six = nn.Linear(EMBEDDING_SIZE, 4), nn.Linear(EMBEDDING_SIZE, 6)
        self.nine = nn.Linear(EMBEDDING_SIZE, 9)
        self.register_buffer("class_means", torch.zeros(6, EMBEDDING_SIZE))
        self.register_buffer("mean", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("deviation", torch.ones(EMBEDDING_SIZE))
        self._drop_in, self._drop = nn.Dropout(plan.input_dropout), nn.Dropout(plan.dropout)

    def embedding(self, pooled: Tensor) -> Tensor:
        standard = (pooled - self.feature_mean) / self.feature_deviation
        return self.embed(self._drop_in(standard))

    def standard(self, embedding: Tensor) -> Tensor:
        return (embedding - self.mean) / self.deviation

    def logits(self, standard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        kept = self._drop(standard)
        return self.four(kept), self.six(kept), self.nine(kept)

    def into(self, network: Network) -> None:
        """Write what was learnt into a network, with the standardisation folded into the embedding."""
        weight = self.embed.weight / self.feature_deviation
        with torch.no_grad():
            network.embed.weight.copy_(weight)
            network.embed.bias.copy_(self.embed.bias - weight @ self.feature_mean)
            for name in ("mean", "deviation", "class_means"):
                getattr(network, name).copy_(getattr(self, name))
            for name in ("four", "six", "nine"):
                getattr(network, name).load_state_dict(getattr(self, name).state_dict())


def values_of(corpora: Sequence[Corpus], draw: Draw) -> Tensor:
    """[n, features] of a draw."""
    values = [corpora[corpus].pooled[clip, view] for (corpus, clip), view in zip(draw.rows, draw.views, strict=True)]
    return torch.from_numpy(np.stack(values).astype(np.float32))


def fit(plan: Plan, speech: Sequence[tuple[Corpus, Sequence[str]]], sounds: Corpus) -> Head:
    """Train on these speakers of these corpora."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    corpora = [*(corpus for corpus, _ in speech), sounds]
    people = [(corpus.spectra, names) for corpus, names in speech]
    cast = Cast(people, sounds.spectra, "123", rng, shares=list(plan.corpora.values()))
    n_people = min(N_PEOPLE, sum(len(names) for _, names in speech))
    draws = [cast.draw(n_people, 0) for _ in range(_WARM)]
    first = torch.cat([values_of(corpora, draw) for draw in draws])
    head = Head(first.mean(0), first.std(0) + 1e-4, plan)
    with torch.no_grad():
        begin(head, [(head.embedding(first), np.concatenate([draw.labels for draw in draws]))])
    optimiser = AdamW(head.parameters(), plan.rate, weight_decay=plan.decay)
    schedule = OneCycleLR(optimiser, plan.rate, total_steps=plan.steps, pct_start=0.1)
    head.train()
    for _ in range(plan.steps):
        draw = cast.draw(n_people, N_SOUNDS)
        embedding = head.embedding(values_of(corpora, draw))
        loss = loss_of_logits(head.logits(in_history(head, head.standard(embedding), draw.history)), draw)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            follow(head, embedding.detach(), draw.labels)
    head.eval()
    return head


@torch.no_grad()
def report(head: Head, corpus: Corpus, speakers: Sequence[str], views: Sequence[int]) -> dict[str, list[float]]:
    """Per view: UAR of four alone and adapted, of six alone and adapted."""
    rows = np.flatnonzero(np.isin(corpus.spectra.speakers, list(speakers)))
    labels, who = corpus.spectra.labels[rows], corpus.spectra.speakers[rows]
    found = {}
    for view in views:
        pooled = torch.from_numpy(corpus.pooled[rows, view].astype(np.float32))
        found[str(view)] = judge(head, head.standard(head.embedding(pooled)), labels, who)
    return found


def speech_of(plan: Plan) -> list[tuple[Corpus, list[str]]]:
    """The corpora of a plan with their training speakers."""
    return [(Corpus.read(plan.network, name), read_splits(name)["train"]) for name in plan.corpora]


def main() -> None:
    """Train one, print what it reaches on other speakers, store it as a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help=f"one of {', '.join(sorted(SHAPES))}, or a name in the cache")
    for name, kind in (("steps", int), ("rate", float), ("decay", float), ("dropout", float), ("input_dropout", float)):
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=Plan.__dataclass_fields__[name].default)
    parser.add_argument("--seed", type=int, default=1)
    add_corpora(parser)
    parser.add_argument("--name", default="")
    args = vars(parser.parse_args())
    name = args.pop("name")
    plan = Plan(**{**args, "corpora": read_shares(args["corpora"])})
    began = time.time()
    head = fit(plan, speech_of(plan), Corpus.read(plan.network, "esc10"))
    found: dict[str, object] = {}
    for corpus in ("cremad", "javanese", "emogator"):
        splits = read_splits(corpus)
        group = "validation" if corpus in plan.corpora else "train"
        if group in splits:
            found[corpus] = report(head, Corpus.read(plan.network, corpus), splits[group], (1, 2))
    print(json.dumps({**asdict(plan), **found, "s": round(time.time() - began)}), flush=True)
    network = stored_or_new(plan.network)
    facts: dict[str, object] = {
        "plan": {**asdict(plan), "shape": shape_of(plan.network)},
        "merge": getattr(network, "merge", None),
        "gflop_for_3_s": gigaflops(network),
        "training_data": training_data(plan.corpora),
        "history": [found],
    }
    if name:
        head.into(network)
        store(network, weights_path(name), facts)
        note_tried(name, facts)


if __name__ == "__main__":
    main()
