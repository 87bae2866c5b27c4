"""`to_dataframe`: a row for each event, for those who have pandas."""

import sys

import pandas as pd
import pytest

from ser_track import ConsentChanged, Emotion, Event, Fault, Joined, Left, Resumed, Stalled, events, to_dataframe
from ser_track.event_types import StreamKey
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.output.wire import to_json
from tests.paths import SPOKEN

KEY = StreamKey("m", "p", "s")


def test_a_row_for_each_event_says_what_the_event_says() -> None:
    found = list(events(SPOKEN))
    table = to_dataframe(found)
    assert len(table) == len(found)
    assert {"joined", "speech_started", "speech_ended", "emotion", "left"} == set(table["type"])
    for (_, row), event in zip(table.iterrows(), found, strict=True):
        expected = to_json(event)
        expected |= expected.pop("probabilities", {})
        del expected["version"]
        told = {name: value for name, value in row.items() if not pd.isna(value)}
        assert told == {
            name: pytest.approx(value, abs=6e-4) if isinstance(value, float) else value
            for name, value in expected.items()
        }


def test_results_can_be_picked_and_reckoned_with() -> None:
    table = to_dataframe(events(SPOKEN))
    finals = table[table["final"].fillna(False)]
    assert list(finals["segment"]) == [0, 2, 3]
    assert finals[list(EMOTIONS)].sum(axis=1).tolist() == pytest.approx([1.0] * 3, abs=1e-5)
    assert finals[list(EMOTIONS)].max(axis=1).tolist() == finals["confidence"].tolist()


def test_first_impressions_can_be_left_out() -> None:
    table = to_dataframe(events(SPOKEN))
    results = table[table["type"] == "emotion"]
    assert results["voice_known"].between(0, 1).all()
    assert (results[results["segment"] == 0]["voice_known"] == 0).all()
    assert table[table["type"] != "emotion"]["voice_known"].isna().all()
    unadapted = to_dataframe(events(SPOKEN, voice_adaptation=False))
    assert unadapted["voice_known"].isna().all()


def test_columns_and_their_types_do_not_depend_on_the_events() -> None:
    others: list[Event] = [
        Joined(KEY, "Ann", True),
        ConsentChanged(KEY, False),
        Stalled(KEY, 5.0),
        Resumed(KEY),
        Fault(KEY, "classifier_failed", "why", 3),
        Left(KEY, "end"),
    ]
    table = to_dataframe(others)
    assert list(table["type"]) == ["joined", "consent", "stalled", "resumed", "error", "left"]
    fault = table.iloc[4]
    assert (fault["code"], fault["message"], fault["segment"]) == ("classifier_failed", "why", 3)
    for some in (to_dataframe([]), to_dataframe(events(SPOKEN))):
        assert some.dtypes.to_dict() == table.dtypes.to_dict()
        assert list(some.columns) == list(table.columns)


def test_six_emotions_have_columns_of_their_own_where_they_were_asked_for() -> None:
    table = to_dataframe(events(SPOKEN, six_emotions=True, provisional=False))
    finals = table[table["type"] == "emotion"]
    assert finals[[f"six_{emotion}" for emotion in SIX_EMOTIONS]].sum(axis=1).tolist() == pytest.approx(
        [1.0] * 3, abs=1e-5
    )
    assert not any(column.startswith("six_") for column in to_dataframe(events(SPOKEN)).columns)


def test_without_pandas_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # as Python marks what cannot be imported
    with pytest.raises(ImportError, match="pip install pandas"):
        to_dataframe([Emotion(KEY, 0, 0.0, 1.0, True, {}, "unsure", 0.3, "m")])


def test_another_model_has_columns_of_its_own() -> None:
    shown, every = {"calm": 0.2, "tense": 0.5}, {"calm": 0.2, "tense": 0.5, "loud": 0.3}
    table = to_dataframe([Emotion(KEY, 0, 0.0, 1.0, True, shown, "tense", 0.5, "m@1", all=every), Left(KEY, "end")])
    assert [column for column in table.columns if column in (*shown, *EMOTIONS, "loud")] == ["calm", "tense"]
    assert table.iloc[0][["calm", "all_loud"]].tolist() == [0.2, 0.3]
    assert table["all_loud"].isna().tolist() == [False, True]
