"""WHIP (RFC 9725): senders such as OBS, FFmpeg and browsers publish their audio with one HTTP request each."""

from typing import Final

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.adapters.whip.ingest import Ingest, IngestTarget
from ser_track.meetings.meeting import Capabilities

ADAPTER: Final = Adapter(
    kind="whip",
    summary="a meeting that WHIP senders publish to",
    target=IngestTarget,
    make=Ingest,
    capabilities=Capabilities(results="data_channel", refusal="link", personal_links=True),
    routes="ser_track.meetings.adapters.whip.routes",
)
