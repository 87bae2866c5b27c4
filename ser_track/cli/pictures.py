"""`--report` and `--plot` of `analyze`: a page and a picture of each recording, beside its events."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ser_track.cli.output_files import title_of
from ser_track.core.timeline import Timeline, gather
from ser_track.errors import ConfigError
from ser_track.sinks import plot
from ser_track.sinks.report import Sound, SoundRecorder, make_page
from ser_track.sources.recording import Recording
from ser_track.sources.tracks import Piece
from ser_track.types import Event

_PAGES: Final = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is asked for of every recording; ``{name}`` and ``{folder}`` in a path are the recording's."""

    report: str | None
    plot: str | None
    with_sound: bool
    min_confidence: float

    @contextmanager
    def of(self, path: Path, fail: Callable[[str], None]) -> Iterator["Gathering"]:
        """Gather what comes of the recording ``path``, and write it when the block ends well."""
        gathering = Gathering(self)
        try:
            yield gathering
            if self.report or self.plot:
                self._write(path, gathering, fail)
        finally:
            gathering.close()

    def _write(self, path: Path, gathering: "Gathering", fail: Callable[[str], None]) -> None:
        timeline = gather(title_of(path), gathering.events)
        if self.report is not None:
            target, sound = _target(self.report, path), gathering.sound()
            if sound.too_long:
                fail(f"{path} is too long for its sound to be in {target}; the page is without it")
            _replace(target, lambda part: _write_page(timeline, sound, self.min_confidence, part), fail)
        if self.plot is not None:
            _replace(_target(self.plot, path), lambda part: _draw(timeline, part, fail), fail)


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
    """A recording whose pieces a recorder hears as they pass."""

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

    def __iter__(self) -> Iterator[Piece]:
        for piece in self.recording:
            self.recorder.add(self.shown[piece.participant], piece.at, piece.samples)
            yield piece


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `pictures_of` reads."""
    several = "with several recordings {name} in it is each one's name, {folder} that of its folder"
    parser.add_argument("--report", metavar="FILE.html", help=f"write a page with timeline and summary; {several}")
    audio = "embed: the page holds the recording's sound, people's voices, too; default: none"
    parser.add_argument("--report-audio", choices=("none", "embed"), default="none", help=audio)
    formats = "png, svg or pdf; needs matplotlib (pip install 'ser-track[plot]')"
    parser.add_argument(
        "--plot", metavar="FILE.svg", help=f"draw the timeline for print: {formats}; several: as --report"
    )


def pictures_of(args: argparse.Namespace, recordings: Sequence[Path], min_confidence: float) -> Pictures:
    """What ``args`` ask for, checked before any work is done.

    Raises:
        ConfigError: matplotlib is missing, or what would be written cannot be, or would replace something else.
    """
    if args.report_audio == "embed" and args.report is None:
        raise ConfigError("--report-audio", ["there is no page to put the sound into; give --report FILE.html too"])
    if args.report is not None:
        _check("--report", args.report, _PAGES, recordings)
    if args.plot is not None:
        if not plot.available():
            raise ConfigError("--plot", [plot.MISSING])
        _check("--plot", args.plot, plot.FORMATS, recordings)
    return Pictures(args.report, args.plot, args.report_audio == "embed", min_confidence)


def _check(option: str, template: str, suffixes: tuple[str, ...], recordings: Sequence[Path]) -> None:
    if not template.lower().endswith(suffixes):
        raise ConfigError(option, [f"{template} must end in {' or '.join(suffixes)}"])
    targets = {path: _target(template, path) for path in recordings}
    often = Counter(targets.values()).most_common(1)
    if often and often[0][1] > 1:
        remedy = "put {name} into it, as in 'pages/{name}.html', or {folder}-{name} where names are the same"
        raise ConfigError(option, [f"{often[0][0]} would be written for {often[0][1]} recordings; {remedy}"])
    for target in targets.values():
        folder = target.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK) or target.is_dir():
            raise ConfigError(option, [f"{target} cannot be written; name a file in a folder that exists"])
        if any(target.exists() and path.exists() and target.samefile(path) for path in recordings):
            raise ConfigError(option, [f"{target} is one of the recordings; name another file"])


def _target(template: str, recording: Path) -> Path:
    name = "stdin" if recording == Path("-") else recording.stem
    return Path(template.replace("{folder}", recording.absolute().parent.name).replace("{name}", name))


def _replace(target: Path, write: Callable[[Path], None], fail: Callable[[str], None]) -> None:
    """Whoever opens ``target`` finds it complete, or as it was before."""
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        write(part)
        part.replace(target)
    except OSError as error:
        fail(f"{target} cannot be written ({error.strerror or error}); make room or name another file")
    finally:
        part.unlink(missing_ok=True)


def _write_page(timeline: Timeline, sound: Sound, min_confidence: float, path: Path) -> None:
    path.write_text(make_page(timeline, sound, min_confidence), encoding="utf-8")


def _draw(timeline: Timeline, path: Path, fail: Callable[[str], None]) -> None:
    for told in plot.save_plot(timeline, path):
        fail(told)
