"""What a sender says about its tracks on the data channel.

The sender is trusted to say who is on which track, and no more: it cannot agree for anybody.
"""

from collections.abc import Callable
from typing import Any, Final

from ser_track.errors import BadRequestError, ForbiddenError, MeetingError
from ser_track.event_types import Notice
from ser_track.meetings.adapters.tracks.messages import (
    of_person,
    of_refusal,
    read_announcement,
    read_id,
    read_text,
)
from ser_track.meetings.adapters.tracks.people import People, Person
from ser_track.meetings.json_messages import parse_object
from ser_track.meetings.meeting import Host

_MAX_MESSAGE: Final = 131_072
"""Characters of one message that is read: a later offer has all sections."""


class Control:
    """Handles the messages of one sender, and answers each that it cannot handle with an error."""

    def __init__(self, host: Host, people: People, offered: Callable[[str], None], send: Callable[[str], None]) -> None:
        """``offered`` takes the SDP of a later offer, and may raise MeetingError; ``send`` sends a message."""
        self._host = host
        self._people = people
        self._offered = offered
        self._send = send

    def take(self, text: str) -> None:
        """Handle one message."""
        body: dict[str, Any] = {}
        try:
            if len(text) > _MAX_MESSAGE:
                raise BadRequestError(f"the message has {len(text)} characters, more than {_MAX_MESSAGE}; send less")
            body = parse_object(text)
            self._take(body)
        except MeetingError as error:
            self._send(of_refusal(error, body))

    def _take(self, body: dict[str, Any]) -> None:
        match body.get("type", "person"):
            case "person" | "switched":
                self._announced(body)
            case "renamed":
                name = read_text(body, "name")
                self._people.rename(person := self._people.find(read_id(body)), name)
                self._introduce(person)
            case "muted":
                self._mute(self._people.find(read_id(body)), body.get("muted"))
            case "gone":
                self._people.remove(self._people.find(read_id(body)), "left")
            case "consent" | "opt_out":
                self._refused(self._people.find(read_id(body)), body)
            case "offer":
                self._offered(read_text(body, "sdp"))
            case other:
                known = "person, switched, renamed, muted, gone, consent, offer"
                raise BadRequestError(f"'type' must be one of {known}, not {repr(other)[:40]}")

    def _announced(self, body: dict[str, Any]) -> None:
        try:
            person = self._people.announce(read_announcement(body))
        except MeetingError:
            # The person before has left the track, even if the rest of the message is wrong.
            if isinstance(mid := body.get("mid"), str) and (before := self._people.on(mid)) is not None:
                self._people.remove(before, "their track was given to somebody else, but the message cannot be read")
            raise
        if "muted" in body:
            self._mute(person, body["muted"])
        self._introduce(person)

    def _mute(self, person: Person, muted: object) -> None:
        if not isinstance(muted, bool):
            raise BadRequestError(f"'muted' must be true or false, not {repr(muted)[:40]}")
        person.attendee.muted = muted

    def _refused(self, person: Person, body: dict[str, Any]) -> None:
        if body.get("type") == "consent" and body.get("analysed") is not False:
            raise ForbiddenError(
                "a sender cannot agree for people, only pass on a refusal ('analysed': false): "
                "give each person their 'own_url', where they agree themselves"
            )
        self._host.answered(person.attendee, False)

    def _introduce(self, person: Person) -> None:
        notices = [each.event for each in self._host.present(person.attendee) if isinstance(each.event, Notice)]
        own_url = notices[0].own_url if notices else None
        self._send(of_person(person.id, person.mid, person.attendee, own_url))
