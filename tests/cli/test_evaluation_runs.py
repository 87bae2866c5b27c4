"""The call that `evaluate --adapt` plays: mostly neutral, in an order drawn once, and from the past alone."""

from collections import Counter

import numpy as np
import pytest

from ser_track.cli.evaluation_runs import call_order, voices_in_call
from ser_track.labels import EMOTIONS
from ser_track.voice_profile import VoiceProfile

NEUTRAL = EMOTIONS.index("neutral")


def emotions(others: int, neutral: int) -> list[int]:
    return [i % NEUTRAL for i in range(others)] + [NEUTRAL] * neutral


@pytest.mark.parametrize(("others", "neutral"), [(24, 12), (3, 40), (5, 1), (7, 0), (0, 6), (1, 1)])
def test_every_clip_is_there_and_four_of_five_are_neutral(others: int, neutral: int) -> None:
    clips = emotions(others, neutral)
    order = call_order(clips)
    assert set(order) == set(range(len(clips)))
    played = Counter(clips[i] == NEUTRAL for i in order)
    assert played[False] == others
    if neutral:
        assert played[True] == max(4 * others, neutral)
    assert order == call_order(clips)
    assert sorted(order) == sorted(call_order(clips, seed=1))


def test_neutral_clips_come_throughout_and_round_again_in_turn() -> None:
    clips = emotions(24, 12)
    order = call_order(clips)
    for first in range(0, len(order), 5):
        assert sum(clips[i] == NEUTRAL for i in order[first : first + 5]) == 4
    assert set(Counter(i for i in order if clips[i] == NEUTRAL).values()) == {8}


def test_a_clip_knows_what_came_before_it_and_nothing_else() -> None:
    clips = emotions(6, 3) * 2
    speakers = ["ada"] * 9 + ["bob"] * 9
    embeddings = [np.full(1, i, np.float32) for i in range(18)]
    known = dict(voices_in_call(clips, speakers, embeddings, lambda: VoiceProfile(1)))
    assert sorted(known) == list(range(18))
    for own, first in ((range(9), 0), (range(9, 18), 9)):
        order = [first + i for i in call_order([clips[i] for i in own])]
        for clip in own:
            before = order[: order.index(clip)]
            voice = VoiceProfile(1)
            for i in before:
                voice.update(embeddings[i])
            heard = known[clip]
            assert heard is not None
            assert (heard.segments, heard.mean) == (len(before), voice.mean)


def test_a_model_that_knows_no_voices_gets_none() -> None:
    assert {voice for _, voice in voices_in_call([0, 3], ["a", "a"], [None, None], lambda: None)} == {None}
