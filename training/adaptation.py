"""Compares ways to adapt to a voice, on corpora that heads were not trained on: → `adaptation.json`.

`python -m training.adaptation`: heads on frozen Whisper tiny (`training.pooled tiny-2m0`), trained on all corpora but
one and tried on that one and on CREMA-D's validation speakers. Also measured: by how much confidence is too high on the
corpus that was left out, and what it brings to begin a voice with the mean of three others in the call.
"""

import json
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.labels import EMOTIONS
from training.calls import CALLS, Heads, Rule, Voice, play, shares
from training.channel import Channel, levelled
from training.episodes import MIN_FRAMES, NEUTRAL
from training.export import temperature
from training.head import Corpus, Head, Plan, fit
from training.metrics import uar
from training.pooled import pooled_batches
from training.records import ADAPTATION_FILE
from training.splits import read_splits
from training.students import student

NETWORK: Final = "tiny-2m0"
LEFT_OUT: Final = {
    "javanese": {"cremad": 0.8, "emogator": 0.2},
    "cremad": {"javanese": 0.6, "emogator": 0.4},
}
RULES: Final = {
    "none": Rule(mean_shrinkage=1e9, deviation_shrinkage=1e9),
    "mean and deviation of all (version 2)": Rule(removed=0.0, least_weight=1.0, one_sided=None),
    "weighted 0.2 + 0.8 p(neutral)": Rule(removed=0.0, least_weight=0.2, one_sided=None),
    "half of the guessed emotion removed": Rule(least_weight=1.0, one_sided=None),
    "all of the guessed emotion removed": Rule(removed=1.0, least_weight=1.0, one_sided=None),
    "half removed, weighted 0.5 + 0.5 p(neutral)": Rule(one_sided=None),
    "the same, one-sided voices left alone from 0.3 to 0.5": Rule(one_sided=(0.3, 0.5)),
    "the same, from 0.45 to 0.6 (shipped)": Rule(),
    "the same, the emotion guessed from the segment alone": Rule(guess_alone=True),
    "the same, shrinkage 6 and 24": Rule(mean_shrinkage=6.0, deviation_shrinkage=24.0),
}
_HEARD: Final = 8.0
_OTHERS: Final = 3
_SEEDS: Final = (1, 2)
Labels = NDArray[np.int64]


class Test:
    """Clips that heads are tried on: standardised embeddings [n, size], labels and speakers [n]."""

    def __init__(self, head: Head, corpus: Corpus, speakers: list[str], channels: int | None = None) -> None:
        """channels: a seed draws one microphone for each person; without it, as recorded."""
        spectra = corpus.spectra
        rows = np.flatnonzero(np.isin(spectra.speakers, speakers) & (spectra.labels < len(EMOTIONS)))
        views = np.where(spectra.lengths[rows, 1] >= MIN_FRAMES, 1, 0)
        self.labels: Labels = spectra.labels[rows]
        self.speakers = spectra.speakers[rows]
        if channels is None:
            pooled = corpus.pooled[rows, views].astype(np.float32)
        else:
            rng = np.random.default_rng(channels)
            drawn = {name: Channel(rng) for name in np.unique(self.speakers)}
            pieces = [
                levelled(drawn[spectra.speakers[row]](spectra.view(row, view)[:1000].astype(np.float32), rng))
                for row, view in zip(rows.tolist(), views.tolist(), strict=True)
            ]
            pooled = pooled_batches(student(NETWORK).eval(), pieces).numpy()
        with torch.no_grad():
            self.x: FloatArray = head.standard(head.embedding(torch.from_numpy(pooled))).numpy()


def compared(heads: Heads, test: Test) -> dict[str, dict[str, float]]:
    """Rule → call → UAR of four in percent."""
    found: dict[str, dict[str, float]] = {}
    for title, rule in RULES.items():
        found[title] = {}
        for call in CALLS:
            heard = list(play(heads, test.x, test.labels, test.speakers, rule, call))
            told = np.array([logs.argmax() for _, _, logs in heard])
            found[title][call] = round(100 * uar(test.labels[[clip for clip, _, _ in heard]], told), 1)
    return found


def temperatures(heads: Heads, test: Test) -> dict[str, float]:
    """The divisor of the logits that fits best: alone, and in calls once a voice is known."""
    alone = temperature([(np.asarray(shares(heads.four, test.x), np.float32), test.labels)])
    parts = []
    for call in ("four fifths neutral", "each clip once"):
        heard = [each for each in play(heads, test.x, test.labels, test.speakers, Rule(), call) if each[1] >= _HEARD]
        told = np.exp([logs for _, _, logs in heard]).astype(np.float32)
        parts.append((told, test.labels[[clip for clip, _, _ in heard]]))
    return {"alone": round(alone, 2), "in calls": round(temperature(parts), 2)}


def first_words(heads: Heads, test: Test) -> dict[str, list[float]]:
    """UAR and recall of neutral for newcomers: by themselves, and with half of what three others sound like."""
    rng = np.random.default_rng(0)
    names = np.unique(test.speakers).tolist()
    means = {}
    for name in names:
        own = np.flatnonzero(test.speakers == name)
        voice = Voice(replace(Rule(), one_sided=None), test.x.shape[1])
        for i in rng.permutation(own[test.labels[own] == NEUTRAL])[:10]:
            voice.update(test.x[i], heads)
        means[name] = voice.total / (voice.n + voice.rule.mean_shrinkage)
    found = {}
    for title, share in (("alone", 0.0), ("with others", 0.5)):
        told = np.empty_like(test.labels)
        for name in names:
            own = test.speakers == name
            others = rng.choice([other for other in names if other != name], _OTHERS, replace=False)
            told[own] = shares(heads.four, test.x[own] - share * np.mean([means[o] for o in others], axis=0)).argmax(1)
        neutral = test.labels == NEUTRAL
        found[title] = [
            round(100 * uar(test.labels, told), 1),
            round(100 * float((told[neutral] == NEUTRAL).mean()), 1),
        ]
    return found


def main() -> None:
    """Train the heads, compare, write the record."""
    record: dict[str, Any] = {"network": NETWORK, "rules": {}, "temperatures": {}, "first_words": {}}
    for left_out, corpora in LEFT_OUT.items():
        plan = Plan(NETWORK, corpora=corpora)
        speech = [(Corpus.read(NETWORK, name), read_splits(name)["train"]) for name in corpora]
        head = fit(plan, speech, Corpus.read(NETWORK, "esc10"))
        heads, unheard = Heads.of(head), Corpus.read(NETWORK, left_out)
        splits = read_splits(left_out)
        tests = {f"{left_out}, left out": (unheard, splits.get("validation", splits["train"]))}
        if left_out != "cremad":
            tests["CREMA-D, validation speakers"] = speech[0][0], read_splits("cremad")["validation"]
        for title, (corpus, speakers) in tests.items():
            test = Test(head, corpus, speakers)
            record["rules"][title] = compared(heads, test)
            record["temperatures"][title] = temperatures(heads, test)
            record["first_words"][f"{title}, as recorded"] = first_words(heads, test)
            for seed in _SEEDS:
                other = Test(head, corpus, speakers, channels=seed)
                record["first_words"][f"{title}, a microphone each ({seed})"] = first_words(heads, other)
            print(title, json.dumps(record["rules"][title]), flush=True)
    ADAPTATION_FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
