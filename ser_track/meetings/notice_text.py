"""The texts of the notice to people in meetings."""

from ser_track.event_types import Consent
from ser_track.meetings.meeting import Capabilities

_IN_MEETING = "say so in the meeting"


def purpose_text(recorded: bool) -> str:
    """A description of the bot, the same for every meeting of a server; ``recorded``: whether it records voices."""
    what = "A bot analyses which emotion is in each voice and shows it to everyone here; it is often wrong. "
    what += "It does not know what anybody feels. "
    return what + ("The voices of people who are analysed are recorded." if recorded else "Nothing is stored.")


def notice_text(consent: Consent, url: str | None, recorded: bool, capabilities: Capabilities) -> str:
    """The notice for people in one meeting; they answer at ``url``, or, without one, in the meeting itself."""
    what, by_channel = purpose_text(recorded), capabilities.results == "data_channel"
    if consent == "required":
        message = 'send {"type": "consent", "analysed": true} on the data channel' if by_channel else _IN_MEETING
        return f"{what} Nobody is analysed before they agree. To agree: {url or message}"
    message = 'send {"type": "opt_out"} on the data channel' if by_channel else _IN_MEETING
    return f"{what} To refuse, at any time: {url or message}"
