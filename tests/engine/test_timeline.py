"""Events of several people, in the order in which `analyze` may give them, become one line each."""

from ser_track.engine.timeline import gather
from ser_track.event_types import Emotion, Event, Fault, Joined, SpeechEnded, SpeechStarted, StreamKey
from ser_track.labels import FOUR, LabelSet

ANN, BOB = (StreamKey("file", name, "talk.wav") for name in ("ann", "bob"))


def result(key: StreamKey, segment: int, *, final: bool) -> Emotion:
    shares = {"anger": 0.1, "happiness": 0.7, "sadness": 0.1, "neutral": 0.1}
    return Emotion(key, segment, 1.0, 2.0, final, shares, "happiness", 0.7, "m@1")


def test_each_participant_has_their_segments_with_their_results() -> None:
    first, last = result(ANN, 0, final=False), result(ANN, 0, final=True)
    events: list[Event] = [
        Joined(ANN, "Ann", analysed=True),
        Joined(BOB, "Bob", analysed=True),
        SpeechStarted(ANN, 0, 1.0),
        first,
        SpeechEnded(ANN, 0, 1.0, 2.5, "silence", classified=True),
        SpeechStarted(ANN, 1, 4.0),
        SpeechEnded(BOB, 0, 0.5, 0.75, "flush", classified=False),
        last,
        Fault(BOB, "audio_unreadable", "it ends"),
    ]
    timeline = gather("talk.wav", events)
    ann, bob = timeline.lines
    assert (ann.name, bob.name) == ("Ann", "Bob")
    assert [(one.emotion, one.provisional) for one in ann.utterances] == [(last, [first])]
    assert [(one.emotion, one.reason) for one in bob.utterances] == [(None, "flush")]
    assert (ann.utterances[0].classified, bob.utterances[0].classified) == (True, False)
    assert (ann.speech_s, bob.speech_s, timeline.end_s) == (1.5, 0.25, 2.5)
    assert [fault.code for fault in timeline.faults] == ["audio_unreadable"]


def test_nobody_spoke() -> None:
    timeline = gather("talk.wav", [Joined(ANN, "Ann", analysed=True)])
    assert (timeline.end_s, timeline.lines[0].utterances) == (0.0, [])


MOODS = {"calm": 0.2, "tense": 0.5, "loud": 0.3}


def mood(shown: dict[str, float], every: dict[str, float] | None) -> list[Event]:
    heard = Emotion(ANN, 0, 1.0, 2.0, True, shown, "tense", 0.5, "m@1", all=every)
    return [SpeechEnded(ANN, 0, 1.0, 2.0, "silence", classified=True), heard]


def test_labels_are_those_that_are_given_else_those_of_the_results() -> None:
    given = LabelSet.of(MOODS, titles={"calm": "at ease"})
    assert gather("talk.wav", mood(MOODS, None), given).labels is given
    assert gather("talk.wav", mood(MOODS, None)).labels == LabelSet.of(MOODS)
    some = {"tense": 0.5}
    assert gather("talk.wav", mood(some, MOODS)).labels == LabelSet.of(MOODS, shown=some)
    assert gather("talk.wav", []).labels == FOUR
