"""One source of a live bridge: its packets get arrival times from their own media time."""

import time

from ser_track.errors import AudioError
from ser_track.mediajson.clock import MediaClock
from ser_track.mediajson.frames import Media, SourceStarted
from ser_track.mediajson.source import MediaSource
from ser_track.meetings.attendee import Attendee
from ser_track.rtp.header import Arrival


class AttendeeSource:
    """Gives an attendee the audio of one source. A second source of theirs replaces the first."""

    def __init__(self, started: SourceStarted, attendee: Attendee, number: int) -> None:
        """``number`` is new for each source. A source with an unknown encoding is reported, and not analysed."""
        self.endpoint = started.endpoint
        self._attendee = attendee
        self._clock = MediaClock(started.rate_hz)
        self._media: MediaSource | None = None
        self._faulty = False
        try:
            self._media = MediaSource(started, number)
        except AudioError as error:
            self._fault(error)

    async def take(self, media: Media) -> None:
        """Take one packet; waits if packets come faster than they are processed."""
        if self._media is not None:
            now = self._clock.now(media.timestamp & 0xFFFFFFFF, time.monotonic())
            try:
                for each in self._media.read(media, now):
                    if isinstance(each, Arrival):
                        self._attendee.arrived(each)
                    else:
                        self._attendee.heard(each)
            except AudioError as error:
                self._fault(error)
        await self._attendee.room()

    def _fault(self, error: AudioError) -> None:
        if not self._faulty:  # report it only once
            self._attendee.fault("audio_unusable", str(error))
        self._faulty = True
