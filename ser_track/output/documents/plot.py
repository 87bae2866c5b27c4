"""A timeline as a picture for print: PNG, SVG or PDF. Needs matplotlib, which is installed only where it is wanted."""

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ser_track.engine.timeline import Line, Timeline
from ser_track.labels import EMOTIONS, UNSURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS: Final = (".png", ".svg", ".pdf")
MISSING: Final = "matplotlib is not installed; install it: pip install 'ser-track[plot]'"
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


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def save_plot(timeline: Timeline, path: Path, into: Path | None = None) -> list[str]:
    """Draw ``timeline`` into ``path``, whose suffix is one of `FORMATS`; returns what a reader should be told of it.

    ``into``: where it is written in place of ``path``, for those who put it there when it is whole.

    Raises:
        OSError: the file cannot be written.
        ImportError: matplotlib is missing (`available`).
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    told = []
    if len(timeline.lines) > _MOST_ROWS:
        told.append(f"{path} shows the first {_MOST_ROWS} of {len(timeline.lines)} participants; the others do not fit")
    lines = timeline.lines[:_MOST_ROWS]
    with mpl.rc_context(_STYLE), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        figure = Figure(figsize=(_WIDTH_IN, _FRAME_IN + _ROW_IN * max(1, len(lines))), layout="constrained")
        _draw(figure, timeline, lines)
        suffix = path.suffix.lower()
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[suffix]
        figure.savefig(into or path, dpi=300, format=suffix[1:], metadata=undated)
    if any("missing from font" in str(warning.message) for warning in warned):
        told.append(f"{path} has boxes in place of signs that matplotlib's font lacks; take .svg, which keeps the text")
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
