"""The figures of one evaluation, as an object and as text."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ser_track import evaluation
from ser_track.cli.call_order import CORPUS, Call, Mix
from ser_track.cli.evaluation_runs import Judged, neutral_of
from ser_track.cli.manifest import Clip
from ser_track.labels import LabelSet

_MIN_WIDTH: Final = 11
CONFIDENT: Final = 0.6
"""From this probability on, people take a result for certain."""


def figures(judged: Sequence[Judged], labels: LabelSet, min_confidence: float) -> dict[str, Any]:
    """Fractions 0 … 1 for ``--json``; a class without clips has recall ``None`` and does not count in any mean.

    min_confidence: results below it are "unsure"; ``coverage`` is the share of the other results, and
        ``accuracy_when_sure`` is their accuracy. ``confident_and_wrong`` is the share of all results that are wrong
        with a confidence of `CONFIDENT` or more. ``neutral_recall`` is the recall of the label that stands for
        "neutral", ``None`` if there is none.

    Raises:
        ValueError: there are no clips.
    """
    true = np.array([item.clip.emotion for item in judged], np.int64)
    probabilities = np.array([item.probabilities for item in judged], np.float64).reshape(len(judged), -1)
    predicted = probabilities.argmax(axis=1) if len(judged) else true
    names = labels.names
    confusion = evaluation.confusion_matrix(true, predicted, len(labels))
    shares = evaluation.recalls(confusion).tolist()
    confidence, right = probabilities.max(axis=1), predicted == true
    sure = confidence >= min_confidence
    neutral = neutral_of(labels)
    return {
        "n": len(judged),
        "uar": float(evaluation.unweighted_average_recall(confusion)),
        **_interval(judged, true, predicted, len(labels)),
        "accuracy": evaluation.accuracy(confusion),
        "recall": {name: _known(share) for name, share in zip(names, shares, strict=True)},
        "neutral_recall": None if neutral is None else _known(shares[neutral]),
        "confusion": {
            name: dict(zip(names, row, strict=True)) for name, row in zip(names, confusion.tolist(), strict=True)
        },
        "ece": evaluation.expected_calibration_error(true, probabilities),
        "coverage": float(sure.mean()),
        "accuracy_when_sure": float(right[sure].mean()) if sure.any() else None,
        "confident_and_wrong": float(((confidence >= CONFIDENT) & ~right).mean()),
    }


def played_figures(clips: Sequence[Clip], calls: Sequence[Call], mix: Mix) -> dict[str, Any]:
    """What was played in ``calls`` of ``clips``: the share that was asked for, and what it came to."""
    learnt = [clips[play.clip].emotion == mix.neutral for call in calls for play in call.plays if play.learnt]
    return {
        "neutral_share": CORPUS if mix.share is None else mix.share,
        "learnt_clips": len(learnt),
        "learnt_neutral_share": None if mix.neutral is None else sum(learnt) / len(learnt),
    }


def _known(share: float) -> float | None:
    return None if np.isnan(share) else share


def _interval(
    judged: Sequence[Judged], true: evaluation.Indices, predicted: evaluation.Indices, classes: int
) -> dict[str, object]:
    """Number of speakers and interval of the UAR; both ``None`` unless every clip names its speaker."""
    speakers = np.array([item.clip.speaker for item in judged])
    names = np.unique(speakers)
    if "" in names:
        return {"speakers": None, "uar_95": None}
    if len(names) < 2:
        return {"speakers": len(names), "uar_95": None}
    own = [speakers == name for name in names]
    counts = np.stack([evaluation.confusion_matrix(true[i], predicted[i], classes) for i in own])
    return {"speakers": len(names), "uar_95": list(evaluation.speaker_interval(counts))}


def as_text(result: Mapping[str, Any]) -> str:
    """Format ``result`` of `figures`, with ``model`` and ``skipped`` added, as text for people."""
    lines = [*_summary(result), "", *_recall_lines(result), "", *_confusion_lines(result)]
    if "in_call" in result:
        again = {**result["in_call"], "model": result["model"]}
        lines += ["", "IN A CALL: the same clips, after what their speakers said before (--adapt)", _played(again)]
        if again["n"]:
            lines += [*_summary(again), "", *_recall_lines(again), "", *_confusion_lines(again)]
    return "\n".join([*lines, *_skipped(result)])


def _summary(result: Mapping[str, Any]) -> list[str]:
    interval = ""
    if result["uar_95"] is not None:
        low, high = result["uar_95"]
        interval = f"   95 %: {100 * low:.1f} … {100 * high:.1f} % over {result['speakers']} speakers"
    neutral = result["neutral_recall"]
    absent = [name for name, share in result["recall"].items() if share is None]
    return [
        f"model     {result['model']}",
        f"clips     {result['n']}",
        f"UAR       {100 * result['uar']:.1f} %{interval}",
        *([f"          over the classes in the manifest; without {', '.join(absent)}"] if absent else []),
        f"accuracy  {100 * result['accuracy']:.1f} %",
        f"ECE       {100 * result['ece']:.1f} %",
        f"wrong     {_percent(result['confident_and_wrong'])} of the clips, {_percent(CONFIDENT)} confident or more",
        *([] if neutral is None else [f"neutral   {100 * neutral:.1f} % of the neutral clips recognised"]),
        f"sure      {100 * result['coverage']:.1f} % of the clips, {_percent(result['accuracy_when_sure'])} right",
    ]


def _played(again: Mapping[str, Any]) -> str:
    mix = again["neutral_share"]
    asked = "each clip once" if mix == CORPUS else f"--neutral-share {mix:g}"
    neutral = again["learnt_neutral_share"]
    share = "" if neutral is None else f", {_percent(neutral)} of them neutral"
    return f"adapts to {again['learnt_clips']} clips{share} ({asked})"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f} %"


def _recall_lines(result: Mapping[str, Any]) -> list[str]:
    width = _width(result)
    return ["recall"] + [
        f"  {name:<{width}}" + ("   none in the manifest" if share is None else f"{100 * share:6.1f} %")
        for name, share in result["recall"].items()
    ]


def _confusion_lines(result: Mapping[str, Any]) -> list[str]:
    width = _width(result)
    head = "".join(f"{name:>{width}}" for name in result["confusion"])
    rows = [
        f"  {name:<{width}}" + "".join(f"{count:>{width}}" for count in row.values())
        for name, row in result["confusion"].items()
    ]
    return ["confusion (rows: true, columns: judged)", f"  {'':<{width}}{head}", *rows]


def _width(result: Mapping[str, Any]) -> int:
    return max(_MIN_WIDTH, *(len(name) + 2 for name in result["confusion"]))


def _skipped(result: Mapping[str, Any]) -> list[str]:
    emotions, files = result["skipped"]["emotions"], result["skipped"]["files"]
    lines = []
    if emotions:
        others = ", ".join(f"{name} {count}" for name, count in emotions.items())
        lines.append(f"left out  {sum(emotions.values())} clips with emotions that the model does not have: {others}")
    if files:
        lines.append(f"failed    {len(files)} clips could not be judged (see the errors above)")
    return ["", *lines] if lines else []
