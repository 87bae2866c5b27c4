"""A timeline as a picture for print: PNG, SVG or PDF. Needs matplotlib, which is installed only where it is wanted."""

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ser_track.engine.timeline import Line, Timeline
from ser_track.labels import EMOTIONS, UNSURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MISSING: Final = "matplotlib is not installed; install it: pip install 'ser-track[plot]'"
# Okabe and Ito's palette, told apart with any kind of colour blindness; hatches and markers for print in black.
_COLOURS: Final = {"anger": "#D55E00", "happiness": "#F0E442", "sadness": "#56B4E9", "neutral": "#FFFFFF"}
_HATCHES: Final = {"anger": "////", "happiness": "....", "sadness": "----", "neutral": ""}
_MARKERS: Final = {"anger": "^", "happiness": "*", "sadness": "v", "neutral": "s", UNSURE: "$?$"}
_WIDTH_IN: Final = 7.0
"""A column and a half to two of most journals."""
_ROW_IN: Final = 1.05
_FRAME_IN: Final = 1.35
_MOST_ROWS: Final = 40
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
    if len(timeline.lines) > _MOST_ROWS:
        told.append(f"the first {_MOST_ROWS} of {len(timeline.lines)} participants are shown; the others do not fit")
    lines = timeline.lines[:_MOST_ROWS]
    with mpl.rc_context(_STYLE), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        figure = Figure(figsize=(_WIDTH_IN, _FRAME_IN + _ROW_IN * max(1, len(lines))), layout="constrained")
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
        _draw_line(axes, line, unit_s)
    rows[-1].set_xlim(0, 1.01 * max(timeline.end_s, 1.0) / unit_s)
    rows[-1].set_xlabel("Time (min)" if in_minutes else "Time (s)")
    # What a model made of a voice is shown with its limits, also where the picture is all that people see.
    model = next((one.emotion.model for line in lines for one in line.utterances if one.emotion), "no model")
    figure.suptitle(
        f"{timeline.title}. Guesses of {model} from the sound of the voice; often wrong.", fontsize=7, parse_math=False
    )
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, frameon=False, handlelength=2.2)


def _draw_line(axes: "Axes", line: Line, unit_s: float) -> None:
    """Each result a stack of its four probabilities, as wide as the utterance; its label's marker above it."""
    judged = [(one, one.emotion) for one in line.utterances if one.emotion is not None]
    lefts = [one.start_s / unit_s for one, _ in judged]
    widths = [(one.end_s - one.start_s) / unit_s for one, _ in judged]
    floor = [0.0] * len(judged)
    for name in EMOTIONS:
        heights = [emotion.probabilities[name] for _, emotion in judged]
        axes.bar(lefts, heights, widths, floor, align="edge", **_fill(name))
        floor = [below + height for below, height in zip(floor, heights, strict=True)]
    for name, marker in _MARKERS.items():
        at = [
            left + width / 2 for left, width, (_, one) in zip(lefts, widths, judged, strict=True) if one.label == name
        ]
        axes.plot(at, [1.13] * len(at), marker=marker, linestyle="", color="black", markersize=4, markeredgewidth=0.4)
    for one in line.utterances:
        axes.plot([one.start_s / unit_s, one.end_s / unit_s], [-0.06, -0.06], color="black", linewidth=1.5)
    axes.set_ylim(-0.1, 1.25)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("Probability")
    axes.set_title(line.name, loc="left", fontsize=8, pad=2, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)


def _fill(name: str) -> dict[str, Any]:
    return {"color": _COLOURS[name], "hatch": _HATCHES[name], "edgecolor": "black", "linewidth": 0.5}


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    fills = [
        Patch(facecolor=_COLOURS[name], hatch=_HATCHES[name], edgecolor="black", label=f"P({name})")
        for name in EMOTIONS
    ]
    likeliest = [
        Line2D(
            [],
            [],
            marker=marker,
            color="black",
            linestyle="",
            markersize=4,
            label=f"heard as {name}" if name != UNSURE else name,
        )
        for name, marker in _MARKERS.items()
    ]
    speech = Line2D([], [], color="black", linewidth=1.5, label="speech")
    # Columns are filled downwards: each emotion stands over its marker.
    pairs = [handle for pair in zip(fills, likeliest, strict=False) for handle in pair]
    return [*pairs, speech, likeliest[-1]]
