"""What the configuration makes of the classifier's answers: unsure labels, six emotions, known voices, settling."""

from dataclasses import replace

import numpy as np
import pytest

from ser_track.chunk import Chunk, FloatArray
from ser_track.engine.engine import Engine
from ser_track.engine.smoothing import Smoothing
from ser_track.event_types import Emotion, EngineEvent
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile
from tests.helpers.engine_calls import CONFIG, key
from tests.helpers.fake_models import EnergyDetector, FaultyClassifier, LevelClassifier, VoiceClassifier
from tests.helpers.signals import noise

SILENCE = np.zeros(16_000, np.float32)


def said(engine: Engine, loudness: list[float], stream: int = 0) -> list[Emotion]:
    """Final results of segments of one second, each as loud as told."""
    return [event for event in results_of(engine, loudness, stream) if event.final]


def results_of(engine: Engine, loudness: list[float], stream: int = 0) -> list[Emotion]:
    """The same with provisional results."""
    engine.open(key(stream))
    events: list[EngineEvent] = []
    at = 0
    for level in loudness:
        for piece in (noise(16_000, seed=at) * level, SILENCE):
            engine.push(key(stream), Chunk(at, piece.astype(np.float32)))
            at += len(piece)
            events += engine.tick()
    return [event for event in events if isinstance(event, Emotion)]


def fixed(probabilities: list[float]) -> FaultyClassifier:
    return FaultyClassifier(lambda samples, right: np.array(probabilities, np.float32))


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [([0.45, 0.3, 0.15, 0.1], "unsure"), ([0.5, 0.3, 0.1, 0.1], "anger"), ([0.1, 0.1, 0.1, 0.7], "neutral")],
)
def test_a_result_below_the_confidence_asked_for_is_unsure(probabilities: list[float], label: str) -> None:
    engine = Engine(EnergyDetector(), fixed(probabilities), replace(CONFIG, min_confidence=0.5))
    (final,) = said(engine, [1.0])
    assert final.label == label
    assert final.confidence == pytest.approx(max(probabilities))
    assert list(final.probabilities) == ["anger", "happiness", "sadness", "neutral"]


class SixClassifier(LevelClassifier):
    """The stand-in, with six shares."""

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        return replace(super().classify(samples, voice), six=np.full(6, 1 / 6, np.float32))


@pytest.mark.parametrize("asked", [False, True])
def test_six_emotions_come_only_where_they_are_asked_for(asked: bool) -> None:
    (final,) = said(Engine(EnergyDetector(), SixClassifier(), replace(CONFIG, six_emotions=asked)), [1.0])
    if asked:
        assert final.six is not None
        assert list(final.six) == ["anger", "happiness", "sadness", "neutral", "disgust", "fear"]
    else:
        assert final.six is None


def test_a_voice_is_judged_by_what_it_said_before_and_by_nothing_later() -> None:
    engine = Engine(EnergyDetector(), VoiceClassifier(), CONFIG)
    loud = [event.probabilities["anger"] for event in said(engine, [3.0, 3.0, 3.0, 3.0, 3.0])]
    assert loud == sorted(loud, reverse=True)
    assert loud[0] - loud[-1] > 0.2
    # What comes later changes nothing of what was said.
    assert [event.probabilities["anger"] for event in said(engine, [3.0, 3.0, 3.0])] == loud[:3]


def test_the_first_impression_is_the_same_with_and_without_adaptation() -> None:
    known, unknown = (
        said(Engine(EnergyDetector(), VoiceClassifier(), replace(CONFIG, voice_adaptation=on)), [2.0, 2.0])
        for on in (True, False)
    )
    assert (known[0].voice_known, unknown[0].voice_known) == (0.0, None)
    assert replace(known[0], voice_known=None) == unknown[0]
    assert known[1] != unknown[1]
    assert unknown[1].probabilities["anger"] == pytest.approx(unknown[0].probabilities["anger"], abs=0.05)


def test_every_result_says_how_well_the_voice_was_known_before_it() -> None:
    engine = Engine(EnergyDetector(), VoiceClassifier(), CONFIG)
    results = results_of(engine, [3.0] * 7)
    finals = [event.voice_known for event in results if event.final]
    assert finals[0] == 0.0
    assert all(one is not None and 0 < one < 1 for one in finals[1:])
    assert len(set(finals)) == len(finals)
    assert finals == sorted(finals, key=lambda known: known or 0.0)
    # A provisional result does not know the voice any better than the final one of its segment.
    assert any(not event.final for event in results)
    assert all(event.voice_known == finals[event.segment] for event in results)


class NothingLearned(VoiceClassifier):
    """Gives voice profiles, but no embeddings to fill them with."""

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        return replace(super().classify(samples, voice), embedding=None)


@pytest.mark.parametrize("classifier", [LevelClassifier(), NothingLearned()])
def test_a_model_that_learns_no_voice_does_not_say_how_well_it_knows_one(classifier: LevelClassifier) -> None:
    results = results_of(Engine(EnergyDetector(), classifier, CONFIG), [3.0, 3.0])
    assert {event.voice_known for event in results} == {None}


def test_a_voice_is_forgotten_with_its_stream_and_never_another_s() -> None:
    engine = Engine(EnergyDetector(), VoiceClassifier(), CONFIG)
    first = said(engine, [3.0, 3.0])
    engine.discard(key(0))
    assert said(engine, [3.0, 3.0]) == first
    assert [event.probabilities for event in said(engine, [3.0, 3.0], stream=1)] == [e.probabilities for e in first]


def test_provisional_results_settle_and_final_ones_do_not_wait_for_that() -> None:
    smoothing = Smoothing(0.5)
    angry, calm = (Prediction(np.array(p, np.float32)) for p in ([1, 0, 0, 0], [0, 0, 0, 1]))
    shares = [float(smoothing.smooth(0, each).probabilities[0]) for each in (angry, calm, angry, calm)]
    assert shares == [1.0, 0.5, 0.75, 0.375]
    # Another segment begins anew.
    assert smoothing.smooth(1, calm).probabilities[0] == 0.0


def test_a_final_result_is_the_classifier_s_own_word() -> None:
    answers = iter([[1.0, 0, 0, 0], [0, 0, 0, 1.0], [0.6, 0, 0, 0.4], [0.2, 0, 0, 0.8]] * 9)
    classifier = FaultyClassifier(lambda samples, right: np.array(next(answers), np.float32))
    engine = Engine(EnergyDetector(), classifier, replace(CONFIG, provisional_smoothing=0.9))
    (final,) = said(engine, [1.0])
    assert final.probabilities["anger"] in (1.0, 0.0, pytest.approx(0.6), pytest.approx(0.2))
