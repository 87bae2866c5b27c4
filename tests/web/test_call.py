"""Real aiortc peers in a room of the real server: what one says, the other learns."""

import asyncio
from dataclasses import replace

import pytest

from ser_track.config.schema import Config, PipelineConfig
from tests.helpers.peer import RecordingTrack
from tests.paths import SPOKEN
from tests.web.conftest import MakePeer, Running


async def test_what_one_says_the_other_learns(peer: MakePeer) -> None:
    speaker, observer = peer(), peer()
    await observer.join("call", "Observer", None, consent=False)
    await speaker.join("call", "Speaker", RecordingTrack(SPOKEN))
    final = await observer.wait_for("emotion", final=True)
    assert final["participant"] == speaker.id
    assert sum(final["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    top = max(final["probabilities"], key=final["probabilities"].get)
    sure = final["probabilities"][top] >= PipelineConfig().min_confidence
    assert final["label"] == (top if sure else "unsure")
    started = await observer.wait_for("speech_started", segment=final["segment"])
    ended = await observer.wait_for("speech_ended", segment=final["segment"])
    assert (started["start_s"], ended["end_s"]) == (final["start_s"], final["end_s"])
    provisional = [e for e in observer.events if e["type"] == "emotion" and not e["final"]]
    assert len(provisional) >= int(final["end_s"] - final["start_s"]), "at least one provisional result a second"
    await speaker.wait_for("emotion", final=True)
    assert [e for e in observer.events if e.get("participant") == observer.id and e["type"] == "emotion"] == []


async def test_messages_are_small_and_at_most_four_a_second(peer: MakePeer) -> None:
    speaker, observer = peer(), peer()
    await observer.join("call", "Observer", None, consent=False)
    await speaker.join("call", "Speaker", RecordingTrack(SPOKEN))
    await observer.wait_for("emotion", final=True)
    assert max(len(text.encode()) for _, text in observer.messages) <= 1100
    # Sent 250 ms apart; each may take a little longer or shorter on its way, so the average over all is judged.
    first, last = observer.messages[0][0], observer.messages[-1][0]
    assert len(observer.messages) - 1 <= (last - first) / 0.25 + 1


async def test_losing_packets_costs_neither_sound_nor_order_nor_time(peer: MakePeer, server: Running) -> None:
    clean, lossy = peer(), peer()
    await clean.join("clean", "Clean", RecordingTrack(SPOKEN))
    await lossy.join("lossy", "Lossy", RecordingTrack(SPOKEN))
    lossy.lose_packets(0.05, seed=1)
    reference = await clean.wait_for("emotion", final=True)
    await lossy.wait_for("emotion", final=True)
    await lossy.wait_for("speech_ended", reason="silence", classified=True)
    finals = [e for e in lossy.events if e["type"] == "emotion" and e["final"]]
    assert finals, "speech under loss still gets its result"
    # Time comes from RTP timestamps, not from counting what arrived.
    assert finals[0]["start_s"] == pytest.approx(reference["start_s"], abs=0.1)
    spans = [(e["start_s"], e["end_s"]) for e in lossy.events if e["type"] == "speech_ended"]
    assert spans == sorted(spans)
    metrics = await (await server.http.get(f"{server.url}/metrics")).text()
    counted = dict(line.split() for line in metrics.splitlines() if line.startswith("ser_track_") and "{" not in line)
    assert float(counted["ser_track_packets_lost"]) > 5
    assert float(counted["ser_track_missing_seconds"]) == 0, "nothing was left out that could be made up"


async def test_a_caller_without_opus_is_heard_through_aiortcs_decoder(peer: MakePeer, server: Running) -> None:
    speaker = peer()
    await speaker.join("call", "Speaker", RecordingTrack(SPOKEN), codec="PCMU")
    final = await speaker.wait_for("emotion", final=True)
    assert final["end_s"] > final["start_s"] + 1
    metrics = await (await server.http.get(f"{server.url}/metrics")).text()
    assert "ser_track_packets 0.0" in metrics


async def test_who_refuses_is_never_analysed(peer: MakePeer, server: Running) -> None:
    refuser, observer = peer(), peer()
    await observer.join("call", "Observer", None, consent=False)
    await refuser.join("call", "Refuser", RecordingTrack(SPOKEN), consent=False)
    joined = await observer.wait_for("joined", participant=refuser.id)
    assert joined["analysed"] is False
    await asyncio.sleep(4)
    kinds = {e["type"] for e in observer.events if e.get("participant") == refuser.id}
    assert kinds == {"joined"}, "audio that was sent all the same is ignored"
    metrics = await (await server.http.get(f"{server.url}/metrics")).text()
    assert "ser_track_audio_seconds_total 0.0" in metrics


async def test_who_opts_out_is_not_analysed_from_then_on_and_can_come_back(peer: MakePeer) -> None:
    speaker, observer = peer(), peer()
    await observer.join("call", "Observer", None, consent=False)
    await speaker.join("call", "Speaker", RecordingTrack(SPOKEN))
    await observer.wait_for("emotion", participant=speaker.id)
    speaker.channel.send('{"type": "consent", "analysed": false}')
    await observer.wait_for("consent", participant=speaker.id, analysed=False)
    index = observer.events.index(await observer.wait_for("consent", participant=speaker.id, analysed=False))
    await asyncio.sleep(2.5)
    assert observer.events[index + 1 :] == []
    speaker.channel.send('{"type": "consent", "analysed": true}')
    again = await observer.wait_for("consent", participant=speaker.id, analysed=True)
    spoken = await observer.wait_for("speech_started", stream=again["stream"])
    first = await observer.wait_for("joined", participant=speaker.id)
    assert spoken["stream"] != first["stream"]


async def test_a_message_that_is_no_consent_is_answered_with_an_error(peer: MakePeer) -> None:
    speaker = peer()
    await speaker.join("call", "Speaker", None)
    await speaker.wait_for("joined")
    speaker.channel.send("{")
    assert "not understood" in (await speaker.wait_for("error", code="bad_request"))["message"]


async def test_who_leaves_in_mid_sentence_gets_a_last_result_before_the_goodbye(peer: MakePeer) -> None:
    speaker, observer = peer(), peer()
    await observer.join("call", "Observer", None, consent=False)
    await speaker.join("call", "Speaker", RecordingTrack(SPOKEN))
    await observer.wait_for("emotion", participant=speaker.id)
    await speaker.close()
    left = await observer.wait_for("left", participant=speaker.id)
    ended = await observer.wait_for("speech_ended", participant=speaker.id)
    assert observer.events.index(ended) < observer.events.index(left)


class TestStalled:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, runtime=replace(base.runtime, stalled_after_s=1.0))

    async def test_a_track_that_never_sends_is_reported(self, peer: MakePeer) -> None:
        mute = peer()
        await mute.join("call", "Mute", None)
        stalled = await mute.wait_for("stalled", participant=mute.id)
        assert stalled["silent_s"] >= 1.0
