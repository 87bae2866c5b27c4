"""Who is in one meeting on another server, what they answered, and what all are told: the `Host` of its adapter."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ser_track.config.schema import Config
from ser_track.errors import ForbiddenError, NotFoundError
from ser_track.events import Announcement, EncodedEvent, EngineEvent, Event, Joined, Left, Notice, StreamKey
from ser_track.live.intake import Keep
from ser_track.live.live_engine import LiveEngine
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.consent import Consents
from ser_track.meetings.event_log import EventLog
from ser_track.meetings.meeting import Meeting
from ser_track.meetings.notice_text import clean_name
from ser_track.meetings.recorder import MeetingRecorder
from ser_track.output.wire import encode

log = logging.getLogger(__name__)
Listener = Callable[[EncodedEvent], None]
_MOST_AGREEMENTS = 50
"""Of one person: each begins a stream. A refusal is never refused."""


class Roster:
    """The people of one meeting, from the moment they are known until their last words are told."""

    def __init__(
        self, name: str, meeting: Meeting, notice: Notice, consents: Consents, live: LiveEngine, config: Config
    ) -> None:
        """``name`` is the meeting's id here; ``consents`` may know what was answered there before."""
        self.name = name
        self.log = EventLog(name)
        self.people: dict[str, Attendee] = {}
        """By their id here; also those who are just leaving."""
        folder = config.meetings.record_folder
        self.recording = None if folder is None else MeetingRecorder(Path(folder), name)
        self.notice = notice
        self._meeting = meeting
        self._consents = consents
        self._live = live
        self._config = config
        self._present: dict[str, Attendee] = {}
        """By their server's id; those who are there."""
        self._foreign_ids: dict[str, str] = {}
        """By id here, of all `people`."""
        self._parting: set[asyncio.Task[None]] = set()
        self.listeners: list[Listener] = []
        """Called with each event."""

    def joined(self, foreign: str, name: str, sends_silence: bool = True) -> Attendee | None:
        """See `Host`."""
        if (known := self._present.get(foreign)) is not None:
            return known
        if len(self._present) >= self._config.meetings.max_participants:
            log.warning("%s: over meetings.max_participants people: not all are heard", self._meeting.where)
            return None
        shown = clean_name(name, self._config.rooms.max_name_length)
        analysed = self._consents.of(foreign, shown, self.notice.consent)
        attendee = Attendee(self, shown, analysed, self._live, self._config.runtime, sends_silence)
        self._present[foreign] = self.people[attendee.id] = attendee
        self._foreign_ids[attendee.id] = foreign
        self.publish(attendee.joined)
        self._meeting.announce(encode(self.notice), attendee)
        return attendee

    def renamed(self, foreign: str, name: str) -> None:
        """See `Host`."""
        if (attendee := self._present.get(foreign)) is not None:
            attendee.name = clean_name(name, self._config.rooms.max_name_length)
            self._consents.renamed(foreign, attendee.name)
            self.publish(attendee.joined)

    def left(self, foreign: str, reason: str) -> None:
        """See `Host`."""
        if (attendee := self._present.pop(foreign, None)) is not None:
            self._spawn(self._part(attendee, reason))

    def attendee(self, foreign: str) -> Attendee | None:
        """See `Host`."""
        return self._present.get(foreign)

    def answered(self, attendee: Attendee, analysed: bool) -> None:
        """See `Host`. Who refused within the meeting can be made to agree there alone: nobody gets this secret."""
        # Also of who is just leaving: what they said last holds when they come back.
        if (foreign := self._foreign_ids.get(attendee.id)) is None:
            return
        if not analysed:
            self._consents.keep_secret(foreign, attendee.name, secrets.token_urlsafe(16))
        elif attendee.agreements >= _MOST_AGREEMENTS:
            log.warning(
                "%s: '%s' changes their mind too often: their refusal stands", self._meeting.where, attendee.name
            )
            return
        self._note(foreign, attendee, analysed)

    def answered_outside(self, participant: str, analysed: bool, secret: str) -> str:
        """An answer for ``participant`` by somebody with the link of the notice; returns the secret to change it with.

        Anybody may refuse for anybody: in doubt nobody is analysed. Once an answer was given, only whoever has its
        secret, or the person within the meeting, can make it an agreement. Once somebody else refused too, it is
        not known who of them it is about: then only the person within the meeting can, and the secret is empty.

        Raises:
            NotFoundError: they are not in the meeting (any more).
            ForbiddenError: somebody else has answered before.
        """
        attendee = self.people.get(participant)
        foreign = self._foreign_ids.get(participant)
        if attendee is None or attendee.leaving or foreign is None:
            raise NotFoundError("this participant is not in the meeting (any more); reload the page")
        kept = self._consents.secret(foreign, attendee.name)
        mine = kept is None or secrets.compare_digest(kept.encode(), secret.encode(errors="surrogatepass"))
        if not mine and analysed:
            raise ForbiddenError(
                "somebody else has answered for this participant; it can be changed where they did, or in the meeting"
            )
        if not mine:
            self.answered(attendee, False)
            return ""
        given = kept or secrets.token_urlsafe(16)
        self._consents.keep_secret(foreign, attendee.name, given)
        self._note(foreign, attendee, analysed)
        return given

    def present(self) -> list[Joined]:
        """See `Host`."""
        return [attendee.joined for attendee in self._present.values()]

    def everybody_left(self, reason: str) -> None:
        """See `Host`."""
        for foreign in tuple(self._present):
            self.left(foreign, reason)

    async def parted(self) -> None:
        """Return when the last words of all who have left were told."""
        if self._parting:  # no `gather`: whoever waits may be cancelled, and they must not be
            await asyncio.wait(set(self._parting))

    def publish(self, event: Event) -> None:
        """Tell the meeting, and the programs that read along."""
        self.note(event)
        self._meeting.publish(encode(event))

    def keeper(self, key: StreamKey, name: str) -> Keep | None:
        """See `Home`."""
        return None if self.recording is None else self.recording.keeper(key.stream, name)

    def note(self, event: Event | Announcement) -> None:
        """Tell the programs that read along."""
        line = encode(event)
        self.log.put(line)
        for listener in self.listeners:
            listener(line)

    def end(self) -> None:
        """Nothing more comes."""
        self.log.end()
        if self.recording is not None:
            self._live.call(self.recording.close)

    def deliver(self, event: EngineEvent) -> None:
        """Publish what the engine found, unless the participant withdrew meanwhile."""
        attendee = self.people.get(event.key.participant)
        if attendee is not None and attendee.analysed and attendee.key == event.key:
            self.publish(event)

    def check(self) -> None:
        """Once in a while: whose audio has stalled, or come back?"""
        for attendee in tuple(self._present.values()):
            attendee.check(time.monotonic())

    def _note(self, foreign: str, attendee: Attendee, analysed: bool) -> None:
        self._consents.note(foreign, attendee.name, analysed)
        attendee.set_consent(analysed)

    async def _part(self, attendee: Attendee, reason: str) -> None:
        try:
            await attendee.finish()
        finally:
            self.people.pop(attendee.id, None)
            self._foreign_ids.pop(attendee.id, None)
        self.publish(Left(attendee.key, reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)
