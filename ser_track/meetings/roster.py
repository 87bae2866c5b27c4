"""The people in one meeting, their answers, and the events sent to it: the `Host` of an adapter of any kind."""

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ser_track.config.schema import Config
from ser_track.errors import NotFoundError
from ser_track.event_types import EncodedEvent, EngineEvent, Event, Left, Notice, StreamKey
from ser_track.live.intake import Keep
from ser_track.live.live_engine import LiveEngine
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.channel import Channel
from ser_track.meetings.consent import Consents
from ser_track.meetings.link_answers import MAX_AGREEMENTS, LinkAnswers, Proof, code_notice, personal_notice
from ser_track.meetings.names import clean_name, distinct_name
from ser_track.meetings.recorder import MeetingRecorder
from ser_track.output.wire import encode

log = logging.getLogger(__name__)


class Roster:
    """The people of one meeting, from when they are first reported until their last results have been sent."""

    def __init__(
        self,
        channel: Channel,
        where: str,
        notice: Notice,
        consents: Consents,
        live: LiveEngine,
        config: Config,
        people_limit: str = "meetings.max_participants",
        *,
        personal_links: bool = False,
    ) -> None:
        """``where`` names the meeting in the log; ``consents`` may contain earlier answers there.

        For ``personal_links`` see `Capabilities`.
        """
        self.name = channel.log.meeting
        self.people: dict[str, Attendee] = {}
        """By their id on this server; includes people who are leaving."""
        folder = config.meetings.record_folder
        self.recorder = None if folder is None else MeetingRecorder(Path(folder), self.name)
        self.notice = notice
        self._where = where
        self._channel = channel
        self._consents = consents
        self._links = LinkAnswers(self, consents, personal=personal_links)
        self._live = live
        self._config = config
        self._people_limit = people_limit
        self._present: dict[str, Attendee] = {}
        """By the meeting's own id; only people who are there."""
        self._foreign_ids: dict[str, str] = {}
        """The meeting's own ids of all `people`, by their id on this server."""
        self._introductions: dict[str, EncodedEvent] = {}
        """The latest event that announces each person, by their id on this server."""
        self._announced: EncodedEvent | None = None
        self._parting: set[asyncio.Task[None]] = set()

    def joined(
        self,
        foreign: str,
        name: str,
        *,
        analysed: bool | None = None,
        sends_silence: bool = True,
        publishes: bool = True,
    ) -> Attendee | None:
        """See `Host`."""
        if (known := self._present.get(foreign)) is not None:
            return known
        if len(self._present) >= self._config.limit(self._people_limit):
            log.warning("%s: more people than %s: some are not analysed", self._where, self._people_limit)
            return None
        given = self._clean(name)
        if analysed is not None:
            self._consents.note(foreign, given, analysed)
            if not analysed:  # they refused in the meeting, so nobody gets the secret that could undo it
                self._consents.keep_secret(foreign, given, secrets.token_urlsafe(16))
        agreed = self._consents.of(foreign, given, self.notice.consent)
        attendee = Attendee(self, given, agreed, self._live, self._config.runtime, sends_silence, publishes)
        attendee.name = self._distinct(attendee)
        self._present[foreign] = self.people[attendee.id] = attendee
        self._foreign_ids[attendee.id] = foreign
        self._introduce(attendee)
        return attendee

    def publishing(self, foreign: str, publishes: bool) -> None:
        """See `Host`."""
        if (attendee := self._present.get(foreign)) is not None and attendee.publishes != publishes:
            attendee.publishes = publishes
            self._introduce(attendee)

    def renamed(self, foreign: str, name: str) -> None:
        """See `Host`."""
        if (attendee := self._present.get(foreign)) is not None:
            attendee.given_name = self._clean(name)
            attendee.name = self._distinct(attendee)
            self._consents.renamed(foreign, attendee.given_name)
            self._introduce(attendee)

    def left(self, foreign: str, reason: str) -> None:
        """See `Host`."""
        if (attendee := self._present.pop(foreign, None)) is not None:
            self._spawn(self._part(attendee, reason))

    def answered(self, attendee: Attendee, analysed: bool) -> None:
        """See `Host`. Only the meeting itself can turn such a refusal into an agreement: nobody gets its secret."""
        # Includes people who are leaving: their last answer holds when they come back.
        if (foreign := self._foreign_ids.get(attendee.id)) is None:
            return
        if not analysed:
            self._consents.keep_secret(foreign, attendee.given_name, secrets.token_urlsafe(16))
        elif attendee.agreements >= MAX_AGREEMENTS:
            log.warning("%s: '%s' changed their answer too often: their refusal stands", self._where, attendee.name)
            return
        self._answer(foreign, attendee, analysed)

    def answered_by_link(
        self, participant: str, analysed: bool, secret: str = "", *, key: str = "", code: str = ""
    ) -> str:
        """Record an answer for ``participant`` from the notice's page; returns the secret that allows to change it.

        Anyone may refuse for anyone: in doubt, nobody is analysed. An agreement needs a proof: see `LinkAnswers`. If
        somebody else has refused, it is unclear who of them is the participant: then only the person in the meeting
        can agree, or their own link, and the returned secret is empty.

        Raises:
            NotFoundError: the participant is not in the meeting (any longer).
            ForbiddenError: somebody else has answered before, or the answer was changed too often.
            ConfirmationNeededError: the agreement must be confirmed from inside the meeting.
        """
        attendee = self.find(participant)
        return self._links.give(self._foreign_ids[participant], attendee, analysed, Proof(secret, key, code))

    def find(self, participant: str) -> Attendee:
        """The person with this id.

        Raises:
            NotFoundError: they are not in the meeting (any longer).
        """
        attendee = self.people.get(participant)
        if attendee is None or attendee.leaving or participant not in self._foreign_ids:
            raise NotFoundError("this participant is not in the meeting (any longer); reload the page")
        return attendee

    def owner_of(self, key: str) -> str | None:
        """The id of the participant whose own link has ``key``."""
        return self._links.owner_of(key)

    def refused(self, participant: str) -> None:
        """See `LinkHost`."""
        self.answered(self.people[participant], False)

    def accepted(self, participant: str, analysed: bool) -> None:
        """See `LinkHost`."""
        self._answer(self._foreign_ids[participant], self.people[participant], analysed)

    def show_code(self, participant: str, code: str) -> None:
        """See `LinkHost`."""
        self._channel.emit(code_notice(self.notice, participant, self.people[participant].name, code))

    def present(self, to: Attendee | None = None) -> list[EncodedEvent]:
        """See `Host`."""
        notice = [] if self._announced is None else [self._announced]
        if to is not None:
            notice = [encode(personal_notice(self.notice, self._links.key_of(to.id))) for _ in notice]
        return notice + [self._introduction(attendee) for attendee in self._present.values()]

    def announce(self) -> None:
        """Send the notice to everyone."""
        self._announced = self._channel.emit(self.notice)

    def everybody_left(self, reason: str) -> None:
        """Remove everyone: the meeting is lost, or over. The last results of all come before anyone's `Left`."""
        leaving = [self._present.pop(foreign) for foreign in tuple(self._present)]
        if leaving:
            everyone = asyncio.create_task(_finish_all(leaving))
            for attendee in leaving:
                attendee.leaving = True
                self._spawn(self._part(attendee, reason, everyone))

    async def parted(self) -> None:
        """See `Host`."""
        if self._parting:  # no `gather`: a caller that waits may be cancelled, and these tasks must not be
            await asyncio.wait(set(self._parting))

    def emit(self, event: Event) -> EncodedEvent:
        """Send an event to everyone."""
        return self._channel.emit(event)

    def keeper(self, key: StreamKey, name: str) -> Keep | None:
        """The recorder of a new stream's audio, if the meeting is recorded."""
        return None if self.recorder is None else self.recorder.keeper(key.stream, name)

    def end(self) -> None:
        """No more events will come."""
        self._channel.log.end()
        if self.recorder is not None:
            self._live.call(self.recorder.close)

    def put(self, event: EngineEvent) -> None:
        """The consent guard: send an event of the engine, unless the participant has withdrawn meanwhile."""
        attendee = self.people.get(event.key.participant)
        if attendee is not None and attendee.agreed and attendee.key == event.key:
            self.emit(event)

    def check(self) -> None:
        """Check regularly whose audio has stalled, or arrives again."""
        for attendee in tuple(self._present.values()):
            attendee.check(time.monotonic())

    def _clean(self, name: str) -> str:
        return clean_name(name, self._config.rooms.max_name_length, self._config.meetings.display_name)

    def _distinct(self, attendee: Attendee) -> str:
        others = (other.name for other in self._present.values() if other is not attendee)
        return distinct_name(attendee.given_name, others, self._config.rooms.max_name_length)

    def _introduce(self, attendee: Attendee) -> None:
        self._introductions[attendee.id] = self.emit(attendee.joined)

    def _introduction(self, attendee: Attendee) -> EncodedEvent:
        encoded, joined = self._introductions[attendee.id], attendee.joined
        if encoded.event != joined:  # another stream began, or their answer changed
            encoded = self._introductions[attendee.id] = encode(joined)
        return encoded

    def _answer(self, foreign: str, attendee: Attendee, analysed: bool) -> None:
        self._consents.note(foreign, attendee.given_name, analysed)
        attendee.set_consent(analysed)
        if not attendee.publishes:  # whatever they answered, they send nothing to analyse
            self._introduce(attendee)

    async def _part(self, attendee: Attendee, reason: str, after: "asyncio.Task[None] | None" = None) -> None:
        try:
            await attendee.finish()
            if after is not None:
                await asyncio.wait([after])
        finally:
            self.people.pop(attendee.id, None)
            self._foreign_ids.pop(attendee.id, None)
            self._introductions.pop(attendee.id, None)
            self._links.forget(attendee.id)
        self.emit(Left(attendee.key, reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)


async def _finish_all(attendees: list[Attendee]) -> None:
    await asyncio.gather(*(attendee.finish() for attendee in attendees), return_exceptions=True)
