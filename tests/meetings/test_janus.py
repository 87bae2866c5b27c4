"""The bot in rooms of a real Janus: whom it hears, under which name, and what reaches the room."""

import pytest

from tests.meetings.conftest import MakePerson, SendBot
from tests.meetings.janus_people import SPOKEN
from tests.web.peers import RecordingTrack

pytestmark = pytest.mark.meeting


async def test_two_who_speak_are_heard_under_their_own_names_and_the_room_is_told(
    person: MakePerson, send_bot: SendBot
) -> None:
    ann, bob, observer = person("Ann"), person("Bob"), person("Observer")
    await ann.join()
    await ann.publish(RecordingTrack(SPOKEN))
    bot = await send_bot()
    assert bot["state"] == "joined"
    await observer.join()
    await observer.listen_to_bots()
    await bob.join()  # late
    await bob.publish(RecordingTrack(SPOKEN))
    names = {}
    for name in ("Ann", "Bob"):
        joined = await observer.wait_for("joined", name=name)
        names[joined["participant"]] = name
        final = await observer.wait_for("emotion", participant=joined["participant"], final=True)
        assert final["end_s"] > final["start_s"] + 0.5
    assert sorted(names.values()) == ["Ann", "Bob"]
