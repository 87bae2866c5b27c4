"""Draws a stretch of time as SVG: marks, waveform, probabilities. Colour is never the only distinction.

Horizontal positions are shares of the width, so a drawing can be scaled: by zooming on a screen, or for paper.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ser_track.engine.timeline import Line, Utterance
from ser_track.event_types import Emotion
from ser_track.first_impressions import is_first_impression
from ser_track.labels import UNSURE, Label, LabelSet
from ser_track.output.documents.html.sound import Sound
from ser_track.output.documents.html.text import clock, escaped, isolated, percent, symbol

_UNITS_PER_S: Final = 100
_MARKS_PX: Final = 18
_WAVE_PX: Final = 36
_LANE_PX: Final = 24
_TICKS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
# The parts of a mark that fit into this many pixels; report.js uses the same steps.
_FITS_PX: Final = ((230, "all"), (98, "percent"), (68, "word"), (13, "symbol"))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time span that is drawn, ``[start_s, end_s)``, and its approximate width."""

    start_s: float
    end_s: float
    width_px: float

    @property
    def span_s(self) -> float:
        """The length, never 0: an empty drawing also needs a scale."""
        return max(self.end_s - self.start_s, 0.001)

    def share(self, at_s: float) -> float:
        """Return the position of ``at_s``: 0 at the beginning, 1 at the end."""
        return min(1.0, max(0.0, (at_s - self.start_s) / self.span_s))

    def units(self, at_s: float) -> int:
        """Return the position in whole hundredths of a second."""
        return round(self.share(at_s) * self.span_s * _UNITS_PER_S)

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether part of ``utterance`` lies within."""
        return utterance.start_s < self.end_s and utterance.end_s > self.start_s


def strip(line: Line, labels: LabelSet, sound: Sound, stretch: Stretch) -> str:
    """One participant's drawing, with the names of its rows beside it."""
    utterances = [utterance for utterance in line.utterances if stretch.overlaps(utterance)]
    lanes_at = _MARKS_PX + _WAVE_PX
    lanes = "".join(
        _lane(name, utterances, stretch, lanes_at + row * _LANE_PX) for row, name in enumerate(labels.shown)
    )
    height = lanes_at + _LANE_PX * len(labels.shown)
    return (
        f'<div class="strip"><p class="name">{isolated(line.name)}</p><div class="rows" aria-hidden="true">'
        f'<span></span><span class="wave-row">voice</span>{"".join(map(_row, labels.shown_labels))}</div>'
        f'<svg class="plot" width="100%" height="{height}" aria-hidden="true">'
        f"{_wave(line, sound, utterances, stretch)}{lanes}{_marks(utterances, labels, stretch)}</svg></div>"
    )


def ruler(stretch: Stretch) -> str:
    """The times of ``stretch``, about one every 80 pixels."""
    step_s = next((step for step in _TICKS_S if stretch.span_s / step * 80 <= stretch.width_px), _TICKS_S[-1])
    first = int(np.ceil(stretch.start_s / step_s))
    ticks = (
        (number * step_s, stretch.share(number * step_s)) for number in range(first, int(stretch.end_s / step_s) + 1)
    )
    decimals = 0 if step_s >= 1 else 1
    return "".join(
        f'<line x1="{100 * share:.3f}%" x2="{100 * share:.3f}%" y1="18" y2="24"/>'
        f'<text x="{100 * share:.3f}%" y="13"{_anchor(share)}>{clock(at_s, decimals)}</text>'
        for at_s, share in ticks
    )


def _anchor(share: float) -> str:
    if share < 0.02:
        return ' class="first"'
    return ' class="last"' if share > 0.97 else ""


def _row(label: Label) -> str:
    return f"<span>{symbol(label.name)} <b>{escaped(label.title)}</b></span>"


def _stretched(y_px: int, height_px: int, view_box: str, drawn: str, classes: str) -> str:
    return (
        f'<svg class="{classes}" y="{y_px}" width="100%" height="{height_px}" viewBox="{view_box}" '
        f'preserveAspectRatio="none">{drawn}</svg>'
    )


