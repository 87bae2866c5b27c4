"""Turns one sender's Opus packets into 16 kHz mono samples with media time, despite loss and jitter.

The one packet path: for peer connections, for bridges that export packets, and for recorded ones.
"""

from collections.abc import Iterable, Sequence

from ser_track.audio.mixing import ChannelMixer
from ser_track.chunk import Chunk
from ser_track.rtp.clock_rate import ClockRate
from ser_track.rtp.header import Arrival, make
from ser_track.rtp.jitter_buffer import Hole, Item, JitterBuffer, Restart
from ser_track.rtp.lazy_decoding import LazyDecoding
from ser_track.rtp.media_time import MediaTime
from ser_track.rtp.opus import RTP_PER_SAMPLE
from ser_track.rtp.opus_packet import is_stereo, packet_length
from ser_track.rtp.opus_playout import OpusPlayout
from ser_track.rtp.packet_counts import PacketCounts
from ser_track.rtp.sequence import Packet
from ser_track.rtp.undecoded import PlacedPacket


class OpusStream:
    """Synchronous, and without a clock: `put` packets as they arrive, `take` the samples that are due.

    Time comes from RTP timestamps; 0 is the first packet. A hole of up to 120 ms is recovered from the next packet if
    that carries a copy, else concealed. Longer holes, DTX and packets whose levels are too low for a voice are left
    out: the index of the next samples tells how long they lasted. ``now`` is any clock in seconds that does not run
    backwards.
    """

    def __init__(
        self,
        counts: PacketCounts | None = None,
        failed: "OpusStream | None" = None,
        channel: int | None = None,
        by_level: bool = True,
    ) -> None:
        """Make a stream; ``counts`` may be shared with others. It goes on in the time of one that ``failed``, if any.

        channel: of stereo, 0 or 1, that one alone.
        by_level: whether the levels that senders give may decide what is decoded.

        Raises:
            AudioError: libopus is not there.
        """
        self.counts = PacketCounts() if counts is None else counts
        self._buffer = JitterBuffer(self.counts)
        self._clock = ClockRate()
        self._time: MediaTime = MediaTime() if failed is None else failed._time
        self._goes_on = failed is not None
        self._playout = OpusPlayout(self.counts, self._time, channel)
        self._decoding = LazyDecoding(self._playout, self._time, self.counts, by_level)
        self._interrupted = False
        """Whether a packet without audio came before the next one, such as comfort noise or a key of a telephone."""

    @property
    def waiting(self) -> bool:
        """Whether packets are held behind a hole."""
        return bool(self._buffer)

    @property
    def mixer(self) -> ChannelMixer:
        """What mixes the channels of stereo packets."""
        return self._playout.mixer

    def put(self, arrival: Arrival) -> None:
        """Take in one packet; a packet without payload is padding, and counts only for the order."""
        self._time.note_arrival(arrival.now)
        if self._goes_on:
            self._goes_on = False
            self._playout.leave_out(self._time.begin_anew(arrival.now))
        self._buffer.put(self._clock.at_48_khz(arrival))

    def put_all(self, arrivals: Sequence[Arrival]) -> None:
        """Take in packets in the order in which they arrived, as `put` would, but usually much faster."""
        usual = 0
        if arrivals and not self._goes_on and self._clock.passes_run(arrivals[0].ssrc):
            usual = self._buffer.put_run(arrivals)
            if usual:
                self._clock.note_last(arrivals[usual - 1])
        for arrival in arrivals[usual:]:
            self.put(arrival)

    def take(self, now: float) -> list[Chunk]:
        """Return the samples due at ``now``. A chunk without samples means that there was no voice up to it."""
        return self._hear(self._buffer.take(now))

    def arrived_s(self, at: int) -> float | None:
        """Return when sample ``at`` arrived, by the fastest recent packet; ``None`` before the first."""
        passed_s = self._time.passed_s(at)
        return None if passed_s is None else self._buffer.least_transit_s + passed_s

    def flush(self) -> list[Chunk]:
        """Return everything that is still held: no more packets will arrive."""
        heard = self._hear(self._buffer.flush())
        self._decoding.flush()
        return [*heard, *self._decoding.silence()]

    def _hear(self, items: Sequence[Item]) -> list[Chunk]:
        if len(items) > 1 and (run := self._placed_run(items)):
            return [*self._decoding.hear_run(run), *self._decoding.silence()]
        heard: list[Chunk] = []
        for item in items:
            if isinstance(item, Packet):
                if item.payload:
                    heard += self._hear_packet(item)
                else:
                    self._interrupted = True
            elif isinstance(item, Hole):
                self._playout.missing += item.packets
            else:
                self._begin_anew(item)
        heard += self._decoding.silence()
        return heard

    def _placed_run(self, items: Sequence[Item]) -> list[PlacedPacket]:
        """Give packets their places if they follow each other, and what was heard before them; else return nothing."""
        first, run = items[0], list[PlacedPacket]()
        if not isinstance(first, Packet) or self._playout.missing or self._interrupted:
            return run
        timestamp = first.timestamp
        at = self._time.place(timestamp, packet_length(first.payload) // RTP_PER_SAMPLE)
        if at != self._time.end:
            return run
        for item in items:
            if not isinstance(item, Packet) or item.timestamp != timestamp or is_stereo(item.payload):
                return []
            length = packet_length(item.payload)
            if not length:
                return []
            run.append(make(PlacedPacket, (at, length // RTP_PER_SAMPLE, item.payload, item.level, 0, False)))
            timestamp, at = timestamp + length, at + length // RTP_PER_SAMPLE
        return run

    def _begin_anew(self, restart: Restart) -> None:
        """Follow a new clock, and a new encoder. The time of arrival gives the place of its first sample."""
        self._decoding.begin_anew(another_encoder=not restart.paused)
        left_out = self._time.begin_anew(restart.now)
        if restart.paused:
            self._playout.skip(left_out)
        else:
            self._playout.leave_out(left_out)

    def _hear_packet(self, packet: Packet) -> Iterable[Chunk]:
        _, timestamp, payload, level = packet
        samples = packet_length(payload) // RTP_PER_SAMPLE
        lost = self._playout.missing_samples(samples)
        at = self._time.place(timestamp, samples, lost)
        if 0 < samples <= self._time.end - at:  # its time has passed
            return ()
        placed = PlacedPacket(at, samples, payload, level, lost, self._interrupted)
        self._playout.missing, self._interrupted = 0, False
        return self._decoding.hear(placed)
