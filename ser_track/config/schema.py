"""The configuration: frozen slices with defaults, one `load_config`, every problem named at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_type_hints

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from ser_track.config.reader import accept, existing_file, existing_folder, name_of, read_json
from ser_track.config.urls import ice_url, origin_of_pages, public_url, websocket_url
from ser_track.errors import ConfigError
from ser_track.events import Consent

SampleFormat = Literal["float32", "int16", "int32", "uint8"]
SHIPPED_MODELS: Final = ("small", "base")
"""The model files in this package, as `pipeline.model` names them."""
DEFAULT_MODEL: Final = "small"
WINDOW_S: Final = WINDOW_SAMPLES / SAMPLE_RATE_HZ
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", re.ASCII)
"""What names a model that is not a path: no dots and no slashes."""


def _between(default: Any, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _checked(default: Any, check: Callable[[Any], Any]) -> Any:
    """``check`` returns the value, of a list each entry, or raises ValueError with the reason, ``must …``."""
    return field(default=default, metadata={"check": check})


def _model(value: str) -> str:
    if value == "default":  # as configurations from before there were two say
        return DEFAULT_MODEL
    if value in SHIPPED_MODELS or _NAME.fullmatch(value):
        return value  # Which names there are depends on what is installed: who loads the model knows.
    try:
        return existing_file(value)
    except ValueError as error:
        reason = f"must be {', '.join(SHIPPED_MODELS)} or a file, but {value} does not exist"
        raise ValueError(f"{reason}; ser-track models lists those that packages bring") from error


def _detector(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"must be the name of a voice detector (ser-track models lists them), not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server: in JSON a ``stun:`` URI, or an object with these fields."""

    urls: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)  # not in logs

    def described(self) -> dict[str, str]:
        """What RTCPeerConnection, here and in browsers, takes as one of its servers."""
        given = {"urls": self.urls, "username": self.username, "credential": self.credential}
        return {key: value for key, value in given.items() if value is not None}


def _ice_server(value: Any) -> IceServer:
    if not isinstance(value, dict):
        value = {"urls": value}
    if unknown := value.keys() - {"urls", "username", "credential"}:
        raise ValueError(f"must be a stun: URI or have urls, username and credential, not {', '.join(sorted(unknown))}")
    server = IceServer(ice_url(value.get("urls")), value.get("username"), value.get("credential"))
    names = [name for name in (server.username, server.credential) if name is not None]
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be given username and credential as strings that are not empty")
    if len(names) != 2 and (names or server.urls.startswith("turn")):
        remedy = '{"urls": "turn:…", "username": "…", "credential": "…"}'
        raise ValueError(f"must be given with both username and credential, as {remedy}")
    return server


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
    provisional_smoothing: float = _between(0.5, 0.0, 0.95)
    """Share of earlier provisional results of a segment in each new one; final results are never averaged."""
    sample_format: SampleFormat = "float32"
    sample_rate_hz: int = _between(SAMPLE_RATE_HZ, 8_000, 192_000)
    channels: int = _between(1, 1, 32)
    """Interleaved channels of the input; averaged to mono."""
    model: str = _checked(DEFAULT_MODEL, _model)
    """``small`` (fast), ``base`` (more accurate), the path of an ONNX file, or a name of an installed package."""
    voice_detector: str = _checked("builtin", _detector)
    """``builtin``, ``silero-vad`` (the file of that package, where it is installed), or a name of another package."""
    min_confidence: float = _between(0.5, 0.0, 0.99)
    """A result whose likeliest emotion is less likely than this is labelled ``unsure``."""
    voice_adaptation: bool = True
    """Take off each result what is common to all that this participant said before; forgotten when they leave."""
    six_emotions: bool = False
    """Give events the probabilities of disgust and fear too, in a dictionary of their own."""


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """The live path around the engine."""

    tick_s: float = _between(0.032, 0.01, 1)
    """How often all that came is worked through: the length of a window. Shorter is sooner, and costs more."""
    max_held_audio_s: float = _between(2.0, 0.5, 30)
    """Audio that waits for the engine per participant; on overflow the oldest goes and is counted."""
    stalled_after_s: float = _between(3.5, 1, 600)
    """Looked at twice a second, and told in batches: who falls silent on the network is told of within 5 s."""
    provisional_per_tick: int = _between(1, 1, 1_000)
    """Each takes tens of milliseconds, in which final ones wait; under load, provisional results thin out."""
    event_interval_s: float = _between(0.25, 0.05, 10)
    """At most one message per recipient in this time."""
    message_bytes: int = _between(1_100, 600, 16_000)
    """Longest data channel message: larger ones stall on paths with a 1280-byte MTU."""
    ice_servers: tuple[IceServer, ...] = _checked((), _ice_server)
    """For the server's own peer connections and those of pages, which are told the credentials; none by default."""


