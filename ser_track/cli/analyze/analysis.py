"""Runs one recording through the engine, in this process or in a worker process."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.cli.analyze.documents import Documents
from ser_track.cli.analyze.inputs import Input
from ser_track.cli.analyze.sinks import RecordingSink
from ser_track.config.schema import PipelineConfig
from ser_track.errors import AudioError
from ser_track.event_types import Fault
from ser_track.models import new_engine
from ser_track.output.wire import encode
from ser_track.recordings.recording import Recording, open_meeting, open_recording
from ser_track.replay import replay

Show = Callable[[float, float | None], None]
"""Receives the number of seconds that are done, and the total, if that is known."""


@dataclass(frozen=True, slots=True)
class Task:
    """The settings for each recording."""

    config: PipelineConfig
    documents: Documents
    split: bool
    provisional: bool
    names: tuple[str, ...] = ()
    """Names of the participants, in their order, instead of those in the recording."""
    payload_type: int | None = None
    """RTP payload type of Opus, if it must be given."""
    threads: int = 0
    """Threads in addition to that of the voice detector; results do not depend on it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told about one recording."""

    failures: list[str] = field(default_factory=list)
    """What could not be read, analysed or written."""
    remarks: list[str] = field(default_factory=list)
    """What makes results poor although everything was analysed, with the remedy."""


def analyze(source: Input, task: Task, sink: RecordingSink, told: Told, show: Show) -> None:
    """Give every event of ``source`` to ``sink``; what there is to tell goes to ``told``.

    Raises:
        InferenceError: a model failed, and would also fail with the next recording.
    """
    engine = new_engine(task.config)
    block_samples = round(task.config.consumed_duration_s * SAMPLE_RATE_HZ)
    try:
        with _opened(source, task) as recording:
            _check_names(source, recording, task.names)

            def tell() -> None:
                show(recording.position_s, recording.duration_s)

            events = replay(
                sink.listen(recording, task.names),
                str(source),
                engine,
                block_samples,
                provisional=task.provisional,
                threads=task.threads,
                names=task.names,
                on_block=tell,
            )
            for event in events:
                if isinstance(event, Fault):
                    told.failures.append(event.message)
                sink.put(encode(event))
            told.remarks.extend(f"{source} {remark}" for remark in recording.remarks)
    except AudioError as error:
        told.failures.append(str(error))


def _opened(source: Input, task: Task) -> AbstractContextManager[Recording]:
    if len(source.paths) > 1:
        return open_meeting(source.paths, split_channels=task.split, payload_type=task.payload_type)
    return open_recording(source.paths[0], split_channels=task.split, payload_type=task.payload_type)


def _check_names(source: Input, recording: Recording, names: tuple[str, ...]) -> None:
    own = recording.participants
    if names and len(names) != len(own):
        known = f"{len(own)} participant{'s' * (len(own) != 1)} ({', '.join(own)})"
        raise AudioError(f"{source} has {known}, and --names gives {len(names)}; give one name for each")
