"""Small pieces of markup and wording. All external text goes through `escaped`."""

import html

from ser_track.engine.timeline import Utterance


def escaped(text: str) -> str:
    """Escape ``text`` for use between tags and in quoted attributes; invalid Unicode becomes a question mark."""
    return html.escape(text.encode("utf-8", "replace").decode(), quote=True)


def isolated(text: str) -> str:
    """Return ``text`` as markup whose writing direction does not affect the text around it."""
    return f"<bdi>{escaped(text)}</bdi>"


def clock(at_s: float, decimals: int = 0) -> str:
    """Return ``m:ss`` or ``h:mm:ss``, with ``decimals`` decimals of the second."""
    unit = 10**decimals
    whole, part = divmod(round(at_s * unit), unit)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{part:0{decimals}}" if decimals else text


def percent(fraction: float) -> str:
    """Return ``64 %``, with a no-break space."""
    return f"{100 * fraction:.0f}\N{NO-BREAK SPACE}%"


def symbol(label: str) -> str:
    """Return the symbol of a label, to put before its title."""
    return f'<svg class="symbol label-{label}" viewBox="0 0 16 16" aria-hidden="true"><use href="#m-{label}"/></svg>'


def remark(utterance: Utterance) -> str:
    """Return a remark about an utterance; empty if there is none."""
    if utterance.emotion is None:
        return "no result"
    if utterance.reason == "max_duration":
        return "continues in the next: cut at the maximum duration"
    return {"flush": "open at the end of the recording", "stalled": "the audio stopped arriving"}.get(
        utterance.reason, ""
    )
