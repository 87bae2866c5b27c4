"""Builds the page: one file with its style, script, data and, on request, sound."""

import base64
import hashlib
import json
import math
from collections.abc import Iterable
from importlib import resources
from string import Template
from typing import Any, Final

from ser_track.engine.timeline import Timeline, Utterance
from ser_track.event_types import Emotion
from ser_track.labels import LabelSet
from ser_track.output.documents.html import limits, looks, tables
from ser_track.output.documents.html.sound import Sound
from ser_track.output.documents.html.strips import Stretch, ruler, strip
from ser_track.output.documents.html.summary import in_time, summarise
from ser_track.output.documents.html.text import clock, escaped, isolated

_SCREEN_PX: Final = 1000
_PAPER_PX: Final = 600
_PAPER_ROWS_S: Final = (15, 30, 60, 120, 300, 600, 1800, 3600)
_MAX_PAPER_STRIPS: Final = 60


def make_page(timeline: Timeline, sound: Sound, min_confidence: float) -> str:
    """Return ``timeline`` as a self-contained HTML document.

    min_confidence: a result below it is "unsure"; it is shown beside the results.
    """
    labels = timeline.labels
    style, script = _asset("report.css") + looks.style(labels), _asset("report.js")
    duration_s = max(timeline.end_s, sound.duration_s)
    meeting = summarise(timeline)
    models = {one.emotion.model for line in timeline.lines for one in line.utterances if one.emotion is not None}
    model = ", ".join(sorted(models)) or None
    whole = Stretch(0.0, duration_s, _SCREEN_PX)
    return Template(_asset("template.html")).substitute(
        policy=_policy(style, script),
        style=style,
        script=script,
        sprite=looks.sprite(labels),
        title=escaped(timeline.title),
        heading=isolated(timeline.title),
        model=escaped(model or "no model"),
        length=clock(duration_s),
        faults=tables.faults(timeline),
        limits=_limits(model, labels, min_confidence),
        meeting=tables.meeting_card(meeting, labels, duration_s),
        participants=tables.participant_cards(meeting, labels),
        caption=tables.CAPTION,
        learning=tables.learning_caption(meeting, labels),
        ruler=ruler(whole),
        strips="".join(strip(line, labels, sound, whole) for line in timeline.lines),
        paper=_paper(timeline, sound, duration_s),
        sound=_player(sound),
        notice=_notice(timeline, sound),
        table=tables.utterance_table(timeline),
        data=_json(_data(timeline, duration_s)),
    )


def _limits(model: str | None, labels: LabelSet, min_confidence: float) -> str:
    items = "".join(f"<li><b>{head}</b> {text}</li>" for head, text in limits.limits(model, labels, min_confidence))
    return items.replace(" %", "\N{NO-BREAK SPACE}%")


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Allow only this style, this script, and sound from the page itself."""
    own = {"style-src": style, "script-src": script}
    hashes = (f"{kind} 'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'" for kind, text in own.items())
    return "; ".join(
        ("default-src 'none'", *hashes, "media-src data:", "img-src data:", "base-uri 'none'", "form-action 'none'")
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _paper(timeline: Timeline, sound: Sound, duration_s: float) -> str:
    """Return the timeline in rows for paper; each row shows the participants who speak in it."""
    fitting = (s for s in _PAPER_ROWS_S if duration_s / s * len(timeline.lines) <= _MAX_PAPER_STRIPS)
    row_s = next(fitting, _PAPER_ROWS_S[-1])
    rows = (Stretch(float(at), float(at + row_s), _PAPER_PX) for at in range(0, math.ceil(duration_s), row_s))
    return "".join(_paper_row(timeline, sound, stretch) for stretch in rows)


def _paper_row(timeline: Timeline, sound: Sound, stretch: Stretch) -> str:
    speaking = [line for line in timeline.lines if any(stretch.overlaps(one) for one in line.utterances)]
    strips = "".join(strip(line, timeline.labels, sound, stretch) for line in speaking) or "<p>Nobody speaks.</p>"
    times = f"{clock(stretch.start_s)} to {clock(stretch.end_s)}"
    scale = f'<svg class="plot ruler" width="100%" height="24">{ruler(stretch)}</svg>'
    return f'<div class="system"><div class="strip"><span>{times}</span>{scale}</div>{strips}</div>'


def _player(sound: Sound) -> str:
    if sound.webm is None:
        return ""
    source = f"data:audio/webm;base64,{_base64(sound.webm)}"
    return f'<audio id="sound" controls preload="auto" aria-label="Sound of the recording" src="{source}"></audio>'


def _notice(timeline: Timeline, sound: Sound) -> str:
    people = f"{len(timeline.lines)} participant{'' if len(timeline.lines) == 1 else 's'}"
    if sound.webm is not None:
        return (
            f"<b>This file contains the recorded voices of {people}</b>, because it was made with "
            "<code>--report-audio embed</code>. Anyone who has the file can listen: keep, share and delete it as you "
            "would the recording."
        )
    missing = (
        "The sound was requested but left out: the recording is so long that the page would be unusable."
        if sound.too_long
        else "This file contains no sound of the recording; it was not requested (<code>--report-audio embed</code>)."
    )
    return f"{missing} A model's results about the voices of {people} are personal data too."


def _data(timeline: Timeline, duration_s: float) -> dict[str, Any]:
    labels = timeline.labels
    lines = [{"name": line.name, "utterances": _utterances(line.utterances, labels)} for line in timeline.lines]
    titles = [label.title for label in labels.shown_labels]
    return {"duration": round(duration_s, 3), "emotions": titles, "lines": lines}


def _utterances(utterances: Iterable[Utterance], labels: LabelSet) -> list[list[object]]:
    """Return start, end, label and probabilities of each, ordered by time."""
    return [
        [round(one.start_s, 3), round(one.end_s, 3), *(_result(one.emotion, labels) if one.emotion else [])]
        for one in in_time(utterances)
    ]


def _result(emotion: Emotion, labels: LabelSet) -> list[object]:
    return [
        labels.words(emotion.label, emotion.voice_known),
        [round(emotion.probabilities[name], 3) for name in labels.shown],
    ]


def _json(value: object) -> str:
    """Return JSON that is safe in a script element: it cannot end the element or begin a comment."""
    return (
        json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )
