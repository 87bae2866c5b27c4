"""Statistics, against values computed by hand and against what must hold of any timeline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.engine.timeline import Line, Utterance
from ser_track.output.documents.html.summary import Summary, summarise
from tests.helpers.page_timelines import timeline, utterance


def test_shares_are_by_time_and_transitions_within_one_person() -> None:
    ann = Line("ann", "Ann", [
        utterance(0, 3, 0.1, 0.7, 0.1, 0.1),
        utterance(4, 4.5),  # too short to be judged: counted as speech, and interrupts nothing
        utterance(5, 6, 0.1, 0.1, 0.1, 0.7),
        utterance(7, 8, 0.3, 0.3, 0.2, 0.2),
    ])  # fmt: skip
    bob = Line("bob", "Bob", [utterance(2, 5, 0.1, 0.1, 0.1, 0.7), utterance(9, 10, 0.1, 0.1, 0.1, 0.7)])
    meeting = summarise(timeline(ann, bob))
    of_ann, of_bob = (summary for _, summary in meeting.participants)
    assert (of_ann.utterances, of_ann.speech_s, of_ann.judged, of_ann.judged_s) == (4, 5.5, 3, 5.0)
    assert of_ann.shares == {"anger": 0, "happiness": 0.6, "sadness": 0, "neutral": 0.2, "unsure": 0.2}
    assert of_ann.means == pytest.approx(
        {
            "anger": (3 * 0.1 + 0.1 + 0.3) / 5,
            "happiness": (3 * 0.7 + 0.1 + 0.3) / 5,
            "sadness": (3 * 0.1 + 0.1 + 0.2) / 5,
            "neutral": (3 * 0.1 + 0.7 + 0.2) / 5,
        }
    )
    assert of_ann.transitions == {("happiness", "neutral"): 1, ("neutral", "unsure"): 1}
    assert of_bob.transitions == {("neutral", "neutral"): 1}
    assert meeting.everyone.transitions == of_ann.transitions + of_bob.transitions
    assert meeting.everyone.shares["neutral"] == pytest.approx(5 / 9)
    assert meeting.share_of_speech(of_bob) == pytest.approx(4 / 9.5)
    # Somebody speaks in 0-6, 7-8 and 9-10; both in 2-3 and 4-4.5.
    assert (meeting.voiced_s, meeting.overlap_s) == (8.0, 1.5)


def test_where_nobody_spoke_there_are_no_shares() -> None:
    meeting = summarise(timeline(Line("ann", "Ann")))
    ((_, of_ann),) = meeting.participants
    assert (of_ann.shares, of_ann.means, of_ann.mean_utterance_s) == ({}, {}, 0.0)
    assert (meeting.share_of_speech(of_ann), meeting.voiced_s, meeting.overlap_s) == (0.0, 0.0, 0.0)


@st.composite
def an_utterance(draw: st.DrawFn) -> Utterance:
    start_s, length_s = draw(st.floats(0, 1000)), draw(st.floats(0.032, 30))
    if draw(st.booleans()):
        return utterance(start_s, start_s + length_s)
    weights = draw(st.lists(st.floats(0.001, 1), min_size=4, max_size=4))
    return utterance(start_s, start_s + length_s, *(weight / sum(weights) for weight in weights))


@given(st.lists(st.lists(an_utterance(), max_size=8), min_size=1, max_size=4))
def test_shares_sum_to_one_and_every_pair_of_neighbours_is_one_transition(people: list[list[Utterance]]) -> None:
    lines = [Line(str(number), str(number), utterances) for number, utterances in enumerate(people)]
    meeting = summarise(timeline(*lines))
    summaries: list[Summary] = [summary for _, summary in meeting.participants]
    for summary in [*summaries, meeting.everyone]:
        for shares in (summary.shares, summary.means):
            assert sum(shares.values()) == pytest.approx(1 if summary.judged else 0)
    assert [summary.transitions.total() for summary in summaries] == [max(0, one.judged - 1) for one in summaries]
    assert meeting.overlap_s <= meeting.voiced_s <= meeting.everyone.speech_s + 1e-6
