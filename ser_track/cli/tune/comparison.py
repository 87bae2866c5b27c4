"""The base model and the new head side by side, in the labels that both have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ser_track.cli.evaluation_figures import figures
from ser_track.cli.evaluation_runs import Judged
from ser_track.cli.manifest import meaning_of
from ser_track.cli.tune.head import Floats, Judgement, Material, Seen, mixed
from ser_track.cli.tune.heard import Heard
from ser_track.labels import SIX, Label, LabelSet


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The labels of both, and where each of the two has them."""

    head: str
    """The base's head that has most of them: ``probabilities`` or ``six``."""
    names: tuple[str, ...]
    of_base: Floats
    """``[C, N]``: 1 where a label of the base means one of ``names``."""
    of_user: Floats
    """``[L, N]``: the same for the user's labels."""

    @classmethod
    def of(cls, labels: LabelSet, base_labels: LabelSet, has_six: bool) -> "Comparison | None":
        """Compare in the labels of the user that the base has too; ``None`` if there are not two of them."""
        own = [_key(labels, label) for label in labels.labels]
        heads = {"probabilities": [_key(base_labels, label) for label in base_labels.labels]}
        heads |= {"six": list(SIX.names)} if has_six else {}
        head = max(heads, key=lambda name: len(set(heads[name]) & set(own)))
        names = tuple(name for name in dict.fromkeys(heads[head]) if name in own)
        return None if len(names) < 2 else cls(head, names, _table(heads[head], names), _table(own, names))

    def figures(self, heard: Heard, material: Material, judgement: Judgement, min_confidence: float) -> dict[str, Any]:
        """Before and after, alone and in a call; each of the two chooses among ``names`` only."""
        result: dict[str, Any] = {"labels": list(self.names), "before": {}, "after": {}}
        views = (("alone", material.alone, judgement.alone), ("in_call", material.called, judgement.called))
        for name, seen, after in views:
            both = {"before": np.empty((0, 0)), "after": after}
            if len(seen.clip):
                both["before"] = mixed(seen.view.shares[self.head], material.evidence[seen.clip])
            for when, table in (("before", self.of_base), ("after", self.of_user)):
                judged = self._judged(heard, seen, both[when], table)
                result[when][name] = figures(judged, LabelSet.of(self.names), min_confidence) if judged else None
        return result

    def _judged(self, heard: Heard, seen: Seen, probabilities: Floats, table: Floats) -> list[Judged]:
        """The clips whose label is among ``names``, with their probabilities of these."""
        meaning = {int(label): int(name) for label, name in np.argwhere(self.of_user)}
        rows = [row for row, clip in enumerate(seen.clip) if heard.clips[clip].emotion in meaning]
        if not rows:
            return []
        shares = probabilities[rows] @ table
        shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
        clips = [heard.clips[seen.clip[row]] for row in rows]
        return [
            Judged(replace(clip, emotion=meaning[clip.emotion]), np.asarray(own, np.float32))
            for clip, own in zip(clips, shares, strict=True)
        ]


def own_figures(
    heard: Heard, seen: Seen, probabilities: Floats, labels: LabelSet, min_confidence: float
) -> dict[str, Any] | None:
    """The figures of the new head in the user's labels; ``None`` if nothing was judged."""
    rows = zip(seen.clip, probabilities, strict=True)
    judged = [Judged(heard.clips[clip], np.asarray(row, np.float32)) for clip, row in rows]
    return figures(judged, labels, min_confidence) if judged else None


def _key(labels: LabelSet, label: Label) -> str:
    """What a label is called in a comparison: our name for what it means, else its own."""
    return labels.compatible.get(label.name) or meaning_of(label.title) or label.name


def _table(keys: Sequence[str], names: Sequence[str]) -> Floats:
    return np.array([[float(key == name) for name in names] for key in keys])