def _wave(line: Line, sound: Sound, utterances: Iterable[Utterance], stretch: Stretch) -> str:
    """Draw the waveform, relative to the loudest moment of the recording, with a bar under it during speech."""
    span = stretch.units(stretch.end_s)
    speech = "".join(
        f"M{stretch.units(one.start_s)} 0H{stretch.units(one.end_s)}V3H{stretch.units(one.start_s)}Z"
        for one in utterances
    )
    bar = _stretched(_MARKS_PX + _WAVE_PX - 4, 3, f"0 0 {max(1, span)} 3", f'<path d="{speech}"/>', "speech")
    peaks = sound.peaks.get(line.participant)
    if peaks is None or not len(peaks):
        return bar
    loudest = max(float(values.max(initial=0)) for values in sound.peaks.values()) or 1.0
    first, last = int(stretch.start_s / sound.bucket_s), int(np.ceil(stretch.end_s / sound.bucket_s))
    heights = np.rint(peaks[first:last] / loudest * 50).astype(int).tolist()
    path = "".join(f"M{at} {-height}v{2 * height}" for at, height in enumerate(heights) if height)
    offset = stretch.start_s / sound.bucket_s - first - 0.5  # a stroke is centred on its place, one unit wide
    view_box = f"{offset:.3f} -51 {stretch.span_s / sound.bucket_s:.3f} 102"
    return _stretched(_MARKS_PX, _WAVE_PX - 5, view_box, f'<path d="{path}"/>', "wave") + bar


def _lane(name: str, utterances: Sequence[Utterance], stretch: Stretch, y_px: int) -> str:
    """Draw the probability of one emotion: filled for final results, pale for first impressions, a line before both."""
    final = {False: "", True: ""}
    for one in utterances:
        if one.emotion is not None:
            height = _height(one.emotion.probabilities[name])
            drawn = f"M{stretch.units(one.start_s)} 100V{height}H{stretch.units(one.end_s)}V100Z"
            final[is_first_impression(one.emotion.voice_known)] += drawn
    course = "".join(_course(name, one, stretch) for one in utterances)
    first = f'<path class="final first-impression" d="{final[True]}"/>' if final[True] else ""
    drawn = f'<path class="final" d="{final[False]}"/>{first}<path class="course" d="{course}"/>'
    inner = _stretched(
        y_px + 2, _LANE_PX - 3, f"0 0 {max(1, stretch.units(stretch.end_s))} 100", drawn, f"lane label-{name}"
    )
    base_px = y_px + _LANE_PX - 1
    return f'<line class="base" x1="0" x2="100%" y1="{base_px}" y2="{base_px}"/>{inner}'


def _course(name: str, utterance: Utterance, stretch: Stretch) -> str:
    if not utterance.provisional:
        return ""
    steps = "".join(
        f"V{_height(result.probabilities[name])}H{stretch.units(result.end_s)}" for result in utterance.provisional
    )
    return f"M{stretch.units(utterance.start_s)} {_height(utterance.provisional[0].probabilities[name])}{steps}"


def _height(probability: float) -> int:
    return round(100 * (1 - probability))


def _marks(utterances: Iterable[Utterance], labels: LabelSet, stretch: Stretch) -> str:
    """Draw the label of each utterance as far as there is room: symbol, word and probability.

    A first impression has the symbol and the first word of "learning this voice", and its label if there is much room.
    """
    return "".join(_mark(utterance, labels, stretch) for utterance in utterances)


def _mark(utterance: Utterance, labels: LabelSet, stretch: Stretch) -> str:
    left, width = stretch.share(utterance.start_s), stretch.share(utterance.end_s) - stretch.share(utterance.start_s)
    label, text = _label_and_text(utterance.emotion, labels)
    fit = next((name for least, name in _FITS_PX if width * stretch.width_px >= least), "nothing")
    return (
        f'<svg class="mark label-{label}" data-fit="{fit}" '
        f'x="{100 * left:.3f}%" width="{100 * width:.3f}%" height="{_MARKS_PX}">'
        f'<use href="#m-{label}" y="3" width="12" height="12"/>'
        f'<text x="16" y="13">{text}</text></svg>'
    )


def _label_and_text(emotion: Emotion | None, labels: LabelSet) -> tuple[str, str]:
    """Return which symbol a mark has, and its text: what is in a ``tspan`` is shown only where there is room."""
    if emotion is None:
        return "none", "no result"
    certainty = f" {percent(emotion.confidence)}" if emotion.label != UNSURE else ""
    if not is_first_impression(emotion.voice_known):
        return emotion.label, f"{escaped(labels[emotion.label].title)}<tspan>{certainty}</tspan>"
    short, _, rest = labels.words(emotion.label, emotion.voice_known).partition(" ")
    return labels.learning.name, f'{escaped(short)}<tspan class="rest"> {escaped(rest)}{certainty}</tspan>'
