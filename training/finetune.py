"""Fine-tunes one student: `python -m training.finetune base-3 --start base-3-head`. Needs torch (README.md)."""

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.corpora import add_corpora, read_shares, terms
from training.episodes import Batch, Draw, Episodes, read_teacher
from training.guide import Guide
from training.judge import Standardised, in_history, report
from training.network import Network, gigaflops
from training.records import note_tried
from training.spectra import CACHE, Spectra
from training.splits import read_splits
from training.stored import resume, store, weights_path
from training.students import STUDENTS, student
from training.voices import Rows, class_means, mostly_neutral

# On the embedding alone: Whisper was trained without, and dropping parts of its residual stream ruins it.
_DROPOUT: Final = 0.2
_KEEP_STATISTICS: Final = 0.95
_KEEP_CLASSES: Final = 0.98
_AUXILIARY: Final = 0.5
_KEEP_WEIGHTS: Final = 0.985
RANDOM: Final = "random"
_WARM: Final = 4
_TOLD_EVERY: Final = 50


def follow(network: Standardised, embedding: Tensor, labels: Rows) -> None:
    """Let the statistics of the population and of the emotions follow the network."""
    mean, deviation = mostly_neutral(embedding, labels)
    network.mean.lerp_(mean, 1 - _KEEP_STATISTICS)
    network.deviation.lerp_(deviation, 1 - _KEEP_STATISTICS)
    network.class_means.lerp_(class_means(network.standard(embedding), labels), 1 - _KEEP_CLASSES)


@torch.no_grad()
def begin(network: Standardised, draws: Iterable[tuple[Tensor, Rows]]) -> None:
    """Set these statistics from some embeddings [n, size] with their labels."""
    embeddings, labels = zip(*draws, strict=True)
    every, known = torch.cat(embeddings), np.concatenate(labels)
    mean, deviation = mostly_neutral(every, known)
    network.mean.copy_(mean)
    network.deviation.copy_(deviation)
    network.class_means.copy_(class_means(network.standard(every), known))


def embedded(network: Network, batch: Batch) -> Tensor:
    """[n, size]: in three parts of similar length, so that less is computed of what is only padding."""
    order = batch.lengths.argsort()
    found = []
    with torch.autocast("cpu", torch.bfloat16):
        for some in order.chunk(3):
            lengths = batch.lengths[some]
            found.append(network.embedding(batch.spectrum[some, : int(lengths.max())], lengths).float())
    return torch.cat(found)[order.argsort()]


