"""The figures of receiver reports: packets received, packets lost, and jitter of a source (RFC 3550, 6.4.1)."""

import threading
import time
from collections.abc import Sequence

from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket

from ser_track.rtp.header import Arrival


class ReceiverStats(StreamStatistics):
    """aiortc's statistics of a source, based on when a packet arrived, not on when it was processed."""

    def __init__(self, so_far: StreamStatistics) -> None:
        """Continue from what aiortc has counted ``so_far``."""
        self.__dict__.update(so_far.__dict__)
        self._lock = threading.Lock()

    @property
    def fraction_lost(self) -> int:
        """The fraction since the last report, in 256ths. It must fit one byte, so the largest value is 255."""
        with self._lock:
            return min(255, super().fraction_lost)

    def add(self, packet: RtpPacket) -> None:
        """aiortc calls this for a packet that it received itself."""
        now = time.time()
        self.count_all([Arrival(packet.ssrc, packet.sequence_number, packet.timestamp, b"", now)], 0.0)

    def count_all(self, arrivals: Sequence[Arrival], clock_offset_s: float) -> None:
        """Count packets in the order in which they arrived (RFC 3550, A.1, A.3 and A.8).

        ``clock_offset_s`` is the clock of their times less the wall clock.
        """
        if not arrivals:
            return
        with self._lock:
            self.packets_received += len(arrivals)
            if self.base_seq is None or self.max_seq is None:
                self.base_seq = self.max_seq = arrivals[0].sequence
            latest, rate_hz, jitter_q4 = self.max_seq, self._clockrate, self._jitter_q4
            last_arrival, last_timestamp = self._last_arrival, self._last_timestamp
            for _, sequence, timestamp, _, now, _, _ in arrivals:
                if sequence - latest & 0xFFFF >= 0x8000:  # older than the newest packet: not used for jitter
                    continue
                if sequence < latest:
                    self.cycles += 1 << 16
                latest, arrival = sequence, int((now - clock_offset_s) * rate_hz)
                if last_arrival is not None and last_timestamp is not None:
                    passed = (timestamp - last_timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
                    jitter_q4 += abs(arrival - last_arrival - passed) - ((jitter_q4 + 8) >> 4)
                last_arrival, last_timestamp = arrival, timestamp
            self.max_seq, self._jitter_q4 = latest, jitter_q4
            self._last_arrival, self._last_timestamp = last_arrival, last_timestamp
