"""The bot in one meeting: joins, comes back when the meeting is lost, leaves politely."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from ser_track.config.schema import Config
from ser_track.errors import JoinError
from ser_track.event_types import Announcement, Consent, Event, MeetingChanged, MeetingState, Notice
from ser_track.live.live_engine import LiveEngine
from ser_track.meetings.adapter import Adapter
from ser_track.meetings.channel import Channel
from ser_track.meetings.consent import Consents
from ser_track.meetings.meeting import Services
from ser_track.meetings.notice_text import notice_text
from ser_track.meetings.retry import Backoff
from ser_track.meetings.roster import Roster

log = logging.getLogger(__name__)
FINAL = frozenset({"no_room", "wrong_pin", "unauthorized", "kicked", "destroyed"})
"""Codes of a `JoinError` with which the other server does not want us: coming back is useless."""
_RESULTS_S: Final = 5.0
_OF_A_RESTART = frozenset({"no_room"})
"""… unless the meeting was there before: a server that restarts may make its rooms a moment later."""
_SETTLED_S: Final = 30.0
"""A meeting that held for so long is well; one that is lost sooner, again and again, is waited for ever longer."""


class Session:
    """From `start` to `leave`, or until there is no meeting to come back to. Iterate over it for its events."""

    def __init__(
        self,
        adapter: Adapter,
        target: Any,
        consent: Consent,
        consents: Consents,
        base_url: str | None,
        live: LiveEngine,
        services: Services,
    ) -> None:
        """``target`` names the meeting to its ``adapter``; ``base_url`` is where people reach a page with the notice.

        ``consents`` may know what was answered there before.
        """
        # Anyone who is told the link can refuse; nobody else can guess it.
        self.id = f"m-{secrets.token_urlsafe(12)}"
        self.adapter = adapter
        self.target = target
        self.where: str = target.where
        config = services.config
        url = None if base_url is None else f"{base_url}/meetings/{self.id}/notice"
        recorded = config.meetings.record_folder is not None
        notice = Notice(notice_text(consent, url, recorded, adapter.capabilities), url, consent)
        self.channel = Channel(self.id)
        self.roster = Roster(self.channel, self.where, notice, consents, live, config)
        self.meeting = adapter.make(target, self.roster, services)
        self.channel.add(self.meeting)
        self.state: MeetingState = "joining"
        self.reason: str | None = None
        """Why it is not joined, where it is not."""
        self.since_s = time.time()
        """When it came into this state, in seconds of the wall clock."""
        self.ending = False
        """Whether it is about to be over: nobody can come to it any more."""
        self.called_back = False
        """Whether somebody asked for its end."""
        self.missed_events = 0
        """Events that iterations over this session were too slow for."""
        self._config: Config = config
        self._to_leave = False
        self._leaving = asyncio.Lock()
        self._backoff, self._give_up_at = Backoff(), 0.0
        self._joining: asyncio.Task[None] | None = None
        self._staying: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncIterator[Event | Announcement]:
        """Every event, from the first that is kept on, until the bot has left; `reason` then says why.

        A reader that falls behind by more than `KEPT_EVENTS` skips the oldest; `missed_events` counts them.
        """
        log_, seen = self.channel.log, 0
        while True:
            if (entries := log_.after(seen)) is None:
                missed = log_.oldest - 1 - seen
                log.warning(
                    "%s: a slow reader missed %d events; read faster, or do the work elsewhere", self.id, missed
                )
                self.missed_events += missed
                seen += missed
                continue
            for entry in entries:
                yield entry.encoded.event
                seen = entry.number
            if log_.ended and log_.last <= seen:
                return
            await log_.news(seen)

    def host(self) -> None:
        """Begin a meeting that people, or bridges, come to: nothing need be joined."""
        self._joined()
        self._log_rule()
        self._staying = asyncio.create_task(self._stay())

    async def start(self) -> None:
        """Join.

        Raises:
            JoinError: it cannot be joined, or was left meanwhile; the session is over.
        """
        self._joining = joining = asyncio.create_task(self.meeting.connect())
        try:
            await joining
            if self._to_leave:  # at the last moment
                raise asyncio.CancelledError
        except JoinError as error:
            await self._empty(str(error))
            self._end(str(error))
            raise
        except BaseException:  # cancelled in the middle
            await self.meeting.close()
            if self._to_leave:
                raise JoinError(self.where, "join", "the bot was called back meanwhile", "called_back") from None
            self._end("it was not joined")
            raise
        self._joining = None
        self._joined()
        self._log_rule()
        self._staying = asyncio.create_task(self._stay())

    async def leave(self, reason: str, results_s: float = _RESULTS_S) -> None:
        """Say goodbye, with the last results before it; when this returns, nothing is left on either side.

        Results that take longer than ``results_s`` are not waited for.
        """
        async with self._leaving:  # several may ask for it
            await self._leave(reason, results_s)

    async def _leave(self, reason: str, results_s: float) -> None:
        self._to_leave = self.ending = True
        tasks = [task for task in (self._joining, self._staying) if task is not None]
        self._joining = self._staying = None
        for task in tasks:
            task.cancel()
            await asyncio.wait([task], timeout=results_s)
        if self.state == "left":
            return
        try:
            async with asyncio.timeout(results_s):
                await self._empty(reason)
        except TimeoutError:
            log.error("%s: the last results took over %.0f s and are not told there", self.where, results_s)
        try:
            self._change("left", reason)
            await self.meeting.close()
        finally:
            self.roster.everybody_left(reason)  # who came while we were leaving
            self.roster.end()

    async def ended(self) -> None:
        """Return when the session is over, however that came."""
        while self.state != "left":
            await self.channel.log.news(self.channel.log.last)

    async def _stay(self) -> None:
        try:
            while True:
                begun = time.monotonic()
                try:
                    reason = await self.meeting.wait()
                except JoinError as error:
                    self.ending = True
                    await self._lose(str(error))
                    self._end(str(error))
                    return
                log.warning("%s: lost (%s); trying to come back", self.where, reason)
                if (now := time.monotonic()) - begun > _SETTLED_S or not self._give_up_at:
                    self._backoff, self._give_up_at = Backoff(), now + self._config.meetings.give_up_after_s
                await self._lose(reason)
                self._change("reconnecting", reason)
                if not await self._come_back():
                    return
                self._joined()
        except Exception as error:  # one meeting that fails is no matter of the others
            log.exception("%s: the session failed", self.where)
            await self._lose("the bot failed")
            self._end(f"the bot failed ({error!r}); the log says why")

    async def _lose(self, reason: str) -> None:
        await self._empty(reason)
        await self.meeting.close()
        await self._empty(reason)  # who came meanwhile

    async def _empty(self, reason: str) -> None:
        self.roster.everybody_left(reason)
        await self.roster.parted()

    async def _come_back(self) -> bool:
        while True:
            await asyncio.sleep(self._backoff.next_s())
            try:
                await self.meeting.connect()
            except JoinError as error:
                log.warning("%s", error)
                await self._empty(str(error))
                if error.code in FINAL - _OF_A_RESTART or time.monotonic() > self._give_up_at:
                    self._end(str(error))
                    return False
                self.reason = str(error)
            else:
                return True

    def _joined(self) -> None:
        log.info("%s: joined", self.where)
        self._change("joined", None)
        self.roster.announce()

    def _log_rule(self) -> None:
        """Say why no results come yet: else a program that sends audio would look for a fault."""
        notice = self.roster.notice
        if notice.consent == "required" and self.adapter.capabilities.needs_link:
            place = f"at {notice.url}" if notice.url is not None else "in the meeting"
            log.info("%s: nobody is analysed before they agree, %s (consent is 'required')", self.where, place)

    def _end(self, reason: str) -> None:
        self._change("left", reason)
        self.roster.end()

    def _change(self, state: MeetingState, reason: str | None) -> None:
        self.state, self.reason, self.since_s = state, reason, time.time()
        self.channel.emit(MeetingChanged(self.id, state, reason))
