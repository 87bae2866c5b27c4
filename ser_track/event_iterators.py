"""`events`: the typed events of a file or an array."""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Unpack

from numpy.typing import ArrayLike

from ser_track.audio.limits import MAX_CHANNELS
from ser_track.audio.pcm import PcmReader, as_array
from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.config.pipeline_options import PipelineOptions
from ser_track.config.schema import load_config
from ser_track.errors import AudioError
from ser_track.event_types import Event
from ser_track.models import Models, load_models, new_engine
from ser_track.recordings.array import ArraySource
from ser_track.recordings.recording import open_recording
from ser_track.recordings.tracks import channel_names
from ser_track.replay import AudioSource, replay

_NAME: Final = "track-1"


def events(
    source: str | os.PathLike[str] | ArrayLike,
    *,
    rate_hz: int | None = None,
    split_channels: bool = False,
    provisional: bool = True,
    config_file: str | Path | None = None,
    models: Models | None = None,
    **pipeline: Unpack[PipelineOptions],
) -> Iterator[Event]:
    """Yield every event of ``source``, in order, as soon as it is found: the events of `ser-track analyze`.

    >>> for event in events("meeting.mkv", provisional=False):
    ...     if isinstance(event, Emotion):
    ...         print(event.key.participant, f"{event.start_s:.1f} s", event.label)
    Ada 0.3 s ...
    Bob 5.4 s ...
    Bob 6.9 s ...
    Ada 12.7 s ...

    ``source`` is a file that FFmpeg opens, in which each audio track is a participant; or recorded packets
    (docs/recordings.md); or an array ``[n]`` or ``[n, channels]`` of floats in -1 … 1, or of int16, int32 or uint8 in
    the full range of the type, which needs ``rate_hz``. With ``split_channels`` each channel is a participant. With
    ``provisional=False`` provisional results are not computed; the final ones are the same. A failure during the
    analysis is a `Fault` among the events.

    ``config_file``, ``models`` and the other keyword arguments are those of `SERPipeline`; ``sample_format`` describes
    bytes, and has no effect here. ``channels`` over 1 is the number that an array must have. Floats far beyond -1 … 1
    give a warning (Python's `warnings`), and so does what was noticed in a file, such as two voices on two channels.

    Raises:
        AudioError: the samples or their rate cannot be used. At the first event: a file cannot be opened.
        ConfigError: as `SERPipeline`.
        ModelError: as `SERPipeline`.
        InferenceError: at an event: the voice detector failed.
    """
    if rate_hz is not None:
        pipeline["sample_rate_hz"] = rate_hz
    path = None if config_file is None else Path(config_file)
    config = load_config(path, {"pipeline": pipeline}).pipeline
    models = models or load_models(config)

    def run(opened: AudioSource, name: str) -> Iterator[Event]:
        block_samples = round(config.consumed_duration_s * SAMPLE_RATE_HZ)
        return replay(opened, name, new_engine(config, models), block_samples, provisional=provisional)

    if isinstance(source, (str, os.PathLike)):
        if rate_hz is not None:
            raise AudioError(f"{source} is a file, which contains its own rate; leave rate_hz out")
        return _of_file(Path(source), split_channels, run)
    if rate_hz is None:
        raise AudioError("the rate of the samples is unknown; give rate_hz")
    return run(_of_array(source, rate_hz, config.channels, split_channels), "array")


def _of_file(path: Path, split: bool, run: Callable[[AudioSource, str], Iterator[Event]]) -> Iterator[Event]:
    with open_recording(path, split_channels=split) as recording:
        # A file name may contain bytes that are not UTF-8.
        yield from run(recording, os.fsencode(path).decode("utf-8", "replace"))
        for remark in recording.remarks:
            warnings.warn(f"{path} {remark}", stacklevel=3)


def _of_array(samples: ArrayLike, rate_hz: int, channels: int, split: bool) -> ArraySource:
    if isinstance(samples, (bytes, bytearray, memoryview)):
        raise AudioError("events takes an array or the path of a file; for bytes, use SERPipeline or aevents")
    array = as_array(samples)
    found = array.shape[1] if array.ndim == 2 else channels
    if channels not in (1, found) or not 1 <= found <= MAX_CHANNELS:
        expected = f"[n, {channels}]" if channels > 1 else f"[n] or [n, channels] with at most {MAX_CHANNELS} channels"
        raise AudioError(f"array of shape {array.shape} does not fit; give {expected} (transpose [channels, n])")
    if not split or found == 1:
        return ArraySource({_NAME: PcmReader("float32", found).read(array)}, rate_hz)
    if array.ndim == 1 and array.size % found:
        raise AudioError(f"array of shape {array.shape} does not fit {found} channels; give [n, channels]")
    columns = zip(channel_names(_NAME, found), array.reshape(-1, found).T, strict=True)
    return ArraySource({name: PcmReader("float32", 1).read(column) for name, column in columns}, rate_hz)
