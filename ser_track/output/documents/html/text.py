"""Small pieces of markup and wording. Whatever comes from outside goes through `escaped`."""

import html

from ser_track.engine.timeline import Utterance


def escaped(text: str) -> str:
    """``text`` as it may stand between tags and in quoted attributes; what is no Unicode becomes a question mark."""
    return html.escape(text.encode("utf-8", "replace").decode(), quote=True)


def isolated(text: str) -> str:
    """``text`` as markup whose direction of writing changes nothing around it."""
    return f"<bdi>{escaped(text)}</bdi>"


def clock(at_s: float, decimals: int = 0) -> str:
    """``m:ss`` or ``h:mm:ss``, with so many ``decimals`` of the second."""
    unit = 10**decimals
    whole, part = divmod(round(at_s * unit), unit)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{part:0{decimals}}" if decimals else text


def percent(fraction: float) -> str:
    """``64 %``, with a space that does not break."""
    return f"{100 * fraction:.0f}\N{NO-BREAK SPACE}%"


def symbol(label: str) -> str:
    """The mark of a label, to stand before its title."""
    return f'<svg class="symbol label-{label}" viewBox="0 0 16 16" aria-hidden="true"><use href="#m-{label}"/></svg>'


def remark(utterance: Utterance) -> str:
    """What is to be known of an utterance besides its result, or nothing."""
    if utterance.emotion is None:
        return "no result"
    if utterance.reason == "max_duration":
        return "goes on in the next: cut at the longest duration"
    return {"flush": "open at the end of the recording", "stalled": "the sound stopped arriving"}.get(
        utterance.reason, ""
    )
