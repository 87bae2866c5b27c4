"""The configuration: a frozen dataclass for each section, with defaults. `load_config` names all problems at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_type_hints

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from ser_track.config.reader import accept, read_json
from ser_track.config.urls import ice_url, ip_network, origin_of_pages, public_url, server_url
from ser_track.config.values import existing_file, existing_folder, name_of
from ser_track.errors import ConfigError
from ser_track.event_types import Consent

SampleFormat = Literal["float32", "int16", "int32", "uint8"]
SHIPPED_MODELS: Final = ("small", "base")
"""The model files in this package, as `pipeline.model` names them."""
DEFAULT_MODEL: Final = "small"
WINDOW_S: Final = WINDOW_SAMPLES / SAMPLE_RATE_HZ
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", re.ASCII)
"""The name of a model that is not a path: no dots and no slashes."""


def _between(default: Any, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _checked(default: Any, check: Callable[[Any], Any]) -> Any:
    """``check`` returns the value, of a list each entry, or raises ValueError with the reason, ``must …``."""
    return field(default=default, metadata={"check": check})


def _model(value: str) -> str:
    if value == "default":  # for old configurations, from when there was only one model
        return DEFAULT_MODEL
    if value in SHIPPED_MODELS or _NAME.fullmatch(value):
        return value  # The known names depend on the installed packages: the loader checks them.
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
        """Return the server as RTCPeerConnection takes it, here and in browsers."""
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
        raise ValueError("must be given username and credential as non-empty strings")
    if len(names) != 2 and (names or server.urls.startswith("turn")):
        remedy = '{"urls": "turn:…", "username": "…", "credential": "…"}'
        raise ValueError(f"must be given with both username and credential, as {remedy}")
    return server


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """The processing of one participant's audio; every key is a keyword argument of `SERPipeline`.

    >>> PipelineConfig(model="base").end_silence_s
    0.5
    """

    consumed_duration_s: float = _between(1.0, WINDOW_S, 60)
    """How much audio is processed at a time, independent of the size of the pieces that arrive."""
    vad_min_confidence: float = _between(0.5, 0.01, 0.99)
    """Speech probability from which a 32 ms window counts as voice."""
    min_segment_s: float = _between(0.5, WINDOW_S, 30)
    """Shorter segments are dropped: they have too little voice to be classified."""
    max_segment_s: float = _between(10.0, 0.5, 30)
    """Longer speech is cut here, so that a monologue gets results too."""
    end_silence_s: float = _between(0.5, WINDOW_S, 10)
    """Silence that ends a segment."""
    provisional_interval_s: float = _between(0.8, 0.1, 60)
    """How often an open segment gets a provisional result."""
    provisional_window_s: float = _between(3.0, 0.5, 30)
    """A provisional result uses at most this much of the latest speech, which bounds its cost."""
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
    """Adapt each result to the participant's own voice, from their speech so far; forgotten when they leave."""
    six_emotions: bool = False
    """Add the probabilities of six emotions, with disgust and fear, to events in a separate dictionary."""


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """The live path around the engine."""

    tick_s: float = _between(0.032, 0.01, 1)
    """How often the engine processes what has arrived: by default, once per window. A shorter tick costs more CPU."""
    quiet_interval_s: float = _between(0.128, 0.01, 1)
    """How often streams in which nobody speaks are processed. A longer time costs less CPU; speech is noticed later."""
    max_held_audio_s: float = _between(2.0, 0.5, 30)
    """Audio per participant that may wait for the engine; on overflow the oldest is dropped and counted."""
    stalled_after_s: float = _between(3.5, 1, 600)
    """Checked twice a second, and sent in batches: a participant whose audio stops is reported within 5 s."""
    event_interval_s: float = _between(0.25, 0.05, 10)
    """At most one message per recipient in this time."""
    message_bytes: int = _between(1_100, 600, 16_000)
    """Longest data channel message. Larger ones stall on paths with an MTU of 1280 bytes."""
    ice_servers: tuple[IceServer, ...] = _checked((), _ice_server)
    """For the peer connections of the server and of pages; pages get the credentials. None by default."""
    excluded_networks: tuple[str, ...] = _checked((), ip_network)
    """Networks (``10.0.0.0/8``) that no peer connection sends to, whatever addresses an offer names."""


@dataclass(frozen=True, slots=True)
class RoomsConfig:
    """Limits of our own rooms."""

    max_rooms: int = _between(50, 1, 10_000)
    max_participants: int = _between(8, 1, 500)
    """Per room. Browsers connect in a full mesh, which carries about eight people."""
    max_name_length: int = _between(40, 1, 200)
    max_unconnected: int = _between(24, 1, 100_000)
    """People from one address who have joined rooms and have no connection to the bot yet; further ones must wait."""


