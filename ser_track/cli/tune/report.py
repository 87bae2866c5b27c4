"""What `ser-track tune` prints: figures before and after, as a table."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_WIDTH: Final = 32
_LABEL: Final = 34
_FAINT: Final = 0.5
"""Below this mean share of the head in the results, most of them are "unsure"."""
_VIEWS: Final = (("alone", "each clip alone"), ("in_call", "in a call, adapted"))
_WARNING: Final = (
    "WARNING: the parts of the cross-validation share their speakers (--folds clips). The figures are too good for\n"
    "voices that are not among these clips. Name at least three speakers of each label to know better."
)


def as_text(result: Mapping[str, Any]) -> str:
    """Format the result of `ser-track tune` for people."""
    return "\n".join([*_summary(result), "", *_table(result), "", *_recalls(result), *_remarks(result)])


def _summary(result: Mapping[str, Any]) -> Iterator[str]:
    labels = ", ".join(f"{label['title']} {label['clips']}" for label in result["labels"])
    speakers = "unknown speakers" if result["speakers"] is None else f"{result['speakers']} speakers"
    kept = "no speaker is in two parts" if result["folds"]["by"] == "speakers" else "speakers are in several parts"
    yield f"model     {result['model']}, a head on {result['base']}"
    yield f"clips     {result['n']} of {speakers}: {labels}"
    yield f"judged    by cross-validation in {result['folds']['count']} parts; {kept}"
    if result["compatible"]:
        yield f"our four  {', '.join(f'{name} = {ours}' for name, ours in result['compatible'].items())}"
    else:
        yield "our four  none of the labels is known as one of ours; SERPipeline.consume returns the labels themselves"


def _table(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'':{_LABEL}}{'before (' + result['base'] + ')':<{_WIDTH}}{'after (' + result['model'] + ')'}"
    yield f"{'':{_LABEL}}" + "  UAR (95 %)          ECE".ljust(_WIDTH) + "  UAR (95 %)          ECE"
    both = result["compared"]
    if both is not None:
        every = len(both["labels"]) == len(result["labels"])
        yield f"{'all labels' if every else 'labels of both: ' + ', '.join(both['labels'])}"
        yield from _rows(both["before"], both["after"])
        if every:
            return
    yield f"all {len(result['labels'])} labels"
    yield from _rows({}, result["after"])


def _rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for view, title in _VIEWS:
        if after[view] is not None:
            yield f"  {title:{_LABEL - 2}}{_cell(before.get(view)):<{_WIDTH}}{_cell(after[view])}"


def _cell(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "    -"
    interval = figures["uar_95"]
    between = "" if interval is None else f"({100 * interval[0]:.1f} … {100 * interval[1]:.1f})"
    return f"{100 * figures['uar']:5.1f} {between:<14} {100 * figures['ece']:4.1f} %"


def _recalls(result: Mapping[str, Any]) -> Iterator[str]:
    width = max(len(label["title"]) for label in result["labels"])
    called = result["after"]["in_call"]
    yield f"recall after, %{'':{max(0, width - 11)}}   alone" + ("" if called is None else "   in a call")
    for label in result["labels"]:
        shares = [view["recall"][label["name"]] for view in (result["after"]["alone"], called) if view is not None]
        cells = "".join(f"{100 * share:{gap}.1f}" for share, gap in zip(shares, (8, 12), strict=False))
        yield f"  {label['title']:<{max(width, 11) + 2}}{cells}"


def _remarks(result: Mapping[str, Any]) -> Iterator[str]:
    if result["folds"]["by"] == "clips":
        yield "\n" + _WARNING
    both = result["compared"]
    if both is not None:
        view = "alone" if both["after"]["in_call"] is None else "in_call"
        if both["after"][view]["uar"] <= both["before"][view]["uar"]:
            yield (
                f"\nNOTE: on these clips the new head is not better than {result['base']}. Give more clips, of more "
                "speakers,\nor keep the model as it is, unless you need its labels."
            )
    if faint := [label["title"] for label in result["labels"] if label["evidence"] < _FAINT]:
        yield (
            f"\nNOTE: the base hears little or no speech in the clips of {', '.join(faint)}, or they are shorter\n"
            "than half a second. Results for such sounds stay near equal probabilities, and so 'unsure'."
        )
    if result["after"]["in_call"] is None:
        yield "\nNOTE: no figures in a call, because no clip names its speaker."
