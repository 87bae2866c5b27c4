"""Tracks: one sender (a tap, a gateway, another bot) sends many people over one peer connection, a track for each."""

from typing import Final

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.adapters.tracks.meeting import TracksMeeting
from ser_track.meetings.adapters.tracks.target import TracksTarget
from ser_track.meetings.meeting import Capabilities

ADAPTER: Final = Adapter(
    kind="tracks",
    summary="many people's audio tracks over one peer connection of a sender",
    target=TracksTarget,
    make=TracksMeeting,
    capabilities=Capabilities(results="data_channel", refusal="link", personal_links=True),
    answer=TracksMeeting.answered,
)
