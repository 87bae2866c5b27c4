"""The bot in one meeting: it joins, comes back when the meeting is lost, and says goodbye when it leaves."""

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
"""Codes of a `JoinError` that mean that the other server refuses the bot: trying again is useless."""
_RESULTS_S: Final = 5.0
_OF_A_RESTART = frozenset({"no_room"})
"""… unless the bot was in the meeting before: a server that restarts may create its rooms a moment later."""
_SETTLED_S: Final = 30.0
"""After this time a connection counts as stable. If it is lost sooner, the wait before each retry grows."""


class Session:
    """From `start` to `leave`, or until the meeting is over. Iterate over it for its events."""

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
        """``target`` identifies the meeting for its ``adapter``; ``base_url`` is where people reach the notice's page.

        ``consents`` may contain earlier answers there.
        """
        # Anyone who gets the link can refuse; nobody else can guess it.
        self.id = f"m-{secrets.token_urlsafe(12)}"
        self.adapter = adapter
        self.target = target
        self.where: str = target.where
        config = services.config
        url = None if base_url is None else f"{base_url}/meetings/{self.id}/notice"
        recorded = config.meetings.record_folder is not None
        notice = Notice(notice_text(consent, url, recorded, adapter.capabilities), url, consent)
        self.channel = Channel(self.id)
        personal = adapter.capabilities.personal_links
        limit = adapter.people_limit
        self.roster = Roster(self.channel, self.where, notice, consents, live, config, limit, personal_links=personal)
        self.meeting = adapter.make(target, self.roster, services)
        self.channel.add(self.meeting)
        self.state: MeetingState = "joining"
        self.reason: str | None = None
        """Why the bot is not in the meeting, if it is not."""
        self.since_s = time.time()
        """When it entered this state, in seconds of the wall clock."""
        self.ending = False
        """Whether it is about to end: nobody can join it any longer."""
        self.called_back = False
        """Whether somebody called the bot back."""
        self.missed_events = 0
        """Events that slow iterations over this session have missed."""
        self._config: Config = config
        self._to_leave = False
        self._leaving = asyncio.Lock()
        self._backoff, self._give_up_at = Backoff(), 0.0
        self._joining: asyncio.Task[None] | None = None
        self._staying: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncIterator[Event | Announcement]:
        """Every event, from the oldest that is still kept until the bot has left; `reason` then says why.

        A reader that falls behind by more than `KEPT_EVENTS` skips the oldest; `missed_events` counts them.
        """
        log_, seen = self.channel.log, 0
        while True:
            if (entries := log_.after(seen)) is None:
                missed = log_.oldest - 1 - seen
                log.warning(
                    "%s: a slow reader missed %d events; read faster, or move the work to another task", self.id, missed
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
        """Begin a meeting that people or bridges connect to: the bot does not need to join it."""
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
            if self._to_leave:  # `leave` was called at the last moment
                raise asyncio.CancelledError
        except JoinError as error:
            await self._empty(str(error))
            self._end(str(error))
            raise
        except BaseException:  # cancelled during the join
            await self.meeting.close()
            if self._to_leave:
                raise JoinError(self.where, "join", "the bot was called back meanwhile", "called_back") from None
            self._end("the join was cancelled")
            raise
        self._joining = None
        self._joined()
        self._log_rule()
        self._staying = asyncio.create_task(self._stay())

    async def leave(self, reason: str, results_s: float = _RESULTS_S) -> None:
        """Say goodbye, after the last results. Returns once nothing is left on either side.

        Results that take longer than ``results_s`` are not sent.
        """
        async with self._leaving:  # several tasks may call it
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
            try:
                await self._send_last_results(reason, results_s)
            finally:  # also when cancelled: readers wait for the end
                self._change("left", reason)
            await self.meeting.close()
        finally:
            self.roster.everybody_left(reason)  # people who joined while the bot was leaving
            self.roster.end()

    async def _send_last_results(self, reason: str, results_s: float) -> None:
        try:
            async with asyncio.timeout(results_s):
                await self._empty(reason)
        except TimeoutError:
            log.error("%s: the last results took over %.0f s and are not sent there", self.where, results_s)

    async def ended(self) -> None:
        """Return once the session is over, for whatever reason."""
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
        except Exception as error:  # a failure in one meeting must not affect the others
            log.exception("%s: the session failed", self.where)
            await self._lose("the bot failed")
            self._end(f"the bot failed ({error!r}); the log says why")

    async def _lose(self, reason: str) -> None:
        await self._empty(reason)
        await self.meeting.close()
        await self._empty(reason)  # people who joined meanwhile

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
        """Log why no results come yet; otherwise the developer of a program would search for a fault."""
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
