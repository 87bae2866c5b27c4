"""Whose a packet is, on a connection with many tracks: when in doubt, nobody's."""

from dataclasses import dataclass, field

import pytest

from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival
from ser_track.rtp.track_routes import MAX_SOURCES, SETTLING_S, Seat, TrackRoutes

ANN, BOB = StreamKey("m", "ann", "ann-s1"), StreamKey("m", "bob", "bob-s1")
OLD, NEW, THIRD = 1, 2, 3


@dataclass
class Connection:
    """Two tracks, ``0`` and ``1``, and what is told of strangers."""

    told: list[tuple[int, str | None, Seat | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.routes = TrackRoutes(lambda *about: self.told.append(about))
        self.routes.describe({"0": (), "1": ()})

    def seat(self, key: StreamKey, now: float, mid: str = "0", source: int | None = None) -> Seat:
        seat = self.routes.take_seat(mid, now, source)
        seat.key = key
        return seat

    def packet(self, ssrc: int, now: float, mid: str | None = "0", *, redundant: bool = False) -> StreamKey | None:
        self.routes.learn(ssrc, mid)
        return self.routes.route(Arrival(ssrc, 7, 7, b"x", now, None, redundant))


@pytest.fixture
def connection() -> Connection:
    return Connection()


def test_packets_belong_to_whoever_is_on_their_track(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.seat(BOB, 0.0, mid="1")
    assert connection.packet(OLD, 1.0) == ANN
    assert connection.packet(NEW, 1.0, mid="1") == BOB
    assert connection.packet(OLD, 1.02, mid=None) == ANN, "senders leave the MID out once it is known"
    assert connection.told == []


def test_packets_of_sources_that_no_track_is_known_for_are_nobodys(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    assert connection.packet(OLD, 1.0, mid=None) is None
    assert connection.packet(NEW, 1.0, mid="9") is None
    assert connection.routes.unassigned == 2
    assert connection.told == [(OLD, None, None), (NEW, None, None)]


def test_a_source_may_be_named_in_the_description(connection: Connection) -> None:
    connection.routes.describe({"0": (OLD,), "1": (NEW,)})
    connection.seat(ANN, 0.0)
    connection.seat(BOB, 0.0, mid="1")
    assert (connection.packet(OLD, 1.0, mid=None), connection.packet(NEW, 1.0, mid=None)) == (ANN, BOB)


def test_tracks_that_are_offered_no_longer_carry_nobody(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    assert connection.packet(OLD, 1.0) == ANN
    connection.routes.describe({"1": ()})
    assert connection.packet(OLD, 2.0) is None
    with pytest.raises(KeyError):
        connection.routes.take_seat("0", 2.0)


def test_audio_before_somebody_is_announced_is_nobodys_and_told_once(connection: Connection) -> None:
    assert [connection.packet(OLD, now) for now in (0.0, 0.02)] == [None, None]
    assert connection.told == [(OLD, "0", None)]
    connection.seat(ANN, 1.0)
    assert connection.packet(OLD, 0.99) is None, "it arrived before, and waited"
    assert connection.packet(OLD, 1.0) == ANN


def test_another_source_is_nobodys_and_the_one_before_is_not_trusted_any_longer(connection: Connection) -> None:
    ann = connection.seat(ANN, 0.0)
    assert connection.packet(OLD, 1.0) == ANN
    assert connection.packet(NEW, 2.0) is None
    assert connection.packet(OLD, 2.02) is None
    assert (ann.overtaken, connection.told) == (True, [(NEW, "0", ann)])


def test_whoever_is_named_after_their_source_has_appeared_gets_that_source(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.packet(OLD, 1.0)
    connection.packet(NEW, 2.0)
    connection.seat(BOB, 2.5)
    assert connection.packet(NEW, 2.4) is None
    assert connection.packet(OLD, 2.5) is None, "a late one of whoever was there before"
    assert connection.packet(NEW, 2.52) == BOB


def test_whoever_is_named_first_gets_the_source_that_appears_then(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.packet(OLD, 1.0)
    connection.seat(BOB, 2.0)
    assert connection.packet(OLD, 2.01) is None, "late"
    assert connection.packet(NEW, 2.02) == BOB
    assert connection.packet(OLD, 2.0 + 2 * SETTLING_S) is None


def test_a_source_that_goes_on_after_a_switch_is_the_next_persons(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.packet(OLD, 1.0)
    connection.seat(BOB, 2.0)
    assert connection.packet(OLD, 2.0 + SETTLING_S / 2) is None
    assert connection.packet(OLD, 2.0 + SETTLING_S) == BOB
    assert connection.packet(NEW, 3.0) is None, "somebody again whom nobody has named"


def test_a_source_that_the_sender_names_is_the_only_one(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.packet(OLD, 1.0)
    connection.seat(BOB, 2.0, source=OLD)
    assert connection.packet(OLD, 2.0) == BOB, "at once"
    connection.seat(ANN, 3.0, source=THIRD)
    assert connection.packet(OLD, 3.5) is None
    assert connection.packet(THIRD, 3.5, mid=None) == ANN


def test_after_somebody_is_gone_their_source_is_nobodys_and_late_packets_are_not_the_next_ones(
    connection: Connection,
) -> None:
    connection.routes.leave_seat(_heard(connection))
    assert connection.packet(OLD, 2.0) is None
    connection.seat(BOB, 2.1)
    assert connection.packet(OLD, 2.1 + SETTLING_S / 2) is None
    assert connection.packet(NEW, 2.1 + SETTLING_S / 2) == BOB


def test_copies_in_red_never_carry_the_voice_before_the_switch(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.packet(OLD, 1.0)
    connection.seat(BOB, 2.0, source=OLD)
    assert connection.packet(OLD, 2.0, redundant=True) is None
    assert connection.packet(OLD, 2.0) == BOB
    assert connection.packet(OLD, 2.5, redundant=True) == BOB


def test_a_source_that_moves_to_another_track_is_of_whoever_is_there(connection: Connection) -> None:
    connection.seat(ANN, 0.0)
    connection.seat(BOB, 0.0, mid="1")
    assert connection.packet(OLD, 1.0) == ANN
    assert connection.packet(OLD, 1.02, mid="1") == BOB


def test_without_consent_nothing_is_routed_and_what_came_before_it_never_is(connection: Connection) -> None:
    seat = connection.routes.take_seat("0", 0.0)
    assert connection.packet(OLD, 1.0) is None
    seat.key, seat.since = ANN, 2.0
    assert (connection.packet(OLD, 1.9), connection.packet(OLD, 2.0)) == (None, ANN)
    assert connection.told == []


def test_sources_are_limited(connection: Connection) -> None:
    for ssrc in range(MAX_SOURCES + 10):
        connection.packet(ssrc, 1.0)
    assert len(connection.told) == MAX_SOURCES
    assert connection.packet(MAX_SOURCES + 11, 2.0) is None


def _heard(connection: Connection) -> Seat:
    seat = connection.seat(ANN, 0.0)
    connection.packet(OLD, 1.0)
    return seat
