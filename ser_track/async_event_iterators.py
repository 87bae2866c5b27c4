"""For programs on an event loop: the typed events of audio that comes piece by piece."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from ser_track.errors import InferenceError
from ser_track.events import Event, Fault, Joined, Left, StreamKey
from ser_track.models import Models
from ser_track.pipeline import SERPipeline


async def aevents(
    source: AsyncIterable[bytes | bytearray | memoryview | ArrayLike],
    *,
    rate_hz: int,
    name: str = "participant",
    config_file: str | Path | None = None,
    models: Models | None = None,
    **pipeline: Any,
) -> AsyncGenerator[Event, None]:
    """Every event of one participant, called ``name``, whose audio ``source`` gives in pieces of any length.

    Pieces are what `SERPipeline.consume` takes: bytes in the configured format, or floats; at ``rate_hz``. The event
    loop is never held up: each piece is worked on by a thread, one at a time, and the next is asked for when the events
    of the last were taken. So nothing piles up here; a source that cannot wait must hold what comes meanwhile, or drop
    it. Who stops early, or is cancelled, leaves at most one piece to be worked on to its end.
    A segment that the model fails at is a `Fault` among the events.

    Raises:
        AudioError: a piece is not in the configured format.
        ConfigError: as `SERPipeline`.
        ModelError: as `SERPipeline`.
        InferenceError: the voice detector failed.
        Exception: whatever ``source`` raises. Before this and all of the above but configuration and model, what was
            open gets its result.
    """
    heard = await asyncio.to_thread(SERPipeline, config_file, models=models, **{**pipeline, "sample_rate_hz": rate_hz})
    key, told, problem = StreamKey("async", name, "0"), deque[Event](), None
    yield Joined(key, name, analysed=True)
    try:
        async for data in source:
            await asyncio.to_thread(_collect, heard, partial(heard.consume, data), told)
            while told:
                yield replace(told.popleft(), key=key)
    except Exception as error:
        problem = error
    try:
        await asyncio.to_thread(_collect, heard, heard.flush, told)
    except InferenceError as error:
        problem = problem or error
    while told:
        yield replace(told.popleft(), key=key)
    yield Left(key, "end" if problem is None else "error")
    if problem is not None:
        raise problem


def _collect(heard: SERPipeline, work: Callable[[], object], told: deque[Event]) -> None:
    """Do ``work`` and add its events, also those before a failure. A failure that is among them needs no raising."""
    try:
        work()
    except InferenceError as error:
        if str(error) not in [event.message for event in heard.events if isinstance(event, Fault)]:
            raise
    finally:
        told.extend(heard.events)
