"""`ser-track models`: the available classifiers and voice detectors, with labels, licence, size and speed."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, FloatArray
from ser_track.cli.console import feedback
from ser_track.config.schema import SHIPPED_MODELS, PipelineConfig, load_config
from ser_track.errors import SerTrackError
from ser_track.models import load_classifier, load_detector
from ser_track.models.packaged_silero import PACKAGE, packaged_file
from ser_track.models.registry import BUILTIN, classifiers, detectors, package_licence
from ser_track.models.silero import MODEL_FILE
from ser_track.plugins import Plugins
from ser_track.safe_text import escaped, shown_on

_HEARD_S: Final = 3
_RUNS: Final = 5
_EPILOG: Final = """\
Use these names for 'model' and 'voice_detector' in the configuration, and for --model. * marks the configured ones. The
speed is the time that this machine takes for 3 s of audio on one thread, the median of five runs. docs/extending.md
shows how to use models of installed packages and your own files.

examples:
  ser-track models
  ser-track --config config.json models --json | jq '.[] | select(.kind == "classifier") | .labels'
"""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One classifier or detector; as JSON, an object with these keys."""

    kind: str
    name: str
    """As the configuration names it."""
    source: str
    """``shipped``, ``file``, or the name of the package that adds it."""
    configured: bool
    labels: tuple[str, ...] | None = None
    model: str | None = None
    """``name@version``, as in events."""
    licence: str | None = None
    bytes: int | None = None
    ms_for_3_s: float | None = None
    error: str | None = None
    """Why it cannot be used."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run` reads."""
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="print one JSON array instead of text")


def run(args: argparse.Namespace) -> int:
    """List all of them; return 1 if one of them cannot be used.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    entries: list[ListedModel] = []
    with feedback(sys.stdout.isatty()) as told:
        for entry in found(load_config(args.config).pipeline):
            told.show(entry.name, len(entries), None)
            entries.append(entry)
    if args.json:
        text = json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False)
    else:
        text = "\n".join(escaped(line) for entry in entries for line in _lines(entry))
    print(text, file=shown_on(sys.stdout))
    return int(any(entry.error for entry in entries))


def found(config: PipelineConfig) -> Iterator[ListedModel]:
    """Measure every model and detector that this configuration can name."""
    for name, source in _sources(classifiers(), config.model).items():
        yield _tried(ListedModel("classifier", name, source, name == config.model), _classifier)
    for name, source in _sources(detectors(), config.voice_detector).items():
        yield _tried(ListedModel("detector", name, source, name == config.voice_detector), _detector)


def _sources(known: Plugins[object], configured: str) -> dict[str, str]:
    """The origin of each, including the configured one."""
    sources = {name: known.package_of(name) or ("shipped" if name != PACKAGE else PACKAGE) for name in known}
    return {**sources, **({} if configured in known else {configured: "file"})}


def _tried(entry: ListedModel, describe: Callable[[str], dict[str, Any]]) -> ListedModel:
    try:
        return ListedModel(**{**asdict(entry), **describe(entry.name)})
    except SerTrackError as error:
        return ListedModel(**{**asdict(entry), "error": str(error)})


def _classifier(name: str) -> dict[str, Any]:
    classifier = load_classifier(name)
    known = classifiers()
    return {
        "labels": classifier.labels.names,
        "model": classifier.name,
        "licence": getattr(classifier, "licence", None) or (package_licence(known, name) if name in known else None),
        "bytes": _classifier_bytes(name),
        "ms_for_3_s": _measured_ms(lambda: classifier.classify(_sound())),
    }


def _detector(name: str) -> dict[str, Any]:
    detector = load_detector(name)
    known = detectors()
    file = {BUILTIN: MODEL_FILE, PACKAGE: packaged_file()}.get(name)
    windows = _sound()[: _HEARD_S * SAMPLE_RATE_HZ // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
    return {
        "licence": getattr(detector, "licence", None) or package_licence(known, name),
        "bytes": None if file is None else file.stat().st_size,
        "ms_for_3_s": _measured_ms(lambda: detector.detect_run(windows, detector.new_state())),
    }


def _classifier_bytes(name: str) -> int | None:
    if name in SHIPPED_MODELS:
        return len(resources.files("ser_track.models").joinpath("weights", f"{name}.onnx").read_bytes())
    return Path(name).stat().st_size if Path(name).is_file() else None


def _sound() -> FloatArray:
    """A sound with the pitch of a voice; the speed of networks does not depend on their input."""
    t = np.arange(_HEARD_S * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    return np.asarray(0.1 * sum(np.sin(2 * np.pi * 160 * k * t) / k for k in range(1, 8)), np.float32)


def _measured_ms(work: Callable[[], object]) -> float:
    work()  # warm-up: the first call prepares what later calls reuse
    times = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begun))
    return round(median(times), 1)


def _lines(entry: ListedModel) -> Iterator[str]:
    yield f"{'*' if entry.configured else ' '} {entry.kind:10} {entry.name}  ({entry.source})"
    if entry.error:
        yield f"      error    {entry.error}"
        return
    facts = {
        "model": entry.model,
        "labels": ", ".join(entry.labels) if entry.labels else None,
        "licence": entry.licence or "not stated",
        "size": None if entry.bytes is None else f"{entry.bytes / 1e6:.1f} MB",
        "speed": f"{entry.ms_for_3_s:.1f} ms for {_HEARD_S} s on one thread",
    }
    yield from (f"      {name:8} {value}" for name, value in facts.items() if value)
