"""The calls that `evaluate --adapt` plays: the share of neutral that was asked for, drawn once, from the past alone."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.cli.call_order import DEFAULT_NEUTRAL_SHARE, Call, Mix, Play, calls_of
from ser_track.errors import AudioError
from ser_track.labels import EMOTIONS
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile

NEUTRAL = EMOTIONS.index("neutral")
SHARES = (None, 0.0, 0.1, 0.5, 0.8, 0.95, 1.0)


def clips_of(others: int, neutral: int) -> list[tuple[str, int]]:
    """Paths and labels."""
    labels = [i % NEUTRAL for i in range(others)] + [NEUTRAL] * neutral
    return [(f"{number}.wav", label) for number, label in enumerate(labels)]


def played(clips: Sequence[tuple[str, int]], share: float | None = DEFAULT_NEUTRAL_SHARE) -> list[int]:
    return [play.clip for play in Mix(share, NEUTRAL).order("ada", clips)]


@pytest.mark.parametrize(("others", "neutral"), [(24, 12), (3, 40), (5, 1), (7, 0), (0, 6), (1, 1)])
def test_every_clip_is_there_and_four_of_five_are_neutral(others: int, neutral: int) -> None:
    clips = clips_of(others, neutral)
    order = played(clips)
    assert set(order) == set(range(len(clips)))
    heard = Counter(clips[i][1] == NEUTRAL for i in order)
    if others and neutral:
        turns = max(others, neutral // 4)
        assert heard == {False: turns, True: 4 * turns}
    else:
        assert heard.total() == len(clips)
    assert order == played(clips)


def test_neutral_clips_come_throughout_and_round_again_in_turn() -> None:
    clips = clips_of(24, 12)
    order = played(clips)
    for first in range(0, len(order), 5):
        assert sum(clips[i][1] == NEUTRAL for i in order[first : first + 5]) == 4
    assert set(Counter(i for i in order if clips[i][1] == NEUTRAL).values()) == {8}
    assert set(Counter(i for i in order if clips[i][1] != NEUTRAL).values()) == {1}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 2 / 3, 0.9])
@pytest.mark.parametrize(("others", "neutral"), [(24, 12), (3, 40), (30, 1)])
def test_any_share_is_reached_by_playing_the_rarer_kind_again(share: float, others: int, neutral: int) -> None:
    clips = clips_of(others, neutral)
    order = played(clips, share)
    assert set(order) == set(range(len(clips)))
    # Whole clips can be half a clip away from the share.
    assert sum(clips[i][1] == NEUTRAL for i in order) == pytest.approx(share * len(order), abs=0.51)
    times = Counter(order)
    for kind in (range(others), range(others, others + neutral)):
        counts = {times[i] for i in kind}
        assert max(counts) - min(counts) <= 1
    assert 1 in {min(times[i] for i in range(others)), min(times[i] for i in range(others, others + neutral))}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_of_a_kind_without_a_share_nothing_is_learnt_but_each_clip_is_judged(share: float) -> None:
    clips = clips_of(12, 6)
    plays = Mix(share, NEUTRAL).order("ada", clips)
    assert sorted(play.clip for play in plays) == list(range(18))
    assert all(play.learnt == ((clips[play.clip][1] == NEUTRAL) == bool(share)) for play in plays)


@pytest.mark.parametrize("mix", [Mix(None, NEUTRAL), Mix(0.8, None)])
def test_the_corpus_own_mix_is_each_clip_once_in_random_order(mix: Mix) -> None:
    plays = mix.order("ada", clips_of(12, 6))
    order = [play.clip for play in plays]
    assert sorted(order) == list(range(18)) != order
    assert all(play.learnt for play in plays)
    assert order != [play.clip for play in mix.order("bob", clips_of(12, 6))]


@given(
    st.permutations([("ada", *clip) for clip in clips_of(6, 3) * 2] + [("bob", *clip) for clip in clips_of(2, 2)]),
    st.sampled_from(SHARES),
)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, str, int]], share: float | None) -> None:
    """Rows that are alike may be exchanged: what is played is the same."""

    def spelled(given: Sequence[tuple[str, str, int]]) -> list[list[tuple[tuple[str, str, int], bool]]]:
        calls = calls_of(given, Mix(share, NEUTRAL))
        return [[(given[play.clip], play.learnt) for play in call.plays] for call in calls]

    assert spelled(rows) == spelled(sorted(rows))


def test_rows_that_contradict_each_other_are_played_alike_in_any_order() -> None:
    clips = [("a.wav", 0), ("a.wav", NEUTRAL), ("b.wav", 1)]
    one, other = (
        [given[play.clip] for play in Mix(None, NEUTRAL).order("ada", given)] for given in (clips, clips[::-1])
    )
    assert one == other


@pytest.mark.parametrize("share", SHARES)
def test_a_clip_knows_what_came_before_it_and_nothing_else(share: float | None) -> None:
    rows = [(speaker, *clip) for speaker in ("ada", "bob") for clip in clips_of(6, 3)]
    for call in calls_of(rows, Mix(share, NEUTRAL)):
        seen, judged = known_voices(call)
        expected, learnt = [], VoiceProfile(1)
        for play in call.plays:
            expected.append((play.clip, learnt.segments, float(learnt.mean[0])))
            if play.learnt:
                learnt.update(np.full(1, play.clip, np.float32))
        assert seen == expected
        assert judged == list(dict.fromkeys(play.clip for play in call.plays))


def known_voices(call: Call) -> tuple[list[tuple[int, float, float]], list[int]]:
    """Of each moment: the clip, and segments and mean of the voice then; and the clips in the order of their results.

    A clip's embedding is its index.
    """
    seen: list[tuple[int, float, float]] = []

    def classify(index: int, voice: VoiceProfile | None) -> Prediction:
        assert voice is not None
        seen.append((index, voice.segments, float(voice.mean[0])))
        return Prediction(np.full(4, 0.25, np.float32), embedding=np.full(1, index, np.float32))

    return seen, [index for index, _ in call.hear(VoiceProfile(1), classify)]


def test_the_voice_learns_from_each_prediction_as_it_was_made_in_the_call() -> None:
    """A clip that is played again is classified again, with what is known by then; its first result counts."""
    call = Call((Play(0), Play(0), Play(1)))

    def classify(index: int, voice: VoiceProfile | None) -> Prediction:
        assert voice is not None
        return Prediction(np.array([voice.segments, index], np.float32), embedding=voice.mean + 1)

    voice = VoiceProfile(1)
    judged = {index: prediction.probabilities.tolist() for index, prediction in call.hear(voice, classify)}
    assert judged == {0: [0, 0], 1: [2, 1]}
    by_hand = VoiceProfile(1)
    for _ in range(3):
        by_hand.update(by_hand.mean + 1)
    assert (voice.segments, voice.mean) == (3, by_hand.mean)


def test_a_clip_that_fails_is_told_once_and_teaches_nothing() -> None:
    call = Call((Play(0), Play(0), Play(1)))

    def classify(index: int, voice: VoiceProfile | None) -> Prediction | AudioError:
        if index == 0:
            return AudioError("no sound")
        return Prediction(np.full(4, 0.25, np.float32), embedding=np.ones(1, np.float32))

    voice = VoiceProfile(1)
    assert [(index, type(result)) for index, result in call.hear(voice, classify)] == [(0, AudioError), (1, Prediction)]
    assert voice.segments == 1


def test_a_model_that_knows_no_voices_gets_none() -> None:
    def classify(index: int, voice: VoiceProfile | None) -> Prediction:
        assert voice is None
        return Prediction(np.full(4, 0.25, np.float32), embedding=np.ones(1, np.float32))

    assert [index for index, _ in Call((Play(1), Play(0))).hear(None, classify)] == [1, 0]
