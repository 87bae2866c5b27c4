"""The configuration: frozen slices with defaults, one `load_config`, every problem named at once."""

import json
import types
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ser_track.errors import ConfigError
from ser_track.types import SAMPLE_RATE_HZ, WINDOW_SAMPLES

SampleFormat = Literal["float32", "int16", "int32", "uint8"]
Slice = TypeVar("Slice")
WINDOW_S: Final = WINDOW_SAMPLES / SAMPLE_RATE_HZ


def _between(default: Any, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """What one participant's audio goes through; every key is a keyword argument of `SERPipeline`."""

    consumed_duration_s: float = _between(1.0, WINDOW_S, 60)
    """How much audio is processed at a time, however the bytes arrive."""
    vad_min_confidence: float = _between(0.5, 0.01, 0.99)
    """Speech probability from which a 32 ms window counts as voice."""
    min_segment_s: float = _between(0.5, WINDOW_S, 30)
    """Shorter segments are dropped: too little voice to judge."""
    max_segment_s: float = _between(10.0, 0.5, 30)
    """Longer speech is cut here, so that a monologue gets its results too."""
    end_silence_s: float = _between(0.5, WINDOW_S, 10)
    """Silence that ends a segment."""
    provisional_interval_s: float = _between(0.8, 0.1, 60)
    """How often an open segment gets a provisional result."""
    provisional_window_s: float = _between(3.0, 0.5, 30)
    """A provisional result hears at most this much of the latest speech, which bounds its cost."""
    sample_format: SampleFormat = "float32"
    sample_rate_hz: int = _between(SAMPLE_RATE_HZ, 8_000, 192_000)
    channels: int = _between(1, 1, 32)
    """Interleaved channels of the input; averaged to mono."""
    model: str = "default"
    """``default``, or the path of an ONNX file with the same interface."""


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """The live path around the engine."""

    tick_s: float = _between(0.032, 0.01, 1)
    max_held_audio_s: float = _between(2.0, 0.5, 30)
    """Audio that waits for the engine per participant; on overflow the oldest goes and is counted."""
    stalled_after_s: float = _between(5.0, 1, 600)
    provisional_per_tick: int = _between(1, 1, 1_000)
    """Each takes tens of milliseconds, in which final ones wait; under load, provisional results thin out."""
    event_interval_s: float = _between(0.25, 0.05, 10)
    """At most one message per recipient in this time."""
    message_bytes: int = _between(1_100, 600, 16_000)
    """Longest data channel message: larger ones stall on paths with a 1280-byte MTU."""
    ice_servers: tuple[str, ...] = ()
    """``stun:`` and ``turn:`` URLs for the server's own peer connections; none by default."""


@dataclass(frozen=True, slots=True)
class RoomsConfig:
    """Limits of the meeting of our own."""

    max_rooms: int = _between(50, 1, 10_000)
    max_participants: int = _between(8, 1, 500)
    """Per room. Browsers meet in a full mesh, which carries about eight."""
    max_name_length: int = _between(40, 1, 200)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = _between(8080, 0, 65_535)
    """0 takes a free port and prints it."""
    token: str | None = None
    """When set, every request except the pages and /healthz must carry it."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of pages that may call us beside our own; ``*`` allows any."""
    tls_certificate: str | None = None
    tls_key: str | None = None
    max_request_bytes: int = _between(65_536, 4_096, 16_777_216)
    max_message_bytes: int = _between(65_536, 4_096, 16_777_216)
    """Longest signalling message on the WebSocket."""


@dataclass(frozen=True, slots=True)
class Config:
    """All of it, one slice per section of ``config.json``."""

    pipeline: PipelineConfig = field(default_factory=PipelineConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    rooms: RoomsConfig = field(default_factory=RoomsConfig)
    server: ServerConfig = field(default_factory=ServerConfig)


def load_config(path: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """Read ``path`` (all defaults when ``None``); ``overrides`` by section win over the file.

    Raises:
        ConfigError: the file cannot be read, or has unknown keys or impossible values (all are named).
    """
    source = "configuration" if path is None else str(path)
    document = {} if path is None else _read_json(path)
    given = overrides or {}
    slices = {f.name: get_type_hints(Config)[f.name] for f in fields(Config)}
    unknown = (document.keys() | given.keys()) - slices.keys()
    problems = [f"unknown section '{name}' (known: {', '.join(slices)})" for name in unknown]
    built: dict[str, Any] = {}
    for name, kind in slices.items():
        section = document.get(name, {})
        if not isinstance(section, dict):
            problems.append(f"section '{name}' must be an object, not {_name_of(section)}")
            continue
        built[name] = _build(kind, {**section, **given.get(name, {})}, name, problems)
    _check_together(built, problems)
    if problems:
        raise ConfigError(source, sorted(problems))
    return Config(**built)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_duplicates)
    except FileNotFoundError as error:
        raise ConfigError(str(path), ["the file does not exist; correct the path or leave it out"]) from error
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), [f"not readable as JSON ({error})"]) from error
    if not isinstance(document, dict):
        raise ConfigError(str(path), [f"must hold one JSON object, not {_name_of(document)}"])
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"given more than once: {', '.join(repeated)}")
    return dict(pairs)


def _build(kind: type[Slice], values: Mapping[str, Any], section: str, problems: list[str]) -> Slice | None:
    known: dict[str, Field[Any]] = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]  # a dataclass by contract
    hints = get_type_hints(kind)
    before = len(problems)
    accepted = {}
    for name, value in values.items():
        if name not in known:
            problems.append(f"unknown key '{section}.{name}' (known: {', '.join(known)})")
            continue
        try:
            accepted[name] = _checked(value, hints[name], known[name].metadata)
        except ValueError as error:
            problems.append(f"{section}.{name} {error}")
    return kind(**accepted) if len(problems) == before else None


def _checked(value: Any, hint: Any, limits: Mapping[str, Any]) -> Any:
    """Value as the type ``hint`` says; raises ValueError with the end of a sentence that begins with the key."""
    origin, choices = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(map(str, choices))}, not {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"must be a list of strings, not {value!r}")
        return tuple(value)
    if origin in (Union, types.UnionType):
        return None if value is None else _checked(value, choices[0], limits)
    return _checked_scalar(value, hint, limits)


def _checked_scalar(value: Any, hint: Any, limits: Mapping[str, Any]) -> Any:
    accepted = (int, float) if hint is float else (hint,)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise ValueError(f"must be {'a number' if hint is float else hint.__name__}, not {value!r}")
    if value == "":
        raise ValueError("must not be empty")
    if limits and not limits["low"] <= value <= limits["high"]:
        raise ValueError(f"must be from {limits['low']} to {limits['high']}, not {value!r}")
    return hint(value)


def _check_together(built: Mapping[str, Any], problems: list[str]) -> None:
    pipeline, server = built.get("pipeline"), built.get("server")
    if pipeline and pipeline.min_segment_s > pipeline.max_segment_s:
        problems.append("pipeline.min_segment_s must not be over pipeline.max_segment_s")
    if server and (server.tls_certificate is None) != (server.tls_key is None):
        problems.append("server.tls_certificate and server.tls_key must be given together")


def _name_of(value: Any) -> str:
    names = {list: "a list", dict: "an object", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
