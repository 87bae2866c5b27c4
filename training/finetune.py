"""Fine-tunes one student: `python -m training.finetune base-3 --start base-3-head`. Needs torch (README.md)."""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.episodes import N_PEOPLE, TARGETS, Batch, Draw, Episodes, draw_history
from training.network import SHAPES, Network
from training.pooled import pooled_views
from training.records import note_tried
from training.spectra import CACHE, Spectra
from training.splits import read_splits
from training.voices import Rows, adapted, mostly_neutral

# On the embedding alone: Whisper was trained without, and dropping parts of its residual stream ruins it.
_DROPOUT: Final = 0.2
_KEEP_STATISTICS: Final = 0.95
_KEEP_WEIGHTS: Final = 0.985


class Standardised(Protocol):
    """What has statistics of the population, and heads."""

    mean: Tensor
    deviation: Tensor

    def logits(self, standard: Tensor) -> tuple[Tensor, Tensor]:
        """Adapted embeddings → logits of four and of six."""


def follow(network: Standardised, embedding: Tensor, labels: Rows) -> None:
    """Let mean and deviation of the population follow the network."""
    mean, deviation = mostly_neutral(embedding, labels)
    network.mean.lerp_(mean, 1 - _KEEP_STATISTICS)
    network.deviation.lerp_(deviation, 1 - _KEEP_STATISTICS)


def embedded(network: Network, batch: Batch) -> Tensor:
    """[n, size]: in three parts of similar length, so that less is computed of what is only padding."""
    order = batch.lengths.argsort()
    found = []
    with torch.autocast("cpu", torch.bfloat16):
        for some in order.chunk(3):
            lengths = batch.lengths[some]
            found.append(network.embedding(batch.spectrum[some, : int(lengths.max())], lengths).float())
    return torch.cat(found)[order.argsort()]


def loss_of(network: Network, batch: Batch) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and the embeddings."""
    embedding = embedded(network, batch)
    heard = adapted(network.standard(embedding), batch.draw.history)
    four, six = network.logits(heard, _DROPOUT)
    return loss_of_logits((four, six), batch.draw), embedding.detach()


def loss_of_logits(logits: tuple[Tensor, Tensor], draw: Draw) -> Tensor:
    """Cross-entropy of four and six against soft targets, each over the clips that count."""
    four, six = (
        -(targets * each.log_softmax(1)).sum() / targets.sum()
        for each, targets in zip(logits, (draw.four, draw.six), strict=True)
    )
    return four + six


def parameter_groups(network: Network, rate: float) -> list[dict[str, object]]:
    """The new parts learn ten times as fast as Whisper's."""
    old = [p for name, p in network.named_parameters() if name.startswith(("conv", "blocks."))]
    new = [p for name, p in network.named_parameters() if not name.startswith(("conv", "blocks."))]
    return [{"params": old, "lr": rate}, {"params": new, "lr": 10 * rate}]


def in_call_order(standard: Tensor, labels: Rows, speakers: NDArray[np.str_]) -> Tensor:
    """[n, size]: each clip adapted to up to eight others of its speaker, mostly neutral."""
    again, rng = standard.clone(), np.random.default_rng(1)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        again[own] = adapted(standard[own], torch.from_numpy(draw_history(labels[own], rng, (8,))))
    return again


def recall(predicted: Tensor, labels: Rows) -> float:
    """UAR in percent."""
    right = predicted.numpy() == labels
    return round(100 * float(np.mean([right[labels == k].mean() for k in np.unique(labels)])), 1)


@torch.no_grad()
def judge(network: Standardised, standard: Tensor, labels: Rows, speakers: NDArray[np.str_]) -> list[float]:
    """UAR of four alone and adapted, of six alone and adapted."""
    scores = []
    for heard in (standard, in_call_order(standard, labels, speakers)):
        four, six = network.logits(heard)
        scores += [recall(four[labels < 4].argmax(1), labels[labels < 4]), recall(six.argmax(1), labels)]
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


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast; `extra` adds Javanese to CREMA-D's speakers, `start` names a network to go on from."""

    shape: str
    epochs: int
    rate: float
    seed: int
    extra: bool
    start: str
    report_every: int = 4


