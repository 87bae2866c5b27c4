"""The text and figures of the page: summaries, transitions, faults, and a table of the timeline's content."""

from collections.abc import Iterable
from typing import Final

from ser_track.engine.timeline import Line, Timeline, Utterance
from ser_track.event_types import Emotion
from ser_track.first_impressions import is_first_impression
from ser_track.labels import SIX, LabelSet
from ser_track.output.documents.html.summary import MeetingSummary, Summary, Transitions, in_time
from ser_track.output.documents.html.text import clock, escaped, isolated, percent, remark, symbol

CAPTION: Final = "Guesses from the sound of the voice; often wrong."
_NONE: Final = "\N{EN DASH}"
"""Placeholder for a missing figure."""
_NOTHING_JUDGED: Final = "<p>No result: no utterance was long enough.</p>"


def meeting_card(meeting: MeetingSummary, labels: LabelSet, duration_s: float) -> str:
    """Return the card of all participants together."""
    everyone = meeting.everyone
    facts = [
        ("Length", clock(duration_s)),
        ("Participants", str(len(meeting.participants))),
        (
            "Somebody speaks",
            f"{clock(meeting.voiced_s)} ({percent(meeting.voiced_s / duration_s if duration_s else 0.0)})",
        ),
        ("Overlapping speech", clock(meeting.overlap_s)),
        *_counts(everyone),
    ]
    return _card("<h2>All together</h2>", facts, everyone, labels)


def participant_cards(meeting: MeetingSummary, labels: LabelSet) -> str:
    """A card for each participant, in the order of the timeline."""
    return "".join(_participant_card(line, summary, meeting, labels) for line, summary in meeting.participants)


def _participant_card(line: Line, summary: Summary, meeting: MeetingSummary, labels: LabelSet) -> str:
    facts = [
        ("Speaks for", f"{clock(summary.speech_s)} ({percent(meeting.share_of_speech(summary))} of all speech)"),
        *_counts(summary),
        ("Mean length", f"{summary.mean_utterance_s:.1f} s"),
    ]
    return _card(f"<h3>{isolated(line.name)}</h3>", facts, summary, labels)


def _counts(summary: Summary) -> list[tuple[str, str]]:
    counts = [("Utterances", f"{summary.utterances}, of these {summary.judged} with a result")]
    if summary.first_impressions:
        counts.append(("First impressions", f"{summary.first_impressions} of these results"))
    return counts


def learning_caption(meeting: MeetingSummary, labels: LabelSet) -> str:
    """Return what the mark of first impressions means; empty if there are none."""
    if not meeting.everyone.first_impressions:
        return ""
    title = f"{symbol(labels.learning.name)} <b>{escaped(labels.learning.title)}</b>"
    return (
        f'<p class="caption" id="learning">{title}: first impressions. '
        "The model had heard too little of the voice to compare it with itself, and is wrong more often then. The "
        "summaries count these results too.</p>"
    )


def _card(heading: str, facts: Iterable[tuple[str, str]], summary: Summary, labels: LabelSet) -> str:
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    body = (
        f"{_shares(summary, labels)}{_transitions(summary.transitions, labels)}" if summary.shares else _NOTHING_JUDGED
    )
    return f'<article class="card">{heading}<dl>{listed}</dl>{body}<p class="caption">{CAPTION}</p></article>'


def _shares(summary: Summary, labels: LabelSet) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_titled(label, labels)}</th>'
        f'<td class="bar" aria-hidden="true">{_bar(label, summary.shares[label])}</td>'
        f"<td>{percent(summary.shares[label])}</td>"
        f"<td>{percent(summary.means[label]) if label in summary.means else _NONE}</td></tr>"
        for label in summary.shares
    )
    head = (
        '<th scope="col">emotion</th><td></td><th scope="col">share of time</th><th scope="col">mean probability</th>'
    )
    caption = f"Of {clock(summary.judged_s)} of speech with a result"
    return (
        f'<table class="shares"><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _titled(name: str, labels: LabelSet) -> str:
    return f"{symbol(name)} {escaped(labels[name].title)}"


def _bar(label: str, share: float) -> str:
    return (
        f'<svg class="label-{label}" width="100%" height="12"><rect class="track" width="100%" height="12" rx="3"/>'
        f'<rect class="fill" width="{100 * share:.1f}%" height="12" rx="3"/>'
        f'<rect width="{100 * share:.1f}%" height="12" rx="3" fill="url(#p-{label})"/></svg>'
    )


def _transitions(transitions: Transitions, labels: LabelSet) -> str:
    if not transitions:
        return "<p>No transitions: no participant has two results.</p>"
    names = (*labels.shown, labels.unsure.name)
    befores = [label for label in names if any(label == before for before, _ in transitions)]
    afters = [label for label in names if any(label == after for _, after in transitions)]
    head = "".join(f'<th scope="col">{_titled(label, labels)}</th>' for label in afters)
    rows = "".join(
        f'<tr><th scope="row">{_titled(before, labels)} →</th>'
        + "".join(f"<td>{transitions[before, after] or '·'}</td>" for after in afters)
        + "</tr>"
        for before in befores
    )
    return (
        '<div><p class="caption">Transitions: how often a result (row) was followed by another (column)</p>'
        '<div class="scroll" role="group" aria-label="Transitions" tabindex="0"><table class="transitions">'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>"
    )


def utterance_table(timeline: Timeline) -> str:
    """Return every utterance in words and figures: the timeline's content, for readers who cannot see it."""
    both = [(line, utterance) for line in timeline.lines for utterance in in_time(line.utterances)]
    both.sort(key=lambda each: each[1].start_s)
    six = any(one.emotion is not None and one.emotion.six for _, one in both)
    others = tuple(name for name in SIX.names if name not in timeline.labels.shown) if six else ()
    titles = [escaped(label.title) for label in timeline.labels.shown_labels]
    names = ("from", "to", "participant", "heard as", *titles, *(f"{name} (of six)" for name in others), "remark")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "".join(_row(line, utterance, timeline.labels, others) for line, utterance in both)
    return f'<table class="all"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(line: Line, utterance: Utterance, labels: LabelSet, others: tuple[str, ...]) -> str:
    emotion = utterance.emotion
    label = _heard_as(emotion, labels) if emotion else _NONE
    figures = [percent(emotion.probabilities[name]) if emotion else "" for name in labels.shown]
    figures += [percent(emotion.six[name]) if emotion and emotion.six else "" for name in others]
    cells = "".join(f'<td class="number">{value}</td>' for value in figures)
    times = "".join(f'<td class="number">{clock(at_s, 1)}</td>' for at_s in (utterance.start_s, utterance.end_s))
    return f"<tr>{times}<td>{isolated(line.name)}</td><td>{label}</td>{cells}<td>{remark(utterance)}</td></tr>"


def _heard_as(emotion: Emotion, labels: LabelSet) -> str:
    if is_first_impression(emotion.voice_known):
        return f"{symbol(labels.learning.name)} <i>{escaped(labels.words(emotion.label, emotion.voice_known))}</i>"
    return _titled(emotion.label, labels)


def faults(timeline: Timeline) -> str:
    """Return the list of failures; empty if there are none."""
    if not timeline.faults:
        return ""
    listed = "".join(
        f"<li>{isolated(name)}: {escaped(message)}</li>"
        for name, message in dict.fromkeys((fault.key.participant, fault.message) for fault in timeline.faults)
    )
    heading = '<h2 id="faults">! Not everything could be analysed</h2>'
    return f'<section class="problem" aria-labelledby="faults">{heading}<ul>{listed}</ul></section>'
