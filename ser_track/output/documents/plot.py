"""A timeline as a picture for print: PNG, SVG or PDF. Needs matplotlib, which is installed only where it is wanted."""

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ser_track.engine.timeline import Line, Timeline
from ser_track.labels import UNSURE, Label, LabelSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MISSING: Final = "matplotlib is not installed; install it: pip install 'ser-track[plot]'"
_WIDTH_IN: Final = 7.0
"""A column and a half to two of most journals."""
_ROW_IN: Final = 1.05
_FRAME_IN: Final = 1.35
_LEGEND_COLUMNS: Final = 5
_LEGEND_LINE_IN: Final = 0.16
_MAX_ROWS: Final = 40
"""More make a picture that no page holds, and more pixels than a PNG should have."""
_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "hatch.linewidth": 0.5,
    "axes.linewidth": 0.6,
    # Text stays text, to be searched and set in the paper's own font; the same timeline gives the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "ser_track",
    "pdf.fonttype": 42,
}


def missing() -> str | None:
    """What is not installed that pictures need, and how to install it; ``None`` if they can be drawn."""
    return None if find_spec("matplotlib") is not None else _MISSING


def save_plot(timeline: Timeline, output: BinaryIO, suffix: str) -> list[str]:
    """Draw ``timeline`` onto ``output``; ``suffix`` is .png, .svg or .pdf. Returns what a reader should be told of it.

    Raises:
        OSError: the stream is closed or full.
        ImportError: matplotlib is not installed (`missing`).
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    told = []
    if len(timeline.lines) > _MAX_ROWS:
        told.append(f"the first {_MAX_ROWS} of {len(timeline.lines)} participants are shown; the others do not fit")
    lines = timeline.lines[:_MAX_ROWS]
    with mpl.rc_context(_STYLE), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        figure = Figure(
            figsize=(_WIDTH_IN, _frame_in(timeline.labels) + _ROW_IN * max(1, len(lines))), layout="constrained"
        )
        _draw(figure, timeline, lines)
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[suffix]
        figure.savefig(output, dpi=300, format=suffix[1:], metadata=undated)
    if any("missing from font" in str(warning.message) for warning in warned):
        told.append(
            "the picture has boxes in place of signs that matplotlib's font lacks; take .svg, which keeps the text"
        )
    return told


def _draw(figure: "Figure", timeline: Timeline, lines: list[Line]) -> None:
    rows = figure.subplots(max(1, len(lines)), 1, sharex=True, squeeze=False)[:, 0]
    in_minutes = timeline.end_s >= 300
    unit_s = 60.0 if in_minutes else 1.0
    for axes, line in zip(rows, lines, strict=False):
        _draw_line(axes, line, unit_s, timeline.labels)
    rows[-1].set_xlim(0, 1.01 * max(timeline.end_s, 1.0) / unit_s)
    rows[-1].set_xlabel("Time (min)" if in_minutes else "Time (s)")
    # What a model made of a voice is shown with its limits, also where the picture is all that people see.
    model = next((one.emotion.model for line in lines for one in line.utterances if one.emotion), "no model")
    figure.suptitle(
        f"{timeline.title}. Guesses of {model} from the sound of the voice; often wrong.", fontsize=7, parse_math=False
    )
    handles = _legend(timeline.labels)
    columns = len(handles) // (2 * _legend_lines(timeline.labels))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, handlelength=2.2)


def _draw_line(axes: "Axes", line: Line, unit_s: float, labels: LabelSet) -> None:
    """Each result a stack of its probabilities, as wide as the utterance; its label's marker above it."""
    judged = [(one, one.emotion) for one in line.utterances if one.emotion is not None]
    lefts = [one.start_s / unit_s for one, _ in judged]
    widths = [(one.end_s - one.start_s) / unit_s for one, _ in judged]
    floor = [0.0] * len(judged)
    for label in labels.shown_labels:
        heights = [emotion.probabilities[label.name] for _, emotion in judged]
        axes.bar(lefts, heights, widths, floor, align="edge", **_fill(label))
        floor = [below + height for below, height in zip(floor, heights, strict=True)]
    for label in (*labels.shown_labels, labels.unsure):
        middles = zip(lefts, widths, judged, strict=True)
        at = [left + width / 2 for left, width, (_, one) in middles if one.label == label.name]
        axes.plot(at, [1.13] * len(at), **_marker(label), markeredgewidth=0.4)
    for one in line.utterances:
        axes.plot([one.start_s / unit_s, one.end_s / unit_s], [-0.06, -0.06], color="black", linewidth=1.5)
    axes.set_ylim(-0.1, 1.25)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("Probability")
    axes.set_title(line.name, loc="left", fontsize=8, pad=2, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)


def _fill(label: Label) -> dict[str, Any]:
    """Hatched as well: the picture may be printed in black."""
    return {"facecolor": label.colour.print, "hatch": label.symbol.hatch, "edgecolor": "black", "linewidth": 0.5}


def _marker(label: Label) -> dict[str, Any]:
    return {"marker": label.symbol.marker, "linestyle": "", "color": "black", "markersize": 4}


def _plain(label: Label) -> str:
    """Its title, without what matplotlib would take for a formula."""
    return label.title.replace("$", r"\$")


def _legend(labels: LabelSet) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    fills = [Patch(**_fill(label), label=f"P({_plain(label)})") for label in labels.shown_labels]
    likeliest = [
        Line2D([], [], **_marker(label), label=_plain(label) if label.name == UNSURE else f"heard as {_plain(label)}")
        for label in (*labels.shown_labels, labels.unsure)
    ]
    speech = Line2D([], [], color="black", linewidth=1.5, label="speech")
    # Columns are filled downwards: each label stands over its marker.
    pairs = [*zip(fills, likeliest, strict=False), (speech, likeliest[-1])]
    missing = -len(pairs) % _legend_lines(labels)  # else they would break apart at the end of a column
    pairs += missing * [(Line2D([], [], linestyle="", label=" "), Line2D([], [], linestyle="", label=" "))]
    return [handle for pair in pairs for handle in pair]


def _legend_lines(labels: LabelSet) -> int:
    """Into how many lines of pairs the legend is broken, so that it is no wider than the picture."""
    return -(-(len(labels.shown) + 1) // _LEGEND_COLUMNS)


def _frame_in(labels: LabelSet) -> float:
    return _FRAME_IN + 2 * _LEGEND_LINE_IN * (_legend_lines(labels) - 1)
