"""What one recipient gets: batched, split, bounded, in order."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.config.schema import RuntimeConfig
from ser_track.event_types import ConsentChanged, Emotion, Left, SpeechStarted, StreamKey
from ser_track.output.data_channel import EventBatch, read_message, split_messages
from ser_track.output.wire import encode

KEY = StreamKey("m", "ann", "1")
EMOTION = Emotion(KEY, 0, 0.0, 1.0, False, {"anger": 0.4, "happiness": 0.6}, "happiness", 0.6, "model@1")


def batch() -> EventBatch:
    return EventBatch(RuntimeConfig())


def sent(of: EventBatch, now: float = 0.0) -> list[dict[str, object]]:
    return [event for message in of.take(now) for event in read_message(message)]


def test_messages_are_due_one_interval_apart_and_at_once_after_a_pause() -> None:
    waiting = batch()
    assert waiting.due_in(10.0) is None
    waiting.put(encode(EMOTION))
    assert waiting.due_in(10.0) == 0
    waiting.take(10.0)
    waiting.put(encode(EMOTION))
    assert waiting.due_in(10.1) == pytest.approx(0.15)
    assert waiting.due_in(11.0) == 0


def test_what_can_wait_does_so_and_goes_with_what_cannot() -> None:
    waiting = batch()
    waiting.take(10.0)
    waiting.put(encode(EMOTION))
    waiting.put(encode(SpeechStarted(KEY, 1, 2.0)))
    assert waiting.due_in(10.05) == pytest.approx(0.2)
    waiting.put(encode(replace(EMOTION, final=True)))
    assert waiting.due_in(10.01) == pytest.approx(0.02), "what one tick found goes together"
    assert waiting.due_in(10.05) == 0
    assert [event["type"] for event in sent(waiting)] == ["speech_started", "emotion"]


def test_a_newer_result_replaces_the_provisional_one_of_its_stream() -> None:
    waiting = batch()
    other = replace(EMOTION, key=StreamKey("m", "ben", "1"))
    for event in (EMOTION, other, replace(EMOTION, end_s=2.0), replace(EMOTION, end_s=3.0, final=True)):
        waiting.put(encode(event))
    assert [(e["participant"], e["end_s"], e["final"]) for e in sent(waiting)] == [
        ("ben", 1.0, False),
        ("ann", 3.0, True),
    ]


def test_a_final_result_is_never_replaced() -> None:
    waiting = batch()
    waiting.put(encode(replace(EMOTION, final=True)))
    waiting.put(encode(replace(EMOTION, segment=1, start_s=2.0, end_s=3.0)))
    assert [e["final"] for e in sent(waiting)] == [True, False]


def test_for_a_receiver_that_takes_nothing_provisional_results_go_first_and_all_is_counted() -> None:
    waiting = batch()
    taken = 0
    for segment in range(600):
        taken += waiting.put(encode(replace(EMOTION, segment=segment, final=True)))
        taken += waiting.put(encode(replace(EMOTION, key=StreamKey("m", f"p{segment}", "1"))))
    events = sent(waiting)
    assert len(events) == 512
    assert taken == 512
    assert all(event["final"] for event in events)
    assert events[-1]["segment"] == 599


@given(st.lists(st.text(alphabet="aé漢", max_size=300).map(lambda text: json.dumps({"t": text}, ensure_ascii=False))))
def test_split_messages_hold_every_line_in_order_and_keep_the_limit(lines: list[str]) -> None:
    messages = split_messages(lines, 1100)
    assert [event for message in messages for event in read_message(message)] == [json.loads(line) for line in lines]
    assert all(len(message.encode()) <= 1100 for message in messages)


def test_a_line_longer_than_a_message_goes_alone_and_is_not_lost() -> None:
    long = json.dumps({"t": "x" * 2000})
    messages = split_messages(['{"a":1}', long, '{"b":2}'], 1100)
    assert [len(read_message(message)) for message in messages] == [1, 1, 1]


def test_left_is_sent_like_any_event() -> None:
    waiting = batch()
    waiting.put(encode(Left(KEY, "closed the page")))
    assert sent(waiting)[0]["type"] == "left"


def test_what_waits_of_somebody_who_withdraws_is_not_sent_any_more() -> None:
    waiting = batch()
    ben = replace(EMOTION, key=StreamKey("m", "ben", "1"), final=True)
    for event in (replace(EMOTION, final=True), SpeechStarted(KEY, 1, 2.0), ben, ConsentChanged(KEY, False)):
        waiting.put(encode(event))
    assert [(e["type"], e["participant"]) for e in sent(waiting)] == [("emotion", "ben"), ("consent", "ann")]
