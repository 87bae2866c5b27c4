"""From clips to a file: hears them, judges heads by cross-validation, and writes the one learnt from all of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

import numpy as np

from ser_track.cli.evaluation_runs import Judged, neutral_of
from ser_track.cli.manifest import Clip
from ser_track.cli.tune import calls
from ser_track.cli.tune.base_model import BaseModel, NewHead
from ser_track.cli.tune.comparison import Comparison, own_figures
from ser_track.cli.tune.head import Judgement, Material, Seen, cross_validated, folds_of
from ser_track.cli.tune.heard import Ends, Heard, collected, hear
from ser_track.cli.tune.report import as_text
from ser_track.config.schema import PipelineConfig
from ser_track.errors import ConfigError, SerTrackError
from ser_track.labels import LabelSet
from ser_track.models import load_detector
from ser_track.models.emotion import EmotionModel
from ser_track.models.onnx_session import open_session
from ser_track.protocols import VoiceDetector

_OWN_LICENCE = "head: as its maker says, learnt from clips of their own; the network below it: "


@dataclass(frozen=True, slots=True)
class Tuned:
    """The file, its figures as an object, and as text."""

    file: bytes
    figures: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Tuning:
    """What to tune, and how."""

    base: BaseModel
    detector: VoiceDetector
    name: str
    by_speaker: bool
    min_confidence: float

    @classmethod
    def of(cls, config: PipelineConfig, name: str, by_speaker: bool) -> Self:
        """Load what the configuration names.

        Raises:
            ModelError: a model is missing, or is not like ours.
        """
        base = BaseModel.load(config.model)
        return cls(base, load_detector(config.voice_detector), name, by_speaker, config.min_confidence)

    def hear(self, clips: Sequence[Clip]) -> Iterator[tuple[Clip, Judged | SerTrackError]]:
        """Each clip with what the base model hears in it, or the reason why it could not be heard."""
        yield from hear(self.base, self.detector, clips)

    def tuned(self, judged: Sequence[Judged], labels: LabelSet) -> Tuned:
        """Learn a head from clips that were heard.

        Raises:
            ConfigError: the clips cannot be divided so that each label can be learnt without any part.
            ModelError: the file that was made does not fit; this would be a fault of the program.
        """
        heard = collected(judged)
        fold = folds_of(heard.labels, heard.speakers if self.by_speaker else None)
        if fold is None:
            reason = "a few speakers have almost all clips of a label, so that it cannot be learnt without them"
            raise ConfigError("tune", [f"{reason}; give clips of more speakers, or use --folds clips"])
        material = _material(self.base, heard, labels)
        judgement, head, strength = cross_validated(material, fold)
        figures = self._figures(heard, material, judgement, labels)
        metadata = self._metadata(figures, labels, head)
        file = self.base.with_head(head, metadata)
        EmotionModel(open_session(file), self.name)
        figures = {"model": f"{self.name}@{metadata['version']}", **figures, "strength": strength}
        figures["temperatures"] = dict(zip(("unknown", "known"), head.temperatures, strict=True))
        return Tuned(file, figures, as_text(figures))

    def _figures(self, heard: Heard, material: Material, judgement: Judgement, labels: LabelSet) -> dict[str, Any]:
        ending, base = self.base.ending, self.base.description
        comparison = Comparison.of(labels, base.labels, "six" in ending.shares)
        views = {"alone": (material.alone, judgement.alone), "in_call": (material.called, judgement.called)}
        named = {speaker for speaker in heard.speakers if speaker}
        counts = np.bincount(heard.labels, minlength=len(labels))
        evidences = np.bincount(heard.labels, heard.evidence, minlength=len(labels)) / counts
        return {
            "base": self.base.name,
            "n": len(heard.clips),
            "speakers": len(named) or None,
            "labels": [
                {"name": label.name, "title": label.title, "clips": count, "evidence": evidence}
                for label, count, evidence in zip(
                    labels.labels, counts.tolist(), evidences.round(4).tolist(), strict=True
                )
            ],
            "compatible": dict(labels.compatible),
            "folds": {"by": "speakers" if self.by_speaker else "clips", "count": judgement.n_folds},
            "compared": None
            if comparison is None
            else comparison.figures(heard, material, judgement, self.min_confidence),
            "after": {
                name: own_figures(heard, seen, probabilities, labels, self.min_confidence)
                for name, (seen, probabilities) in views.items()
            },
        }

    def _metadata(self, figures: dict[str, Any], labels: LabelSet, head: NewHead) -> dict[str, str]:
        """What the file says of itself; there is no date in it, so equal clips give an equal file."""
        base, description = self.base.metadata, self.base.description
        heard = f"head: {figures['n']} clips of {figures['speakers'] or 'unknown'} speakers, by ser-track tune"
        own = {
            "name": self.name,
            "labels": json.dumps(labels.names),
            "titles": json.dumps({label.name: label.title for label in labels.labels if label.title != label.name}),
            "compatible": json.dumps(labels.compatible),
            "licence": _OWN_LICENCE + (description.licence or "not stated"),
            "training_data": "; ".join(filter(None, (heard, base.get("training_data")))),
            "base_model": self.base.name,
            "clips_per_label": json.dumps({label["name"]: label["clips"] for label in figures["labels"]}),
            "cross_validation": json.dumps({"by": figures["folds"]["by"], **_short(figures["after"])}),
        }
        own |= {"test_speakers": base["test_speakers"]} if "test_speakers" in base else {}
        digest = sha256(head.weights.tobytes() + head.bias.tobytes() + repr((head.temperatures, own)).encode())
        return {**own, "version": f"{description.version.partition('+')[0]}+tuned.{digest.hexdigest()[:8]}"}


def _short(after: dict[str, Any]) -> dict[str, Any]:
    keys = ("uar", "ece")
    return {view: figures and {key: round(figures[key], 4) for key in keys} for view, figures in after.items()}


def _material(base: BaseModel, heard: Heard, labels: LabelSet) -> Material:
    ends, neutral = Ends(base), neutral_of(labels)
    return Material(
        heard.labels,
        len(labels),
        heard.evidence,
        Seen(np.arange(len(heard.clips)), ends.alone(heard)),
        Seen(*ends.in_calls(heard, calls.to_learn(heard.labels, heard.speakers, neutral))),
        Seen(*ends.in_calls(heard, calls.to_judge(heard.clips, neutral))),
        base.knows_how_well,
    )
