"""One engine, one clock, and the meetings that the bot is in. No HTTP server.

The command line, the HTTP service and the library are three ways to use `Bot`.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

from ser_track.config.schema import Config, load_config
from ser_track.errors import BadRequestError, ClosedError
from ser_track.event_types import Announcement, Consent, EngineEvent, Event
from ser_track.labels import LabelSet
from ser_track.live.cpu_stages import CpuStages, TimedClassifier, TimedDetector
from ser_track.live.live_engine import LiveEngine
from ser_track.live.metrics import Metrics
from ser_track.meetings.http_client import HttpClient
from ser_track.meetings.meeting import Services
from ser_track.meetings.registry import read_url
from ser_track.meetings.session import Session
from ser_track.meetings.sessions import Sessions
from ser_track.models import Models, load_models, new_engine


class Bot:
    """Joins meetings, and analyses everyone in them who may be analysed.

    Use it once, as a context manager: it joins meetings inside the ``async with`` block, and leaves them at its end.

    ```python
    async with Bot() as bot:
        meeting = await bot.join("janus://127.0.0.1:8188?room=1234")
        async for event in meeting:
            print(event)
    ```
    """

    def __init__(self, config: Config | Path | str | None = None, models: Models | None = None) -> None:
        """Load the models, and the configuration if a path is given. Create it outside the event loop: it reads files.

        Raises:
            ConfigError: the configuration cannot be used.
            ModelError: a model file is missing or does not fit.
        """
        self.config = config if isinstance(config, Config) else load_config(None if config is None else Path(config))
        self.metrics = Metrics()
        models = models or load_models(self.config.pipeline)
        self.labels: LabelSet = models.classifier.labels
        """The emotions that the model distinguishes, and how they are shown."""
        stages = CpuStages()
        timed = Models(TimedDetector(models.detector, stages), TimedClassifier(models.classifier, stages))
        engine = new_engine(self.config.pipeline, timed)
        self.live = LiveEngine(engine, self.config.runtime, self._put, self.metrics, stages)
        self._http = HttpClient()
        self.meetings = Sessions(Services(self.config, self.metrics, self.live, self._http), self.live)
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start the engine's threads.

        Raises:
            ClosedError: it was started before.
        """
        if self._watching is not None:
            raise ClosedError("this bot was started before, and a bot starts once; make another Bot")
        self.live.start()
        self._watching = asyncio.create_task(self.meetings.watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave every meeting, after the last results are sent, and stop."""
        try:
            await self.meetings.leave_all()
        finally:  # also where the caller is cancelled while the bot leaves
            await self._stop()

    async def join(self, url: str, *, consent: Consent | None = None, **options: Any) -> Session:
        """Join the meeting at ``url``. Its scheme names the kind; ``options`` are those of the kind, and override it.

        Everybody there gets a notice about what the bot does. Nobody is analysed before they agree, unless
        ``consent`` is ``"notice"``; without it, ``meetings.consent`` of the configuration applies. No web server
        runs, so the notice has no link: people answer in the meeting itself. Iterate over the result for the events.

        Raises:
            BadRequestError: no kind of meeting has such a URL, or an option is missing, unknown or impossible.
            ClosedError: the bot is not running: this is not inside its ``async with`` block.
            JoinError: the meeting cannot be joined; the message names the meeting, the step and the reason.
            MeetingFullError: the bot is in as many meetings as ``meetings.max_meetings``.
        """
        if self._watching is None or self._watching.done():
            raise ClosedError("this bot is not running; join inside `async with Bot(…) as bot:`")
        if consent is not None and consent not in get_args(Consent):
            raise BadRequestError(f"'consent' must be one of {', '.join(get_args(Consent))}, not {consent!r}")
        adapter, target = read_url(url, options)
        return await self.meetings.join(adapter, target, None, consent)

    async def _stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._http.close()
        await self.live.stop()

    def _put(self, events: list[EngineEvent]) -> None:
        self.meetings.put(events)


async def join(
    url: str, *, config: Config | Path | str | None = None, consent: Consent | None = None, **options: Any
) -> AsyncGenerator[Event | Announcement, None]:
    """Every event of the meeting at ``url``, until the meeting is over or the caller stops; see `Bot.join`.

    ```python
    async for event in ser_track.join("janus://127.0.0.1:8188", room="1234"):
        print(event)
    ```

    If you stop early, use `contextlib.aclosing`: the bot has left the meeting when that block ends.

    Raises:
        SerTrackError: `Bot` or `Bot.join` failed; raised at the first event.
    """
    bot = await asyncio.to_thread(Bot, config)
    async with bot:
        async for event in await bot.join(url, consent=consent, **options):
            yield event
