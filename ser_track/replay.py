"""Runs a source through the engine at the source's speed; drops nothing, and results do not depend on the speed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ser_track.chunk import Chunk, ParticipantChunk
from ser_track.classifier_threads import OrderedClassification
from ser_track.engine.engine import Engine
from ser_track.errors import AudioError, InferenceError
from ser_track.event_types import Event, Fault, Joined, Left, StreamKey


class AudioSource(Protocol):
    """A source of audio: a recording, an array or a microphone."""

    @property
    def participants(self) -> tuple[str, ...]:
        """The names of the participants, each once."""
        ...

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Yield chunks of all participants; those of one participant are in time order.

        Raises:
            AudioError: no more audio can be read; the message gives the reason.
        """
        ...


class BlockBuffer:
    """Collects one participant's chunks into blocks of media time, so that results do not depend on packet sizes."""

    def __init__(self, block_samples: int) -> None:
        """Block k covers samples ``block_samples * k`` up to the next."""
        self._block_samples = block_samples
        self._end = block_samples
        self._held: list[Chunk] = []

    def push(self, chunk: Chunk) -> Iterator[list[Chunk]]:
        """Add ``chunk``; yields each complete block. A gap ends a block.

        A chunk without samples means silence up to its time.
        """
        at, samples = chunk
        silence = not len(samples)
        while at + len(samples) >= self._end:
            inside = max(0, self._end - at)
            self._hold(Chunk(at, samples[:inside]))
            yield self.take()
            at, samples = at + inside, samples[inside:]
            self._end = (at // self._block_samples + 1) * self._block_samples
        if silence:
            self._held.append(Chunk(at, samples))
        self._hold(Chunk(at, samples))

    def take(self) -> list[Chunk]:
        """Return the buffered chunks, even if the block is incomplete."""
        block, self._held = self._held, []
        return block

    def _hold(self, chunk: Chunk) -> None:
        if len(chunk.samples):
            self._held.append(chunk)


def replay(
    source: AudioSource,
    stream: str,
    engine: Engine,
    block_samples: int,
    *,
    provisional: bool = True,
    threads: int = 0,
    names: Sequence[str] = (),
    on_block: Callable[[], None] = lambda: None,
) -> Iterator[Event]:
    """Yield every event of ``source``: each participant joins, speaks and leaves; ``stream`` names the source.

    Without ``provisional``, provisional results are not computed; final ones are the same. The classifier runs on
    ``threads`` additional threads; the events and their order are the same. If ``names`` are given, participants have
    these names; there must be one for each.
    ``on_block`` is called after each block of work, with or without events. Audio that cannot be read becomes a `Fault`
    of every participant, after the results of the audio before it.

    Raises:
        InferenceError: the voice detector failed.
    """
    shown = names or source.participants
    keys = {own: StreamKey("file", name, stream) for own, name in zip(source.participants, shown, strict=True)}
    blocks = {name: BlockBuffer(block_samples) for name in keys}
    for key in keys.values():
        engine.open(key)
        yield Joined(key, key.participant, analysed=True)
    problem: AudioError | None = None
    with OrderedClassification(engine, threads) as classification:
        try:
            try:
                for name, chunk in source:
                    for block in blocks[name].push(chunk):
                        _push(engine, keys[name], block)
                        yield from classification.after(*engine.advance(provisional))
                        on_block()
            except AudioError as error:
                problem = error
            for name, key in keys.items():
                _push(engine, key, blocks[name].take())
                yield from classification.after(*engine.finish(key))
                yield from classification.after(_farewell(key, problem), [])
        except InferenceError:
            yield from classification.rest()  # what came before it
            raise
        yield from classification.rest()


def _push(engine: Engine, key: StreamKey, block: Sequence[Chunk]) -> None:
    for chunk in block:
        engine.push(key, chunk)


def _farewell(key: StreamKey, problem: AudioError | None) -> list[Event]:
    if problem is None:
        return [Left(key, "end")]
    # The path in the message may contain bytes that are not UTF-8.
    fault = Fault(key, "audio_unreadable", str(problem).encode("utf-8", "replace").decode())
    return [fault, Left(key, "error")]
