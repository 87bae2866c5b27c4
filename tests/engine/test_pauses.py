"""A pause may be the end of a segment: what is known by then, and done already."""

from dataclasses import replace

import numpy as np
import pytest

from ser_track.chunk import Chunk, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import Emotion, EngineEvent
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile
from tests.helpers.engine_calls import key
from tests.helpers.fake_models import EnergyDetector, LevelClassifier
from tests.helpers.signals import noise


class CountingClassifier(LevelClassifier):
    """The stand-in, which notes how much it was given to hear."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        self.heard.append(len(samples))
        return super().classify(samples, voice)


@pytest.mark.parametrize("voice_comes_back", [False, True])
def test_a_result_made_in_the_pause_is_the_final_one_if_voice_does_not_come_back(voice_comes_back: bool) -> None:
    classifier = CountingClassifier()
    engine = Engine(EnergyDetector(), classifier, PipelineConfig(provisional_interval_s=60))
    engine.open(key(0))
    pause = np.zeros(9 * 512, np.float32)
    events: list[EngineEvent] = []
    at = 0
    for piece in (noise(40 * 512), pause, noise(512) if voice_comes_back else pause, pause, pause):
        engine.push(key(0), Chunk(at, piece))
        at += len(piece)
        events += engine.tick()
    results = [event for event in events if isinstance(event, Emotion)]
    final = results[-1]
    assert final.final
    if voice_comes_back:
        assert classifier.heard == [40 * 512, 50 * 512]
    else:
        assert classifier.heard == [40 * 512]
        assert final == replace(results[0], final=True)