def train(plan: Plan, name: str) -> None:
    """Train, print the progress on other speakers, store the averaged weights."""
    torch.manual_seed(plan.seed)
    splits = read_splits()
    cremad, javanese = Spectra("cremad"), Spectra("javanese")
    others = np.unique(javanese.speakers).tolist()
    speech = [(cremad, splits["train"]), *([(javanese, others)] if plan.extra else [])]
    network = Network(SHAPES[plan.shape])
    resume(network, weights_path(plan.start))
    judged = {"validation": (cremad, splits["validation"])}
    if not plan.extra:
        judged["javanese"] = (javanese, others)
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(_KEEP_WEIGHTS), use_buffers=True)
    episodes = Episodes(speech, Spectra("esc10"), "123", plan.seed)
    per_epoch = round(episodes.n_clips / (N_PEOPLE * TARGETS))
    optimiser = AdamW(parameter_groups(network, plan.rate), weight_decay=0.05)
    rates = [float(group["lr"]) for group in optimiser.param_groups]
    schedule = OneCycleLR(optimiser, rates, total_steps=plan.epochs * per_epoch, pct_start=0.1)
    began, history = time.time(), list[dict[str, object]]()
    for epoch in range(plan.epochs + 1):
        steps = per_epoch if epoch else 0  # epoch 0 is the beginning: frozen Whisper under a trained head
        lost = [_step(network, averaged, episodes.draw(), optimiser, schedule) for _ in range(steps)]
        line: dict[str, object] = {"epoch": epoch, "loss": round(float(np.mean(lost or [0])), 3)}
        if epoch % plan.report_every == 0 or epoch == plan.epochs:
            line |= {title: report(averaged.module, *which, (1, 2)) for title, which in judged.items()}
        history.append(line)
        print(json.dumps({**line, "s": round(time.time() - began)}), flush=True)
    used = f"CREMA-D, {len(splits['train'])} speakers, acted English"
    used += f"; Javanese, {len(others)} speakers, acted" if plan.extra else ""
    facts: dict[str, object] = {
        "plan": asdict(plan),
        "merge": network.shape.merge,
        "training_data": used,
        "history": history,
    }
    store(averaged.module, weights_path(name), facts)
    note_tried(name, facts)


def _step(network: Network, averaged: AveragedModel, batch: Batch, optimiser: AdamW, schedule: OneCycleLR) -> float:
    loss, embedding = loss_of(network, batch)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    schedule.step()
    with torch.no_grad():
        follow(network, embedding, batch.draw.labels)
    averaged.update_parameters(network)
    return float(loss.detach())


def main() -> None:
    """Train one student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=sorted(SHAPES))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=3e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--extra", action="store_true", help="train with Javanese too")
    parser.add_argument("--start", required=True, help="the network to go on from: training.head has made one")
    parser.add_argument("--report-every", type=int, default=4)
    parser.add_argument("--name", default="")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = Plan(args.shape, args.epochs, args.rate, args.seed, args.extra, args.start, args.report_every)
    train(plan, args.name or f"{args.shape}-s{args.seed}{'-extra' if args.extra else ''}")


def weights_path(name: str) -> Path:
    """Where a trained network lies."""
    return CACHE / f"network-{name}.npz"


def resume(network: Network, path: Path) -> None:
    """Take the tensors of a stored network of the same shape."""
    with np.load(path) as stored:
        network.load_state_dict({name: torch.from_numpy(stored[name]) for name in network.state_dict()})


def store(network: Network, path: Path, facts: dict[str, object]) -> None:
    """Write the tensors for `training.export`, which does without torch."""
    tensors: dict[str, Any] = {name: value.float().numpy() for name, value in network.state_dict().items()}
    np.savez(path, facts=np.array(json.dumps(facts)), **tensors)


if __name__ == "__main__":
    main()