def loss_of(network: Network, batch: Batch, guide: Guide | None) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and the embeddings."""
    embedding = embedded(network, batch)
    standard = network.standard(embedding)
    heard = in_history(network, standard, batch.draw.history)
    loss = loss_of_logits(network.logits(heard, _DROPOUT), batch.draw)
    if guide is not None:
        loss = loss + guide.loss(standard, batch.draw.rows, batch.draw.views)
    return loss, embedding.detach()


def loss_of_logits(logits: tuple[Tensor, Tensor, Tensor], draw: Draw) -> Tensor:
    """Cross-entropy of four and six, and a share of that of the nine; soft targets, over the clips that count."""
    four, six, nine = (
        -(targets * each.log_softmax(1)).sum() / targets.sum().clamp(min=1e-6)
        for each, targets in zip(logits, (draw.four, draw.six, draw.nine), strict=True)
    )
    return four + six + _AUXILIARY * nine


def parameter_groups(network: Network, rate: float, guide: Guide | None) -> list[dict[str, object]]:
    """The new parts learn ten times as fast as Whisper's; the way to the guide, which is thrown away, faster still."""
    old = [p for name, p in network.named_parameters() if name.startswith(("conv", "blocks."))]
    new = [p for name, p in network.named_parameters() if not name.startswith(("conv", "blocks."))]
    groups: list[dict[str, object]] = [{"params": old, "lr": rate}, {"params": new, "lr": 10 * rate}]
    return [*groups, {"params": list(guide.parameters()), "lr": 30 * rate}] if guide else groups


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast; `corpora` and how often each is drawn; `start` names a network to go on from, `teacher`
    soft targets, `guide` a larger network."""

    shape: str
    steps: int
    rate: float
    seed: int
    corpora: dict[str, float]
    start: str
    report_every: int = 200
    teacher: str = ""
    guide: str = ""


class Run:
    """One network on its way, and what drives it."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        every = {name: Spectra(name) for name in plan.corpora}
        speech = [(spectra, read_splits(name)["train"]) for name, spectra in every.items()]
        self.judged = {
            name: (spectra, read_splits(name)["validation"])
            for name, spectra in every.items()
            if "validation" in read_splits(name)
        }
        self.network = student(plan.shape)
        if plan.start != RANDOM:
            resume(self.network, weights_path(plan.start))
        self.guide = Guide(plan.guide, [*every, "esc10"]) if plan.guide else None
        teacher = read_teacher(CACHE / f"{plan.teacher}.npz") if plan.teacher else {}
        shares = list(plan.corpora.values())
        self.episodes = Episodes(speech, Spectra("esc10"), "123", plan.seed, teacher, shares)
        self._optimiser = AdamW(parameter_groups(self.network, plan.rate, self.guide), weight_decay=0.05)
        rates = [float(group["lr"]) for group in self._optimiser.param_groups]
        self._schedule = OneCycleLR(self._optimiser, rates, total_steps=plan.steps, pct_start=0.1)
        batches = [self.episodes.draw() for _ in range(_WARM)]
        with torch.no_grad():
            begin(self.network, [(embedded(self.network, batch), batch.draw.labels) for batch in batches])
        self.averaged = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(_KEEP_WEIGHTS), use_buffers=True)

    def step(self) -> float:
        """One batch; its loss."""
        loss, embedding = loss_of(self.network, batch := self.episodes.draw(), self.guide)
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        with torch.no_grad():
            follow(self.network, embedding, batch.draw.labels)
        self.averaged.update_parameters(self.network)
        return float(loss.detach())

    def report(self) -> dict[str, dict[str, list[float]]]:
        """What the averaged weights reach on speakers that are not trained on."""
        return {title: report(self.averaged.module, *which, (1, 2)) for title, which in self.judged.items()}


def train(plan: Plan, name: str) -> None:
    """Train, print the progress on other speakers, store the averaged weights."""
    run = Run(plan)
    began, history = time.time(), list[dict[str, object]]()
    lost = list[float]()
    for step in range(1, plan.steps + 1):
        lost.append(run.step())
        if step % _TOLD_EVERY == 0 or step == plan.steps:
            line: dict[str, object] = {"step": step, "loss": round(float(np.mean(lost)), 3)}
            lost.clear()
            if step % plan.report_every == 0 or step == plan.steps:
                line |= run.report()
                store(run.averaged.module, weights_path(name), _facts(plan, run, history))
            history.append(line)
            print(json.dumps({**line, "s": round(time.time() - began)}), flush=True)
    facts = _facts(plan, run, history)
    store(run.averaged.module, weights_path(name), facts)
    note_tried(name, facts)


def _facts(plan: Plan, run: Run, history: list[dict[str, object]]) -> dict[str, object]:
    return {
        "plan": asdict(plan),
        "merge": getattr(run.network, "merge", None),
        "gflop_for_3_s": gigaflops(run.network),
        "training_data": training_data(plan.corpora),
        "history": history,
    }


def training_data(corpora: Iterable[str]) -> str:
    """Whom a network was trained on, as its file says it."""
    return "; ".join(f"{terms(name).title}, {len(read_splits(name)['train'])} speakers" for name in corpora)


def main() -> None:
    """Train one student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=sorted(STUDENTS))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=3e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    add_corpora(parser)
    parser.add_argument("--start", required=True, help=f"the network to go on from, of training.head; or {RANDOM}")
    parser.add_argument("--report-every", type=int, default=200, help="steps")
    parser.add_argument("--teacher", default="", help="what training.teacher has written, without .npz")
    parser.add_argument("--guide", default="", help="a larger network whose embeddings are targets too")
    parser.add_argument("--name", default="")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = Plan(**{name: value for name, value in vars(args).items() if name not in ("threads", "name")})
    plan = replace(plan, corpora=read_shares(args.corpora))
    train(plan, args.name or f"{args.shape}-s{args.seed}")


if __name__ == "__main__":
    main()
