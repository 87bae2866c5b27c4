"""WHEP: the bot pulls one stream from a server, as a viewer does, and analyses its one voice."""

from typing import Final

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.adapters.whep.stream import Stream
from ser_track.meetings.adapters.whep.target import StreamTarget
from ser_track.meetings.meeting import Capabilities

ADAPTER: Final = Adapter(
    kind="whep",
    summary="a stream of a WHEP server, with one voice",
    target=StreamTarget,
    make=Stream,
    capabilities=Capabilities(results="none", refusal="link"),
    schemes={"whep": "https", "whep+https": "https", "whep+http": "http"},
)
