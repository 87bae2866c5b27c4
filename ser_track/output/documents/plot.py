"""Draws a timeline as a picture for print: PNG, SVG or PDF. Needs matplotlib, an optional dependency."""

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ser_track.engine.timeline import Line, Timeline
from ser_track.event_types import Emotion
from ser_track.first_impressions import is_first_impression
from ser_track.labels import UNSURE, Label, LabelSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MISSING: Final = "matplotlib is not installed; install it: pip install 'ser-track[plot]'"
_WIDTH_IN: Final = 7.0
"""The width of one and a half to two columns in most journals."""
_ROW_IN: Final = 1.05
_FRAME_IN: Final = 1.35
_LEGEND_COLUMNS: Final = 5
_LEGEND_LINE_IN: Final = 0.16
_PALE: Final = 0.35
_MAX_ROWS: Final = 40
"""More rows do not fit on a page, and give more pixels than a PNG should have."""
_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "hatch.linewidth": 0.5,
    "axes.linewidth": 0.6,
    # Text stays text, so that it can be searched and take the paper's font; the same timeline gives the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "ser_track",
    "pdf.fonttype": 42,
}


def missing() -> str | None:
    """Say which requirement is not installed, and how to install it; ``None`` if pictures can be drawn."""
    return None if find_spec("matplotlib") is not None else _MISSING


def save_plot(timeline: Timeline, output: BinaryIO, suffix: str) -> list[str]:
    """Draw ``timeline`` onto ``output``; ``suffix`` is .png, .svg or .pdf. Returns messages for the user.

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
        told.append("the picture has boxes for characters that matplotlib's font lacks; use .svg, which keeps the text")
    return told


def _draw(figure: "Figure", timeline: Timeline, lines: list[Line]) -> None:
    rows = figure.subplots(max(1, len(lines)), 1, sharex=True, squeeze=False)[:, 0]
    in_minutes = timeline.end_s >= 300
    unit_s = 60.0 if in_minutes else 1.0
    for axes, line in zip(rows, lines, strict=False):
        _draw_line(axes, line, unit_s, timeline.labels)
    rows[-1].set_xlim(0, 1.01 * max(timeline.end_s, 1.0) / unit_s)
    rows[-1].set_xlabel("Time (min)" if in_minutes else "Time (s)")
    # Results are shown with their limits, because the picture may be all that people see.
    results = [one.emotion for line in lines for one in line.utterances if one.emotion is not None]
    model = results[0].model if results else "no model"
    title = f"{timeline.title}. Guesses of {model} from the sound of the voice; often wrong."
    if any(map(_is_first, results)):
        title += f"\nPale, with a hollow mark: {timeline.labels.learning.title}; a first impression."
    figure.suptitle(title, fontsize=7, parse_math=False)
    handles = _legend(timeline.labels)
    columns = len(handles) // (2 * _legend_lines(timeline.labels))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, handlelength=2.2)


def _draw_line(axes: "Axes", line: Line, unit_s: float, labels: LabelSet) -> None:
    """Draw each result as a stack of its probabilities, as wide as the utterance, with its label's marker above.

    First impressions are pale, and their marker is hollow.
    """
    judged = [(one, one.emotion) for one in line.utterances if one.emotion is not None]
    lefts = [one.start_s / unit_s for one, _ in judged]
    widths = [(one.end_s - one.start_s) / unit_s for one, _ in judged]
    floor = [0.0] * len(judged)
    for label in labels.shown_labels:
        heights = [emotion.probabilities[label.name] for _, emotion in judged]
        bars = axes.bar(lefts, heights, widths, floor, align="edge", **_fill(label))
        for bar, (_, emotion) in zip(bars, judged, strict=True):
            bar.set_alpha(_PALE if _is_first(emotion) else None)
        floor = [below + height for below, height in zip(floor, heights, strict=True)]
    middles = [(left + width / 2, one) for left, width, (_, one) in zip(lefts, widths, judged, strict=True)]
    for label in (*labels.shown_labels, labels.unsure):
        for first, face in ((False, "black"), (True, "none")):
            at = [middle for middle, one in middles if (one.label, _is_first(one)) == (label.name, first)]
            axes.plot(at, [1.13] * len(at), **_marker(label), markerfacecolor=face, markeredgewidth=0.4)
    for one in line.utterances:
        axes.plot([one.start_s / unit_s, one.end_s / unit_s], [-0.06, -0.06], color="black", linewidth=1.5)
    axes.set_ylim(-0.1, 1.25)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("Probability")
    axes.set_title(line.name, loc="left", fontsize=8, pad=2, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)


def _is_first(emotion: Emotion) -> bool:
    return is_first_impression(emotion.voice_known)


def _fill(label: Label) -> dict[str, Any]:
    """Return colour and hatch: the picture may be printed in black and white."""
    return {"facecolor": label.colour.print, "hatch": label.symbol.hatch, "edgecolor": "black", "linewidth": 0.5}


def _marker(label: Label) -> dict[str, Any]:
    return {"marker": label.symbol.marker, "linestyle": "", "color": "black", "markersize": 4}


def _plain(label: Label) -> str:
    """Return its title, without characters that matplotlib would read as a formula."""
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
    # Columns are filled downwards: each label is above its marker.
    pairs = [*zip(fills, likeliest, strict=False), (speech, likeliest[-1])]
    missing = -len(pairs) % _legend_lines(labels)  # else a pair would be split at the end of a column
    pairs += missing * [(Line2D([], [], linestyle="", label=" "), Line2D([], [], linestyle="", label=" "))]
    return [handle for pair in pairs for handle in pair]


def _legend_lines(labels: LabelSet) -> int:
    """Return the number of rows of pairs in the legend that keeps it within the picture's width."""
    return -(-(len(labels.shown) + 1) // _LEGEND_COLUMNS)


def _frame_in(labels: LabelSet) -> float:
    return _FRAME_IN + 2 * _LEGEND_LINE_IN * (_legend_lines(labels) - 1)
