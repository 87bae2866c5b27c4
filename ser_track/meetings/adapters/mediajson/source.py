"""One source of a bridge: its packets with times of arrival that are the packets' own."""

import time
from typing import Final

from ser_track.errors import AudioError
from ser_track.mediajson.clock import MediaClock
from ser_track.mediajson.frames import Media, SourceStarted
from ser_track.meetings.attendee import Attendee
from ser_track.rtp.header import RTP_CLOCK_HZ, SILENT_LEVEL, Arrival
from ser_track.rtp.pcm_stream import PcmStream

_OPUS: Final = "opus"


class Source:
    """Gives an attendee the audio of one source. A second source of theirs takes over from the first."""

    def __init__(self, started: SourceStarted, attendee: Attendee, number: int) -> None:
        """``number`` is new for each source. One in an encoding that is not known is told of, and not heard."""
        self.endpoint = started.endpoint
        self._attendee = attendee
        self._number = number
        self._clock = MediaClock(started.rate_hz)
        self._ticks = RTP_CLOCK_HZ // started.rate_hz or 1
        self._opus = started.encoding == _OPUS
        self._pcm: PcmStream | None = None
        self._faulty = False
        if not self._opus:
            try:
                self._pcm = PcmStream(started.encoding, started.rate_hz, started.channels)
            except AudioError as error:
                self._fault(error)

    async def take(self, media: Media) -> None:
        """Take in one packet; waits where more comes than is worked through."""
        if self._pcm is not None:
            self._take_pcm(self._pcm, media)
        elif self._opus:
            timestamp = media.timestamp & 0xFFFFFFFF
            now = self._clock.now(timestamp, time.monotonic())
            numbers = media.chunk & 0xFFFF, timestamp * self._ticks & 0xFFFFFFFF
            silent = media.audio_level == SILENT_LEVEL
            self._attendee.arrived(Arrival(self._number, *numbers, media.payload, now, silent))
        await self._attendee.room()

    def _take_pcm(self, pcm: PcmStream, media: Media) -> None:
        try:
            for at, samples in pcm.decode(media.chunk, media.payload):
                self._attendee.heard(samples, at)
        except AudioError as error:
            self._fault(error)

    def _fault(self, error: AudioError) -> None:
        if not self._faulty:  # one word of it is enough
            self._attendee.fault("audio_unusable", str(error))
        self._faulty = True