@dataclass(frozen=True, slots=True)
class RoomsConfig:
    """Limits of the meeting of our own."""

    max_rooms: int = _between(50, 1, 10_000)
    max_participants: int = _between(8, 1, 500)
    """Per room. Browsers meet in a full mesh, which carries about eight."""
    max_name_length: int = _between(40, 1, 200)


@dataclass(frozen=True, slots=True)
class MeetingsConfig:
    """Meetings on other servers that the bot joins, or that are sent to it."""

    consent: Consent = "required"
    """``required``: nobody is analysed before they agree. ``notice``: all are told, and analysed until they refuse."""
    display_name: str = "ser_track emotion analysis (bot)"
    """How the bot is listed among the participants: it must say what it is."""
    public_url: str | None = _checked(None, public_url)
    """Where people reach this server, for the link with which they refuse or agree; else as whoever asks reaches it."""
    allowed_targets: tuple[str, ...] = _checked((), websocket_url)
    """Servers that ``POST /meetings`` may call: ws(s)://host[:port][/path], and whatever lies below that path."""
    max_meetings: int = _between(50, 1, 10_000)
    max_participants: int = _between(100, 1, 1_000)
    """Of one meeting; who comes when it is full is not heard, and the log says so."""
    step_timeout_s: float = _between(10.0, 1, 120)
    """For each answer of the other server."""
    give_up_after_s: float = _between(600.0, 0, 86_400)
    """A meeting that was lost is tried again for so long."""
    record_folder: str | None = _checked(None, existing_folder)
    """Keep the packets of those who are analysed here, one file per meeting, and tell everybody so. Off by default."""
    linger_s: float = _between(60.0, 0, 3_600)
    """A meeting whose bridge has gone is remembered for so long, with what people there answered."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = _between(8080, 0, 65_535)
    """0 takes a free port and prints it."""
    token: str | None = None
    """When set, every request except the pages and /healthz must carry it."""
    allowed_origins: tuple[str, ...] = _checked((), origin_of_pages)
    """Origins of pages that may call us beside our own; ``*`` allows any."""
    tls_certificate: str | None = _checked(None, existing_file)
    tls_key: str | None = _checked(None, existing_file)
    max_request_bytes: int = _between(65_536, 4_096, 16_777_216)
    max_message_bytes: int = _between(65_536, 4_096, 16_777_216)
    """Longest signalling message on the WebSocket."""
    workers: int = _between(1, 1, 64)
    """Processes that share the rooms; over 1, a further one listens in front of them (docs/operations.md)."""


@dataclass(frozen=True, slots=True)
class Config:
    """All of it, one slice per section of ``config.json``."""

    pipeline: PipelineConfig = field(default_factory=PipelineConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    rooms: RoomsConfig = field(default_factory=RoomsConfig)
    meetings: MeetingsConfig = field(default_factory=MeetingsConfig)
    server: ServerConfig = field(default_factory=ServerConfig)


def load_config(path: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """Read ``path`` (all defaults when ``None``); ``overrides`` by section win over the file.

    Raises:
        ConfigError: the file cannot be read, or has unknown keys or impossible values, or names files that are
            not there (all are named).
    """
    source = "configuration" if path is None else str(path)
    document = {} if path is None else read_json(path)
    given = overrides or {}
    slices = get_type_hints(Config)
    unknown = (document.keys() | given.keys()) - slices.keys()
    problems = [f"unknown section '{name}' (known: {', '.join(slices)})" for name in unknown]
    values: dict[str, dict[str, Any]] = {}
    for name, kind in slices.items():
        section = document.get(name, {})
        if not isinstance(section, dict):
            problems.append(f"section '{name}' must be an object, not {name_of(section)}")
            section = {}
        values[name] = accept(kind, {**section, **given.get(name, {})}, name, problems)
    _check_together(values["pipeline"], values["server"], problems)
    if problems:
        raise ConfigError(source, sorted(problems))
    return Config(**{name: kind(**values[name]) for name, kind in slices.items()})


def _check_together(pipeline: Mapping[str, Any], server: Mapping[str, Any], problems: list[str]) -> None:
    """What two keys must keep together. A key that was refused is missing: of its value nothing is said twice."""
    shortest, longest = pipeline.get("min_segment_s"), pipeline.get("max_segment_s")
    if shortest is not None and longest is not None and shortest > longest:
        problems.append("pipeline.min_segment_s must not be over pipeline.max_segment_s")
    absent = [key for key in ("tls_certificate", "tls_key") if server.get(key, "refused") is None]
    if len(absent) == 1:
        problems.append("server.tls_certificate and server.tls_key must be given together")
