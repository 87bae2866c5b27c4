"""Models of somebody else: other labels, a raw waveform, logits; described in the file or in the JSON beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_track import SERPipeline
from ser_track.chunk import FloatArray
from ser_track.errors import AudioError, ModelError
from ser_track.event_types import Emotion
from ser_track.models.emotion import EmotionModel, waveform
from tests.helpers.foreign_models import BESIDE, MOODS, moods_of, write_moods, write_waveform_model


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    return write_moods(tmp_path)


def test_a_waveform_model_with_other_labels_says_what_its_graph_says(moods: Path, spoken: FloatArray) -> None:
    model = EmotionModel.load(moods)
    assert (model.name, model.licence, model.labels.names) == ("moods@1.2.0", "CC0-1.0", MOODS)
    assert model.new_voice() is None
    for gain in (0.1, 1.0):
        samples = spoken[16_000:48_000] * np.float32(gain)
        said = dict(zip(MOODS, model.classify(samples).probabilities.tolist(), strict=True))
        assert said == pytest.approx(moods_of(samples), abs=1e-5)


def test_looks_come_from_the_file_beside_it(moods: Path) -> None:
    labels = EmotionModel.load(moods).labels
    assert labels["excited"].title == "Excited (happy)"
    assert (labels["calm"].colour.light, labels["angry"].colour.dark) == ("#336699", "#ff9999")
    assert len({label.symbol for label in labels.labels}) == len(MOODS)


def test_the_metadata_of_the_file_may_say_it_all(tmp_path: Path) -> None:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in BESIDE.items()}
    write_waveform_model(tmp_path / "moods.onnx", metadata=texts)
    (tmp_path / "beside").mkdir()
    assert (
        EmotionModel.load(tmp_path / "moods.onnx").labels == EmotionModel.load(write_moods(tmp_path / "beside")).labels
    )


def test_the_file_beside_it_wins(tmp_path: Path) -> None:
    write_moods(tmp_path, name=None, labels=["a", "b", "c", "d", "e"], titles=None, colours=None, symbols=None)
    write_waveform_model(tmp_path / "moods.onnx", metadata={"name": "inside", "labels": '["x"]'})
    model = EmotionModel.load(tmp_path / "moods.onnx")
    assert (model.name, model.labels.names) == ("inside@1.2.0", ("a", "b", "c", "d", "e"))


def test_probabilities_are_taken_as_they_are(tmp_path: Path, spoken: FloatArray) -> None:
    file = write_moods(tmp_path, output="probabilities")
    write_waveform_model(file, output="probabilities")
    raw = EmotionModel.load(file).classify(spoken[:16_000]).probabilities
    assert raw.sum() != pytest.approx(1, abs=0.01)  # the graph has no softmax, and none was added


def test_samples_are_normalised_where_the_model_asks_for_it(tmp_path: Path, spoken: FloatArray) -> None:
    model = EmotionModel.load(write_moods(tmp_path, normalisation="zero-mean-unit-variance"))
    answers = [model.classify(spoken[:32_000] * np.float32(gain) + offset).probabilities for gain, offset in
               ((1, 0), (0.2, 0.05))]  # fmt: skip
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-3)
    normal = waveform(spoken[:32_000], normalised=True)
    assert (normal.mean(), normal.std()) == (pytest.approx(0, abs=1e-4), pytest.approx(1, abs=1e-2))


def test_a_scrap_is_padded_and_a_broken_segment_is_refused(moods: Path) -> None:
    model = EmotionModel.load(moods)
    assert model.classify(np.full(1, 0.5, np.float32)).probabilities.sum() == pytest.approx(1, abs=1e-5)
    for samples, reason in ((np.zeros(0), "n ≥ 1"), (np.full(9_000, np.nan), "NaN")):
        with pytest.raises(AudioError, match=reason):
            model.classify(samples.astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": None}, "its metadata lacks labels"),
        ({"labels": ["calm", "calm", "a", "b", "c"]}, "'calm' appears more than once; give each label its own name"),
        ({"labels": ["calm", "unsure", "a", "b", "c"]}, "'unsure' has another meaning"),
        ({"labels": ["calm", "so so", "a", "b", "c"]}, "'so so' cannot be a label's name; give a letter"),
        ({"labels": "calm"}, "its labels is a string, not a list of names"),
        (
            {"labels": ["a", "b"], "titles": None, "colours": None, "symbols": None},
            "float32 of rank 2 with 2 in second",
        ),
        ({"titles": {"clam": "x"}}, "'titles' has 'clam', which is not one of calm, excited"),
        ({"titles": {"calm": ""}}, "title of 'calm' is ''; give 1 to 40"),
        ({"colours": {"calm": "blue"}}, "colour of 'calm' is 'blue'; give '#rrggbb'"),
        ({"symbols": {"calm": "heart"}}, "'heart' is not a symbol; give 'calm' one of triangle"),
        ({"symbols": {"calm": "plus", "angry": "plus"}}, "'calm' and 'angry' have the same symbol"),
        ({"shown": []}, "'shown' must name at least one label"),
        ({"compatible": {"angry": "rage"}}, "'compatible' has 'rage', which is not one of anger, happiness"),
        ({"sample_rate_hz": 8000}, "its sample_rate_hz is 8000, not 16000"),
        ({"front_end": "mfcc"}, "its front_end is mfcc, not log-mel-80-peak@1 or waveform"),
        ({"output": "scores"}, "its output is scores, not probabilities or logits"),
        ({"output": "probabilities"}, "output 'probabilities' is missing"),
        ({"version": 3}, "its version is a number, not a string"),
        ({"lables": []}, r"moods\.json has the unknown key 'lables' \(known: name, version"),
    ],
)
def test_what_does_not_fit_is_named_with_its_remedy(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    file = write_moods(tmp_path, **changes)
    with pytest.raises(ModelError, match=reason) as caught:
        EmotionModel.load(file)
    assert str(file) in str(caught.value)
    assert "docs/extending.md" in str(caught.value)


def test_a_broken_file_beside_it_and_a_fixed_length_are_named(moods: Path) -> None:
    write_waveform_model(moods, samples=48_000)
    with pytest.raises(ModelError, match="'input_values' takes 48000 samples only, not any number"):
        EmotionModel.load(moods)
    moods.with_suffix(".json").write_text("{")
    with pytest.raises(ModelError, match=r"the file beside it cannot be used: .*moods\.json: not readable as JSON"):
        EmotionModel.load(moods)


def finals(pipeline: SERPipeline, samples: FloatArray) -> tuple[list[dict[str, float]], list[Emotion]]:
    returned, events = list[dict[str, float]](), list[Emotion]()
    for piece in [*np.array_split(samples, 12), None]:
        result = pipeline.flush() if piece is None else pipeline.consume(piece)
        returned += [] if result is None else [result]
        events += [event for event in pipeline.events if isinstance(event, Emotion)]
    return returned, events


def test_its_labels_are_what_events_and_consume_give(moods: Path, spoken: FloatArray) -> None:
    returned, events = finals(SERPipeline(model=str(moods)), spoken)
    assert len(returned) >= 2
    for event in events:
        assert tuple(event.probabilities) == MOODS
        assert (event.model, event.six, event.all) == ("moods@1.2.0", None, None)
        assert event.label in (*MOODS, "unsure")
    assert returned == [event.probabilities for event in events if event.final]


def test_six_emotions_that_a_model_does_not_tell_apart_are_left_out(moods: Path, spoken: FloatArray) -> None:
    _, events = finals(SERPipeline(model=str(moods), six_emotions=True), spoken)
    assert events
    assert all(event.six is None for event in events)


COMPATIBLE = {"angry": "anger", "excited": "happiness", "bored": "sadness", "calm": "neutral"}


def test_consume_gives_the_four_keys_where_labels_stand_for_them(tmp_path: Path, spoken: FloatArray) -> None:
    returned, events = finals(SERPipeline(model=str(write_moods(tmp_path, compatible=COMPATIBLE))), spoken)
    whole = [event for event in events if event.final]
    assert len(returned) == len(whole) >= 2
    for four, event in zip(returned, whole, strict=True):
        assert list(four) == ["anger", "happiness", "sadness", "neutral"]
        assert sum(four.values()) == pytest.approx(1)
        kept = 1 - event.probabilities["tense"]
        assert four["anger"] == pytest.approx(event.probabilities["angry"] / kept)


@pytest.mark.parametrize("shown", [["angry", "calm"], ["tense"]])
def test_a_model_may_show_some_of_its_labels(tmp_path: Path, spoken: FloatArray, shown: Sequence[str]) -> None:
    file = write_moods(tmp_path, shown=shown, compatible=COMPATIBLE)
    returned, events = finals(SERPipeline(model=str(file), min_confidence=0.3), spoken)
    assert {"unsure", *shown} >= {event.label for event in events}
    for event in events:
        assert event.all is not None
        assert list(event.probabilities) == list(shown)
        assert tuple(event.all) == MOODS
        assert sum(event.all.values()) == pytest.approx(1, abs=1e-5)
        assert event.confidence == max(event.probabilities.values()) == max(event.all[name] for name in shown)
        assert (event.label == "unsure") == (event.confidence < 0.3)
    assert all(list(four) == ["anger", "happiness", "sadness", "neutral"] for four in returned)
