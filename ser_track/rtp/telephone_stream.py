"""Turns one sender's packets of G.711 or G.722 into 16 kHz mono samples with media time, for recorded packets."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from ser_track.audio.frames import FrameConverter
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.errors import AudioError
from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.jitter_buffer import Item, JitterBuffer, Restart
from ser_track.rtp.media_time import MediaTime
from ser_track.rtp.packet_counts import PacketCounts
from ser_track.rtp.pcm_decoder import PcmDecoder
from ser_track.rtp.sequence import Packet

_CLOCK_HZ: Final = 8_000
"""RTP clock rate of G.711, and of G.722 too (RFC 3551, 4.5.2)."""


class TelephoneStream:
    """As `OpusStream`, but lost packets are gaps: these codecs have neither copies nor concealment."""

    def __init__(self, encoding: str) -> None:
        """``encoding`` is ``pcmu``, ``pcma`` or ``g722``."""
        self.counts = PacketCounts()
        self._buffer = JitterBuffer(self.counts)
        self._decoder = PcmDecoder(encoding, _CLOCK_HZ, 1)
        self._converter = FrameConverter()
        self._time = MediaTime()

    @property
    def waiting(self) -> bool:
        """Whether packets are held behind a hole."""
        return bool(self._buffer)

    def put(self, arrival: Arrival) -> None:
        """Take in one packet."""
        self._time.note_arrival(arrival.now)
        ticks = arrival.timestamp * (RTP_CLOCK_HZ // _CLOCK_HZ) & 0xFFFFFFFF
        self._buffer.put(arrival._replace(timestamp=ticks))

    def take(self, now: float) -> Iterator[Chunk]:
        """Yield the samples due at ``now``."""
        for item in self._buffer.take(now):
            yield from self._hear(item)

    def flush(self) -> Iterator[Chunk]:
        """Yield everything that is still held: no more packets will arrive."""
        for item in self._buffer.flush():
            yield from self._hear(item)
        yield from self._converter.flush()

    def _hear(self, item: Item) -> Iterator[Chunk]:
        if isinstance(item, Packet):
            yield from self._decode(item)
        elif isinstance(item, Restart):
            self._time.begin_anew(item.now)

    def _decode(self, packet: Packet) -> Iterator[Chunk]:
        try:
            frames = self._decoder.decode(packet.payload)
        except AudioError:
            self.counts.broken += 1
            return
        for frame in frames:
            length = frame.samples * SAMPLE_RATE_HZ // self._decoder.rate_hz
            at = self._time.place(packet.timestamp, length)
            self._time.end = at + length
            frame.sample_rate = self._decoder.rate_hz
            frame.pts, frame.time_base = at, Fraction(1, SAMPLE_RATE_HZ)
            yield from self._converter.convert(frame)
