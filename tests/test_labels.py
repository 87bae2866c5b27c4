"""Label sets: what names alone give, what can be given, and what a set means to programs that know four keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.errors import ModelError
from ser_track.labels import COMPATIBLE, FOUR, MAX_LABELS, RESERVED, SIX, LabelSet
from ser_track.symbols import SYMBOLS

names = st.lists(
    st.from_regex(r"\A[A-Za-z][A-Za-z0-9_-]{0,12}\Z").filter(lambda name: name not in RESERVED),
    min_size=2,
    max_size=MAX_LABELS,
    unique_by=str.lower,
)


def test_the_four_and_the_six_look_alike_and_stand_for_themselves() -> None:
    assert FOUR.names == FOUR.shown == COMPATIBLE
    assert SIX.names == (*COMPATIBLE, "disgust", "fear")
    assert SIX.labels[:4] == FOUR.labels
    assert FOUR.compatible == SIX.compatible == {name: name for name in COMPATIBLE}
    assert FOUR == LabelSet.of(COMPATIBLE) != SIX
    assert len({FOUR, LabelSet.of(COMPATIBLE), SIX}) == 2
    assert (len(FOUR), len(SIX)) == (4, 6)


@given(names)
def test_no_two_labels_of_a_set_look_alike(names: list[str]) -> None:
    labels = LabelSet.of(names)
    every = (*labels.labels, labels.unsure, labels.learning)
    assert len({(label.symbol, label.colour) for label in every}) == len(every)
    if len(names) <= 8:
        assert len({label.symbol for label in every}) == len(every)
    assert labels.unsure.symbol == SYMBOLS["question"]
    assert labels.learning.symbol == SYMBOLS["hourglass"]
    assert all(labels[label.name] is label for label in every)


def test_our_emotions_keep_their_looks_among_others() -> None:
    mixed = LabelSet.of(["calm", "fear", "anger", "excited"])
    assert (mixed["anger"], mixed["fear"]) == (FOUR["anger"], SIX["fear"])
    moved = LabelSet.of(["calm", "anger"], symbols={"calm": "triangle"})
    assert moved["calm"].symbol == FOUR["anger"].symbol != moved["anger"].symbol


def test_unsure_may_be_given_a_title_and_looks_too() -> None:
    looks = {"titles": {"unsure": "no idea"}, "colours": {"unsure": "#000000"}, "symbols": {"unsure": "cross"}}
    unsure = LabelSet.of(["a", "b"], **looks).unsure
    assert (unsure.name, unsure.title, unsure.colour.light) == ("unsure", "no idea", "#000000")
    assert unsure.symbol == SYMBOLS["cross"]


def test_a_name_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="rage"):
        FOUR["rage"]


@pytest.mark.parametrize("given_names", [[], ["one"], [f"l{number}" for number in range(MAX_LABELS + 1)]])
def test_a_set_has_two_to_32_labels(given_names: list[str]) -> None:
    with pytest.raises(ModelError, match=f"it has {len(given_names)} labels; give 2 to 32"):
        LabelSet.of(given_names)


@pytest.mark.parametrize("name", ["", "1st", "so so", "é", "x" * 41, "a<b", "a\n"])
def test_a_name_can_stand_in_tables_and_pages(name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a label's name"):
        LabelSet.of(["fine", name])


@pytest.mark.parametrize(
    "name", ["unsure", "label", "segment", "model", "none", "start_s", "voice_known", "learning_voice"]
)
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"'{name}' has another meaning"):
        LabelSet.of(["fine", name])


def test_compatible_probabilities_are_those_of_the_four_as_they_are() -> None:
    shares = dict(zip(COMPATIBLE, (0.1, 0.2, 0.3, 0.4), strict=True))
    assert FOUR.as_compatible(shares) == shares
    more = {**{name: share / 2 for name, share in shares.items()}, "disgust": 0.3, "fear": 0.2}
    assert SIX.as_compatible(more) == pytest.approx(shares)


def test_labels_that_stand_for_one_key_are_added_up() -> None:
    meanings = {"cold": "anger", "hot": "anger", "glad": "happiness", "sad": "sadness", "even": "neutral"}
    labels = LabelSet.of(meanings, compatible=meanings)
    shares = dict(zip(meanings, (0.1, 0.2, 0.3, 0.3, 0.1), strict=True))
    assert labels.as_compatible(shares) == pytest.approx(dict(zip(COMPATIBLE, (0.3, 0.3, 0.3, 0.1), strict=True)))
    partly = LabelSet.of(meanings, compatible={"hot": "anger"})
    assert partly.as_compatible(shares) is None


def test_where_nothing_stands_for_a_key_all_four_are_alike() -> None:
    labels = LabelSet.of([*COMPATIBLE, "noise"])
    assert labels.as_compatible({**dict.fromkeys(COMPATIBLE, 0.0), "noise": 1.0}) == dict.fromkeys(COMPATIBLE, 0.25)


def test_pages_are_told_what_is_shown_and_how() -> None:
    told = LabelSet.of(["calm", "tense", "loud"], shown=["loud", "calm"], titles={"loud": "Loud"}).to_json()
    assert [label["name"] for label in told["labels"]] == ["loud", "calm"]
    assert told["labels"][0]["title"] == "Loud"
    assert set(told["unsure"]) == set(told["learning"]) == {"name", "title", "colours", "path"}
    assert told["learning"]["title"] == "learning this voice"
    assert told["voice_known_from"] == 0.5


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (None, ("Loud", "unsure")),
        (0.0, ("learning this voice, perhaps Loud", "learning this voice, unsure")),
        (0.4999, ("learning this voice, perhaps Loud", "learning this voice, unsure")),
        (0.5, ("Loud", "unsure")),
    ],
)
def test_a_first_impression_is_worded_with_reserve(known: float | None, words: tuple[str, str]) -> None:
    labels = LabelSet.of(["calm", "loud"], titles={"loud": "Loud"})
    assert (labels.words("loud", known), labels.words("unsure", known)) == words


def test_a_model_may_say_learning_in_its_own_words() -> None:
    labels = LabelSet.of(["a", "b"], titles={"learning_voice": "lerne"}, colours={"learning_voice": "#000000"})
    assert labels.words("a", 0.0) == "lerne, perhaps a"
    assert labels["learning_voice"].colour.light == "#000000"


def test_a_label_of_another_model_is_its_own_title() -> None:
    assert (FOUR.words("rage", None), FOUR.words("rage", 0.1)) == ("rage", "learning this voice, perhaps rage")
