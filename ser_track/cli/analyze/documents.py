"""`--report` and `--plot` of `analyze`: a page and a picture of each recording, beside its events."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ser_track.chunk import ParticipantChunk
from ser_track.cli.analyze.atomic_files import part_of, refuse_recordings, replaced, replacing, title_of
from ser_track.cli.analyze.inputs import Input
from ser_track.engine.timeline import gather
from ser_track.errors import ConfigError
from ser_track.events import Event
from ser_track.output.documents import plot
from ser_track.output.documents.html import Sound, SoundRecorder, make_page
from ser_track.recordings.recording import Recording

_PAGES: Final = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is asked for of every recording; ``{name}`` and ``{folder}`` in a path are the recording's."""

    report: str | None
    plot: str | None
    with_sound: bool
    min_confidence: float

    def files(self, source: Input) -> list[Path]:
        """What is written of ``source``."""
        return [_target(template, source) for template in (self.report, self.plot) if template is not None]

    @contextmanager
    def of(self, source: Input, fail: Callable[[str], None]) -> Iterator["Gathering"]:
        """Gather what comes of ``source``, and write it when the block ends well."""
        gathering = Gathering(self)
        try:
            yield gathering
            if self.report or self.plot:
                self._write(source, gathering, fail)
        finally:
            gathering.close()

    def clean_up(self, sources: Iterable[Input]) -> None:
        """Take away what a process that was ended has begun."""
        for source in sources:
            for file in self.files(source):
                part_of(file).unlink(missing_ok=True)

    def _write(self, source: Input, gathering: "Gathering", fail: Callable[[str], None]) -> None:
        timeline = gather(title_of(source.paths[0]), gathering.events)
        if self.report is not None:
            target, sound = _target(self.report, source), gathering.sound()
            if sound.too_long:
                fail(f"{source} is too long for its sound to be in {target}; the page is without it")
            with _told(target, fail), replacing(target) as page:
                page.write(make_page(timeline, sound, self.min_confidence))
        if self.plot is not None:
            target = _target(self.plot, source)
            with _told(target, fail), replaced(target) as part:
                for told in plot.save_plot(timeline, target, part):
                    fail(told)


@dataclass(slots=True)
class Gathering:
    """The events of one recording and, for a page, its sound."""

    _wanted: Pictures
    events: list[Event] = field(default_factory=list)
    _recorder: SoundRecorder | None = None

    def listen(self, recording: Recording, names: Sequence[str] = ()) -> Recording:
        """``recording``, heard in passing; ``names`` are the participants' in the events, where they differ."""
        if self._wanted.report is None:
            return recording
        own = recording.participants
        shown = dict(zip(own, names or own, strict=True))
        self._recorder = SoundRecorder(tuple(shown.values()), self._wanted.with_sound)
        return _Heard(recording, shown, self._recorder)

    def watch(self, events: Iterable[Event]) -> Iterator[Event]:
        """``events``, kept in passing where they are needed."""
        for event in events:
            if self._wanted.report or self._wanted.plot:
                self.events.append(event)
            yield event

    def sound(self) -> Sound:
        """What was heard so far."""
        return self._recorder.finish() if self._recorder else Sound()

    def close(self) -> None:
        """Forget the sound."""
        if self._recorder:
            self._recorder.close()


@dataclass(frozen=True, slots=True)
class _Heard:
    """A recording whose chunks a recorder hears as they pass."""

    recording: Recording
    shown: dict[str, str]
    recorder: SoundRecorder

    @property
    def participants(self) -> tuple[str, ...]:
        return self.recording.participants

    @property
    def duration_s(self) -> float | None:
        return self.recording.duration_s

    @property
    def position_s(self) -> float:
        return self.recording.position_s

    def __iter__(self) -> Iterator[ParticipantChunk]:
        for each in self.recording:
            self.recorder.add(self.shown[each.participant], *each.chunk)
            yield each


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """What `pictures_of` reads."""
    several = "with several recordings {name} in it is each one's name, {folder} that of its folder"
    parser.add_argument("--report", metavar="FILE.html", help=f"write a page with timeline and summary; {several}")
    audio = "embed: the page holds the recording's sound, people's voices, too; default: none"
    parser.add_argument("--report-audio", choices=("none", "embed"), default="none", help=audio)
    formats = "png, svg or pdf; needs matplotlib (pip install 'ser-track[plot]')"
    parser.add_argument(
        "--plot", metavar="FILE.svg", help=f"draw the timeline for print: {formats}; several: as --report"
    )


def pictures_of(args: argparse.Namespace, sources: Sequence[Input], min_confidence: float) -> Pictures:
    """What ``args`` ask for, checked before any work is done.

    Raises:
        ConfigError: matplotlib is missing, or what would be written cannot be, or would replace something else.
    """
    if args.report_audio == "embed" and args.report is None:
        raise ConfigError("--report-audio", ["there is no page to put the sound into; give --report FILE.html too"])
    if args.report is not None:
        _check("--report", args.report, _PAGES, sources)
    if args.plot is not None:
        if not plot.available():
            raise ConfigError("--plot", [plot.MISSING])
        _check("--plot", args.plot, plot.FORMATS, sources)
    return Pictures(args.report, args.plot, args.report_audio == "embed", min_confidence)


def _check(option: str, template: str, suffixes: tuple[str, ...], sources: Sequence[Input]) -> None:
    if not template.lower().endswith(suffixes):
        raise ConfigError(option, [f"{template} must end in {' or '.join(suffixes)}"])
    often = Counter(_target(template, source) for source in sources)
    for target, count in often.items():
        if count > 1:
            remedy = "put {name} into it, as in 'pages/{name}.html', or {folder}-{name} where names are the same"
            raise ConfigError(option, [f"{target} would be written for {count} recordings; {remedy}"])
        folder = target.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK) or target.is_dir():
            raise ConfigError(option, [f"{target} cannot be written; name a file in a folder that exists"])
        refuse_recordings(option, target, sources)


def _target(template: str, source: Input) -> Path:
    folder = source.paths[0].absolute().parent.name
    return Path(template.replace("{folder}", folder).replace("{name}", source.place.name))


@contextmanager
def _told(target: Path, fail: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fail(f"{target} cannot be written ({error.strerror or error}); make room or name another file")
