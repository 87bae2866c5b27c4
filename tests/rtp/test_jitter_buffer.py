"""Order, loss and delay; the payload says which packet it is."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.rtp.header import Arrival
from ser_track.rtp.jitter_buffer import MAX_DELAY_S, MIN_DELAY_S, Hole, Item, JitterBuffer, Restart
from ser_track.rtp.sequence import Packet

FRAME_S = 0.02
TICKS = 960
SSRC = 7
OPUS_20_MS = b"\x48"


class Sender:
    """Sends packet ``n`` at ``n`` times 20 ms, as RTP numbers it; hands over what the buffer gives back."""

    def __init__(self, first_sequence: int = 65_530, first_timestamp: int = 2**32 - 5 * TICKS) -> None:
        self.buffer = JitterBuffer()
        self.items: list[Item] = []
        self._sequence, self._timestamp = first_sequence, first_timestamp

    def arrive(self, n: int, at: float, ssrc: int = SSRC) -> None:
        self.put(n, at, ssrc)
        self.tick(at)

    def put(self, n: int, at: float, ssrc: int = SSRC) -> None:
        self.buffer.put(self.packet(n, at, ssrc))

    def packet(self, n: int, at: float, ssrc: int = SSRC) -> Arrival:
        timestamp = (self._timestamp + n * TICKS) % 2**32
        return Arrival(ssrc, (self._sequence + n) % 2**16, timestamp, OPUS_20_MS + str(n).encode(), at)

    def tick(self, at: float) -> None:
        self.items += self.buffer.take(at)

    def heard(self, items: Iterable[Item] | None = None) -> list[int | str]:
        """Packet numbers; "-" for each packet of a hole."""
        found: list[int | str] = []
        for item in self.items if items is None else items:
            if isinstance(item, Packet):
                found.append(int(item.payload.removeprefix(OPUS_20_MS)))
            elif isinstance(item, Hole):
                found += ["-"] * item.packets
            else:
                found.append("restart")
        return found


def steadily(sender: Sender, numbers: Iterable[int]) -> None:
    for n in numbers:
        sender.arrive(n, n * FRAME_S)


def test_packets_in_order_come_out_at_once_after_the_first_was_waited_for() -> None:
    sender = Sender()
    steadily(sender, range(3))
    assert sender.heard() == []
    sender.arrive(3, 3 * FRAME_S)
    assert sender.heard() == [0, 1, 2, 3]
    sender.arrive(4, 4 * FRAME_S)
    assert sender.heard()[-1] == 4


def test_numbers_go_on_where_rtp_wraps() -> None:
    sender = Sender()
    steadily(sender, range(40))
    packets = [item for item in sender.items if isinstance(item, Packet)]
    assert sender.heard() == list(range(40))
    assert all(b.sequence - a.sequence == 1 and b.timestamp - a.timestamp == TICKS for a, b in pairwise(packets))


def test_a_packet_that_comes_within_the_delay_is_put_in_its_place() -> None:
    sender = Sender()
    steadily(sender, range(10))
    sender.arrive(11, 0.22)
    sender.arrive(12, 0.24)
    assert sender.heard() == list(range(10))
    sender.arrive(10, 0.245)
    assert sender.heard() == list(range(13))
    assert (sender.buffer.counts.lost, sender.buffer.counts.late) == (0, 0)


def test_a_packet_that_does_not_come_is_given_up_and_late_when_it_comes_after_all() -> None:
    sender = Sender()
    steadily(sender, [*range(10), *range(12, 20)])
    assert sender.heard() == [*range(10), "-", "-", *range(12, 20)]
    sender.arrive(10, 0.4)
    assert sender.heard() == [*range(10), "-", "-", *range(12, 20)]
    assert (sender.buffer.counts.lost, sender.buffer.counts.late, sender.buffer.counts.duplicates) == (2, 1, 0)


def test_a_hole_before_a_pause_is_given_up_without_another_packet() -> None:
    sender = Sender()
    steadily(sender, [*range(10), 11])
    assert sender.heard() == list(range(10))
    sender.tick(11 * FRAME_S + MAX_DELAY_S)
    assert sender.heard() == [*range(10), "-", 11]


def test_duplicates_are_dropped_whether_the_first_is_out_or_still_held() -> None:
    sender = Sender()
    steadily(sender, [*range(10), 11])
    for n in (3, 9, 11):
        sender.arrive(n, 0.221)
    sender.arrive(10, 0.222)
    assert sender.heard() == list(range(12))
    assert sender.buffer.counts.duplicates == 3


def test_first_packets_in_the_wrong_order_are_not_lost() -> None:
    sender = Sender()
    sender.arrive(1, 0.02)
    sender.arrive(0, 0.03)
    sender.tick(0.09)
    assert sender.heard() == [0, 1]


def test_the_delay_grows_with_lateness_and_is_back_under_100_ms_within_two_seconds() -> None:
    sender = Sender()
    steadily(sender, range(50))
    assert sender.buffer.delay_s < 0.06
    for n in range(50, 65):  # the network holds 300 ms back, then lets all go
        sender.arrive(n, 65 * FRAME_S)
    assert sender.buffer.delay_s > 0.15
    for n in range(65, 65 + 100):
        sender.arrive(n, n * FRAME_S)
    assert MIN_DELAY_S <= sender.buffer.delay_s < 0.1
    assert sender.heard() == list(range(165))


def test_a_clock_that_drifts_does_not_pass_for_lateness() -> None:
    sender = Sender()
    for n in range(50 * 60 * 3):
        sender.arrive(n, n * FRAME_S * 1.0005)
    assert sender.buffer.delay_s < 0.06


def test_another_ssrc_is_a_restart_after_all_that_was_held() -> None:
    sender = Sender()
    steadily(sender, [*range(10), 11])
    sender.arrive(100, 1.0, ssrc=8)
    assert "restart" not in sender.heard(), "one packet may be anybody's"
    sender.arrive(101, 1.02, ssrc=8)
    assert sender.heard() == [*range(10), "-", 11, "restart", 100, 101]
    (restart,) = [item for item in sender.items if isinstance(item, Restart)]
    assert restart.now == 1.0


def test_packets_of_the_source_before_are_late_not_a_way_back() -> None:
    sender = Sender()
    steadily(sender, range(10))
    for n in (100, 101):
        sender.arrive(n, n * FRAME_S, ssrc=8)
    for n in (10, 11, 12):
        sender.arrive(n, 102 * FRAME_S)
    sender.arrive(102, 102 * FRAME_S, ssrc=8)
    assert sender.heard() == [*range(10), "restart", 100, 101, 102]
    assert sender.buffer.counts.late == 3


def test_a_straggler_moves_nothing() -> None:
    sender = Sender()
    steadily(sender, range(300))
    sender.arrive(50, 300 * FRAME_S)
    sender.arrive(9, 300 * FRAME_S, ssrc=8)
    steadily(sender, range(300, 310))
    assert sender.heard() == list(range(310))
    assert sender.buffer.counts.late == 2


def test_a_sequence_number_from_elsewhere_is_a_restart() -> None:
    sender = Sender()
    steadily(sender, range(10))
    sender.arrive(10_000, 0.2)
    sender.arrive(10_001, 0.22)
    assert sender.heard() == [*range(10), "restart", 10_000, 10_001]


def test_what_is_held_is_bounded() -> None:
    sender = Sender()
    steadily(sender, range(10))
    for n in range(11, 2000):  # the network held them back for forty seconds
        sender.arrive(n, 40.0)
    assert sender.heard() == [*range(10), "-", *range(11, 2000)]


@given(
    lost=st.sets(st.integers(1, 198), max_size=60),
    late_s=st.lists(st.floats(0, 0.03), min_size=200, max_size=200),
    twice=st.sets(st.integers(0, 199), max_size=30),
)
def test_jitter_within_the_delay_loses_nothing_but_what_was_lost(
    lost: set[int], late_s: list[float], twice: set[int]
) -> None:
    sender = Sender()
    arrivals = sorted((n * FRAME_S + late_s[n], n) for n in range(200) if n not in lost)
    arrivals = sorted([*arrivals, *((at + 0.001, n) for at, n in arrivals if n in twice)])
    for at, n in arrivals:
        sender.arrive(n, at)
    sender.items += sender.buffer.flush()
    assert sender.heard() == ["-" if n in lost else n for n in range(200)]
    assert sender.buffer.counts.lost == len(lost)
    assert sender.buffer.counts.late == 0
    assert sender.buffer.counts.duplicates == len(twice - lost)


@given(
    st.lists(st.tuples(st.floats(0, 0.3), st.booleans()), min_size=1, max_size=80),
    st.sampled_from([0.02, 0.032, 0.128, 1.0]),
)
def test_it_does_not_matter_how_often_packets_are_taken(sent: list[tuple[float, bool]], every_s: float) -> None:
    arriving = sorted((n * FRAME_S + late_s, n) for n, (late_s, lost) in enumerate(sent) if not lost)
    often, seldom = Sender(), Sender()
    taken_at = 0.0
    for at, n in arriving:
        often.arrive(n, at)
        while taken_at + every_s < at:
            taken_at += every_s
            seldom.tick(taken_at)
        seldom.put(n, at)
    for sender in (often, seldom):
        sender.items += sender.buffer.flush()
    assert often.heard() == seldom.heard()
    assert often.buffer.counts == seldom.buffer.counts


@given(
    st.lists(st.tuples(st.floats(0, 0.3), st.integers(0, 9)), min_size=1, max_size=80),
    st.integers(1, 20),
    st.floats(0, 1),
)
def test_a_run_of_packets_is_taken_in_as_each_would_be(
    sent: list[tuple[float, int]], together: int, jitter: float
) -> None:
    steps = {0: 2, 1: 60}  # a lost packet, and a pause in which time goes on; the others follow each other
    times, n = [], 0
    for late_s, what in sent:
        n += steps.get(what, 1)
        times.append((n * FRAME_S + late_s * jitter * (what == 2), n))
    arriving = sorted(times)
    singly, in_runs = Sender(), Sender()
    for start in range(0, len(arriving), together):
        arrivals = [singly.packet(n, at) for at, n in arriving[start : start + together]]
        for arrival in arrivals:
            singly.buffer.put(arrival)
        while arrivals:
            taken = in_runs.buffer.put_run(arrivals)
            if not taken:
                in_runs.buffer.put(arrivals[0])
            arrivals = arrivals[max(1, taken) :]
        for sender in (singly, in_runs):
            sender.tick(arriving[min(start + together, len(arriving)) - 1][0])
        assert in_runs.buffer.delay_s == pytest.approx(singly.buffer.delay_s)
        assert in_runs.buffer.least_transit_s == singly.buffer.least_transit_s
    for sender in (singly, in_runs):
        sender.items += sender.buffer.flush()
    assert singly.items == in_runs.items
    assert singly.buffer.counts == in_runs.buffer.counts


def test_packets_in_order_are_a_run() -> None:
    sender = Sender()
    steadily(sender, range(5))
    arrivals = [sender.packet(n, n * FRAME_S) for n in (5, 6, 7, 9, 10)]
    assert sender.buffer.put_run(arrivals) == 3
    assert sender.heard(sender.buffer.take(0.2)) == [5, 6, 7]
    assert sender.buffer.put_run(arrivals[3:]) == 0