@dataclass(frozen=True, slots=True)
class MeetingsConfig:
    """Meetings on other servers: those that the bot joins, and those whose audio is sent to it."""

    consent: Consent = "required"
    """``required``: nobody is analysed before they agree. ``notice``: all are told, and analysed until they refuse."""
    display_name: str = "ser_track emotion analysis (bot)"
    """The bot's name in the list of participants. It must say what it is."""
    public_url: str | None = _checked(None, public_url)
    """The public address of this server, for the consent link; by default, the address of the request."""
    allowed_targets: tuple[str, ...] = _checked((), server_url)
    """Servers that ``POST /meetings`` may call: scheme://host[:port][/path], and everything below that path."""
    max_meetings: int = _between(50, 1, 10_000)
    max_participants: int = _between(100, 1, 1_000)
    """Participants per meeting. Anyone who joins when it is full is not analysed, and the log says so."""
    step_timeout_s: float = _between(10.0, 1, 120)
    """Timeout for each response of the other server."""
    give_up_after_s: float = _between(600.0, 0, 86_400)
    """How long the bot tries to rejoin a meeting after the connection was lost."""
    record_folder: str | None = _checked(None, existing_folder)
    """Folder for recordings of all analysed participants, one file per meeting; everybody is told. Off by default."""
    linger_s: float = _between(60.0, 0, 3_600)
    """How long a meeting and its consent answers are remembered after its bridge has disconnected."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = _between(8080, 0, 65_535)
    """0 chooses a free port and prints it."""
    token: str | None = None
    """If set, every request except pages and /healthz must carry it."""
    allowed_origins: tuple[str, ...] = _checked((), origin_of_pages)
    """Origins of pages that may call this server, besides its own; ``*`` allows any."""
    trusted_proxies: tuple[str, ...] = _checked((), ip_network)
    """Proxies in front of this server: the address of a request is the one that they name in ``X-Forwarded-For``."""
    tls_certificate: str | None = _checked(None, existing_file)
    tls_key: str | None = _checked(None, existing_file)
    max_request_bytes: int = _between(65_536, 4_096, 16_777_216)
    max_message_bytes: int = _between(65_536, 4_096, 16_777_216)
    """Longest signalling message on the WebSocket."""
    workers: int = _between(1, 1, 64)
    """Processes that share the rooms. With more than 1, another one listens in front of them (docs/operations.md)."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration: one dataclass for each section of ``config.json``."""

    pipeline: PipelineConfig = field(default_factory=PipelineConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    rooms: RoomsConfig = field(default_factory=RoomsConfig)
    meetings: MeetingsConfig = field(default_factory=MeetingsConfig)
    server: ServerConfig = field(default_factory=ServerConfig)

    def limit(self, key: str) -> int:
        """The value of a limit by its key, such as ``meetings.max_participants``."""
        section, _, name = key.partition(".")
        value: int = getattr(getattr(self, section), name)
        return value


def load_config(path: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """Read ``path`` (only defaults when ``None``); ``overrides``, by section, replace values of the file.

    >>> config = load_config(Path("config.json"), {"pipeline": {"model": "base"}})
    >>> config.pipeline.model, config.server.port
    ('base', 8080)

    Raises:
        ConfigError: the file cannot be read, has unknown keys or impossible values, or names files that do not exist.
            The message names all of them.
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
        overriding = given.get(name, {})
        # What is overridden is checked too: a mistake in the file must not wait for the day it is used alone.
        accept(kind, {key: value for key, value in section.items() if key in overriding}, name, problems)
        values[name] = accept(kind, {**section, **overriding}, name, problems)
    _check_together(values["pipeline"], values["server"], problems)
    if problems:
        raise ConfigError(source, sorted(set(problems)))
    return Config(**{name: kind(**values[name]) for name, kind in slices.items()})


def _check_together(pipeline: Mapping[str, Any], server: Mapping[str, Any], problems: list[str]) -> None:
    """Check rules about two keys. A key that was refused is missing here, so that it is not reported twice."""
    shortest, longest = pipeline.get("min_segment_s"), pipeline.get("max_segment_s")
    if shortest is not None and longest is not None and shortest > longest:
        problems.append("pipeline.min_segment_s must not be over pipeline.max_segment_s")
    absent = [key for key in ("tls_certificate", "tls_key") if server.get(key, "refused") is None]
    if len(absent) == 1:
        problems.append("server.tls_certificate and server.tls_key must be given together")
