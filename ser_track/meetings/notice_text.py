"""What people in meetings are told."""

from ser_track.events import Consent
from ser_track.meetings.meeting import Capabilities


def notice_text(consent: Consent, url: str | None, recorded: bool, capabilities: Capabilities) -> str:
    """What people in the meeting are told: by the link where they answer, or, without one, in the meeting itself."""
    what = "A bot analyses which emotion is in each voice and shows it to everyone here; it often errs. "
    what += "It does not know what anybody feels. "
    what += "The voices of those who are analysed are recorded." if recorded else "Nothing is stored."
    by_channel = capabilities.results == "data_channel"
    if consent == "required":
        where = (
            'send {"type": "consent", "analysed": true} on the data channel' if by_channel else "say so in the meeting"
        )
        return f"{what} Nobody is analysed who has not agreed. To agree: {url or where}"
    where = 'send {"type": "opt_out"} on the data channel' if by_channel else "say so in the meeting"
    return f"{what} To refuse, at any time: {url or where}"
