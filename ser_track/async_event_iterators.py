"""`aevents`: the typed events of audio that arrives piece by piece, on an event loop."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Unpack

from numpy.typing import ArrayLike

from ser_track.config.pipeline_options import PipelineOptions
from ser_track.errors import InferenceError, SegmentError
from ser_track.event_types import Event, Joined, Left, StreamKey
from ser_track.models import Models
from ser_track.pipeline import SERPipeline


async def aevents(
    source: AsyncIterable[bytes | bytearray | memoryview | ArrayLike],
    *,
    rate_hz: int,
    name: str = "participant",
    config_file: str | Path | None = None,
    models: Models | None = None,
    **pipeline: Unpack[PipelineOptions],
) -> AsyncGenerator[Event, None]:
    """Yield every event of one participant, called ``name``, whose audio ``source`` gives in pieces of any length.

    >>> async def microphone():  # stands for whatever you have: a socket, a queue, a sound card
    ...     for piece in np.array_split(np.fromfile("call.f32", np.float32), 20):
    ...         yield piece
    >>> async def main():
    ...     async for event in aevents(microphone(), rate_hz=16_000, name="Ann"):
    ...         if isinstance(event, SpeechStarted):
    ...             print(event.key.participant, f"{event.start_s:.1f} s")
    >>> asyncio.run(main())
    Ann 0.3 s
    Ann 5.4 s
    Ann 6.9 s
    Ann 12.6 s

    Pieces are what `SERPipeline.consume` takes: bytes in the configured format, or floats, at ``rate_hz``. The event
    loop never waits: a thread works on one piece at a time, and the next piece is requested once the events of the last
    one were taken. So nothing is buffered here. A source that cannot wait must buffer, or drop, what arrives meanwhile.
    After an early end (a ``break``, a cancelled task), at most one piece is still worked on to its end.
    If the classifier fails on a segment, a `Fault` is among the events.

    Raises:
        AudioError: a piece is not in the configured format.
        ConfigError: as `SERPipeline`.
        ModelError: as `SERPipeline`.
        InferenceError: the voice detector failed.
        Exception: whatever ``source`` raises.

    Errors of audio, detector and source are raised after the results of what came before.
    """
    options: PipelineOptions = {**pipeline, "sample_rate_hz": rate_hz}
    participant = await asyncio.to_thread(SERPipeline, config_file, models=models, **options)
    key, told, problem = StreamKey("async", name, "0"), deque[Event](), None
    yield Joined(key, name, analysed=True)
    try:
        async for data in source:
            await asyncio.to_thread(_collect, participant, partial(participant.consume, data), told)
            while told:
                yield replace(told.popleft(), key=key)
    except Exception as error:
        problem = error
    try:
        await asyncio.to_thread(_collect, participant, participant.flush, told)
    except InferenceError as error:
        problem = problem or error
    while told:
        yield replace(told.popleft(), key=key)
    yield Left(key, "end" if problem is None else "error")
    if problem is not None:
        raise problem


def _collect(participant: SERPipeline, work: Callable[[], object], told: deque[Event]) -> None:
    """Do ``work`` and add its events, also those before a failure. A segment's failure is one of them already."""
    try:
        with suppress(SegmentError):
            work()
    finally:
        told.extend(participant.events)
