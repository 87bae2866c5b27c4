"""Trains the embedding and the heads on a frozen encoder: `python -m training.head base-3`. A minute on one core.

Needs `training.pooled`. The past of each voice is part of the training, as in a call (`training.episodes`).
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from training.episodes import Cast, Draw
from training.finetune import follow, loss_of_logits, training_data
from training.judge import judge
from training.network import EMBEDDING_SIZE, SHAPES, Network, gigaflops
from training.pooled import read_pooled
from training.records import note_tried
from training.spectra import Spectra
from training.splits import read_splits
from training.stored import store, weights_path
from training.students import student
from training.voices import adapted, mostly_neutral

N_PEOPLE: Final = 12
N_SOUNDS: Final = 16
_WARM: Final = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """`extra` adds Javanese to CREMA-D's speakers."""

    shape: str
    steps: int = 2500
    rate: float = 1e-3
    decay: float = 0.1
    dropout: float = 0.3
    input_dropout: float = 0.2
    seed: int = 1
    extra: bool = False


@dataclass(slots=True)
class Corpus:
    """Frozen features beside what is known of the clips."""

    spectra: Spectra
    pooled: NDArray[np.float16]

    @classmethod
    def read(cls, shape: str, name: str) -> "Corpus":
        return cls(Spectra(name), read_pooled(shape, name))

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
        self.register_buffer("mean", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("deviation", torch.ones(EMBEDDING_SIZE))
        self._drop_in, self._drop = nn.Dropout(plan.input_dropout), nn.Dropout(plan.dropout)

    def embedding(self, pooled: Tensor) -> Tensor:
        standard = (pooled - self.feature_mean) / self.feature_deviation
        return self.embed(self._drop_in(standard))

    def standard(self, embedding: Tensor) -> Tensor:
        return (embedding - self.mean) / self.deviation

    def logits(self, standard: Tensor) -> tuple[Tensor, Tensor]:
        kept = self._drop(standard)
        return self.four(kept), self.six(kept)

    def into(self, network: Network) -> None:
        """Write what was learnt into a network, with the standardisation folded into the embedding."""
        weight = self.embed.weight / self.feature_deviation
        with torch.no_grad():
            network.embed.weight.copy_(weight)
            network.embed.bias.copy_(self.embed.bias - weight @ self.feature_mean)
            for name in ("mean", "deviation"):
                getattr(network, name).copy_(getattr(self, name))
            for name in ("four", "six"):
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
    cast = Cast([(corpus.spectra, names) for corpus, names in speech], sounds.spectra, "123", rng)
    draws = [cast.draw(N_PEOPLE, 0) for _ in range(_WARM)]
    first = torch.cat([values_of(corpora, draw) for draw in draws])
    head = Head(first.mean(0), first.std(0) + 1e-4, plan)
    with torch.no_grad():
        embedding = head.embedding(first)
        mean, deviation = mostly_neutral(embedding, np.concatenate([draw.labels for draw in draws]))
        head.mean.copy_(mean)
        head.deviation.copy_(deviation)
    optimiser = AdamW(head.parameters(), plan.rate, weight_decay=plan.decay)
    schedule = OneCycleLR(optimiser, plan.rate, total_steps=plan.steps, pct_start=0.1)
    head.train()
    for _ in range(plan.steps):
        draw = cast.draw(N_PEOPLE, N_SOUNDS)
        embedding = head.embedding(values_of(corpora, draw))
        loss = loss_of_logits(head.logits(adapted(head.standard(embedding), draw.history)), draw)
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


def main() -> None:
    """Train one, print what it reaches on other speakers, store it as a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=sorted(SHAPES))
    for name, kind in (("steps", int), ("rate", float), ("decay", float), ("dropout", float), ("input_dropout", float)):
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=Plan.__dataclass_fields__[name].default)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--extra", action="store_true", help="train with Javanese too")
    parser.add_argument("--name", default="")
    args = vars(parser.parse_args())
    name = args.pop("name")
    plan = Plan(**args)
    splits, began = read_splits(), time.time()
    cremad, javanese = Corpus.read(plan.shape, "cremad"), Corpus.read(plan.shape, "javanese")
    others = np.unique(javanese.spectra.speakers).tolist()
    speech = [(cremad, splits["train"]), *([(javanese, others)] if plan.extra else [])]
    head = fit(plan, speech, Corpus.read(plan.shape, "esc10"))
    found: dict[str, object] = {"validation": report(head, cremad, splits["validation"], (0, 1, 2))}
    if not plan.extra:
        found["javanese"] = report(head, javanese, others, (0, 1))
    print(json.dumps({**asdict(plan), **found, "s": round(time.time() - began)}), flush=True)
    facts: dict[str, object] = {
        "plan": asdict(plan),
        "merge": SHAPES[plan.shape].merge,
        "gflop_for_3_s": gigaflops(network := student(plan.shape)),
        "training_data": training_data(plan.extra),
        "history": [found],
    }
    if name:
        head.into(network)
        store(network, weights_path(name), facts)
        note_tried(name, facts)


if __name__ == "__main__":
    main()
