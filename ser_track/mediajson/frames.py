"""MediaJson: audio as JSON text frames over a WebSocket, as Jitsi Videobridge exports it and Voximplant sends it.

Reads and writes single frames; this module does not know their sender or their use. Jitsi's format was
read from jitsi/jicoco (``jicoco-mediajson``); Voximplant's page "Media over WebSockets" describes the same events.
This reader reads frames from live bridges and from recorded dumps.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.errors import AudioError, brief
from ser_track.rtp.header import SILENT_LEVEL

RECORD_FULL: Final = "ser-track: this recording is full"
"""Text of the ``info`` event at the end of a recording that reached its limit before the meeting ended."""
MEDIA_TIME: Final = "mediaTime"
"""The custom parameter with which our own recordings mark `SourceStarted.media_time`."""
REDUNDANT: Final = "redundant"
"""The field with which our own recordings mark `Media.redundant`."""
DECODED: Final = "l24"
"""Its encoding: linear PCM of 24 bits in network byte order (RFC 3190, 4)."""
_USUAL_RATE_HZ: Final = 48_000
_MAX_CHANNELS: Final = 2
_MAX_TAG: Final = 200


@dataclass(frozen=True, slots=True)
class SourceStarted:
    """A source begins: the audio of one participant, until its `SourceStopped`."""

    tag: str
    endpoint: str
    """The sender's endpoint; the tag if the sender does not say."""
    encoding: str
    """In lower case, such as ``opus``."""
    rate_hz: int
    channels: int
    name: str = ""
    """The participant's display name, if the sender gives it, as our own recordings do."""
    media_time: bool = False
    """Audio that was decoded before our recording kept it: L24, 16 kHz, mono; timestamps are exact media times."""


@dataclass(frozen=True, slots=True)
class Media:
    """One packet of a source."""

    tag: str
    chunk: int
    """Counts packets, in 16 bits with Jitsi: it is RTP's sequence number."""
    timestamp: int
    """In samples at the source's rate, with Jitsi in 32 bits; it skips audio that was not sent."""
    payload: bytes
    audio_level: int | None
    """RFC 6464: 0 is the loudest, 127 is digital silence. ``None`` if the sender gives none, or another number."""
    redundant: bool = False
    """In our own recordings: a copy of earlier audio, which the packet with the same ``chunk`` carried (RED)."""


@dataclass(frozen=True, slots=True)
class SourceStopped:
    """A source ends; another source may start with the same tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The sender has nothing more to send and is about to close."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping; the answer carries the same ``id``."""

    id: Any


Frame = SourceStarted | Media | SourceStopped | SessionEnded | Ping


def read_frame(text: str) -> Frame | None:
    """Return the frame in ``text``; ``None`` for an unknown event, which the caller skips.

    Raises:
        AudioError: it is not a JSON object with an event, or a known event lacks a required field.
    """
    try:
        body = json.loads(text)
        event = body["event"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise AudioError(f"a frame is not MediaJson ({brief(error)}); send JSON objects with an 'event'") from error
    try:
        match event:
            case "media":
                return _media(body["media"])
            case "start":
                return _started(body["start"])
            case "stop":
                return SourceStopped(_tag(body["stop"]))
            case "session-end":
                return SessionEnded()
            case "ping":
                return Ping(body.get("id"))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise AudioError(
            f"a MediaJson frame '{event}' cannot be used ({brief(error)}); see docs/meetings.md"
        ) from error
    return None


def pong(ping: Ping) -> str:
    """The answer to a ping."""
    return json.dumps({"event": "pong", "id": ping.id})


def _started(start: Mapping[str, Any]) -> SourceStarted:
    tag, media_format = _tag(start), start["mediaFormat"]
    custom = start.get("customParameters") or {}
    endpoint, name = custom.get("endpointId") or tag, custom.get("displayName") or ""
    if not all(isinstance(each, str) and len(each) <= _MAX_TAG for each in (endpoint, name)):
        raise ValueError("'endpointId' and 'displayName' must be short strings")
    rate_hz, channels = int(media_format.get("sampleRate", _USUAL_RATE_HZ)), int(media_format.get("channels", 1))
    if not 8_000 <= rate_hz <= 192_000 or not 1 <= channels <= _MAX_CHANNELS:
        raise ValueError(f"{rate_hz} Hz with {channels} channels is not a voice")
    encoding, media_time = str(media_format["encoding"]).lower(), custom.get(MEDIA_TIME) is True
    if media_time and (encoding, rate_hz, channels) != (DECODED, SAMPLE_RATE_HZ, 1):
        raise ValueError(f"'{MEDIA_TIME}' is for {DECODED} at {SAMPLE_RATE_HZ} Hz with one channel")
    return SourceStarted(tag, endpoint, encoding, rate_hz, channels, name, media_time)


def _media(media: Mapping[str, Any]) -> Media:
    try:
        payload = base64.b64decode(media["payload"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"payload is not base64: {error}") from error
    level = None if (given := media.get("audioLevel")) is None else int(given)
    if level is not None and not 0 <= level <= SILENT_LEVEL:
        level = None
    numbers = int(media["chunk"]), int(media["timestamp"])
    return Media(_tag(media), *numbers, payload, level, media.get(REDUNDANT) is True)


def _tag(body: Mapping[str, Any]) -> str:
    tag = body["tag"]
    if not isinstance(tag, str) or not 0 < len(tag) <= _MAX_TAG:
        raise ValueError(f"'tag' must be a string of 1 to {_MAX_TAG} characters")
    return tag
