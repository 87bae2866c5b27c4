"""One publisher for one meeting: a sink that fails loses what it failed at, and nothing else is lost."""

import pytest

from ser_track.event_types import EncodedEvent, MeetingChanged
from ser_track.meetings.channel import Channel


class Collecting:
    """A sink that keeps what it gets, and fails at its first event if asked to."""

    def __init__(self, fails_first: bool = False) -> None:
        self.events: list[EncodedEvent] = []
        self._fails = fails_first

    def put(self, event: EncodedEvent) -> None:
        if self._fails:
            self._fails = False
            raise OSError("no space left")
        self.events.append(event)


def test_each_sink_gets_the_same_encoded_event() -> None:
    channel, one, two = Channel("m"), Collecting(), Collecting()
    channel.add(one)
    channel.add(two)
    encoded = channel.emit(MeetingChanged("m", "joined"))
    assert one.events[0] is two.events[0] is encoded
    channel.remove(one)
    channel.emit(MeetingChanged("m", "left"))
    assert (len(one.events), len(two.events), channel.log.last) == (1, 2, 2)


def test_a_sink_that_fails_is_named_once_and_goes_on_and_the_others_get_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel, failing, other = Channel("m"), Collecting(fails_first=True), Collecting()
    channel.add(failing)
    channel.add(other)
    channel.emit(MeetingChanged("m", "joined"))
    channel.emit(MeetingChanged("m", "left"))
    assert (len(failing.events), len(other.events)) == (1, 2)
    assert caplog.text.count("Collecting failed") == 1
