"""Jobs for the classifier without an engine: one stream for each name, and a window of silence to classify."""

from collections.abc import Callable

import numpy as np

from ser_track.chunk import WINDOW_SAMPLES
from ser_track.config.schema import PipelineConfig
from ser_track.engine.segmenter import Segment, Segmenter
from ser_track.engine.smoothing import Smoothing
from ser_track.engine.stream import ClassificationJob, Stream
from ser_track.engine.windows import WindowBuffer
from ser_track.event_types import StreamKey
from tests.helpers.fake_models import EnergyState

MakeJob = Callable[..., ClassificationJob]


def job_maker() -> MakeJob:
    """Makes jobs: ``make(name, segment, final, in_pause)``."""
    streams: dict[str, Stream] = {}

    def make(name: str, segment: int = 0, final: bool = False, in_pause: bool = False) -> ClassificationJob:
        stream = streams.setdefault(name, _stream(name))
        return ClassificationJob(
            stream, 0, Segment(segment, 0, [np.zeros(WINDOW_SAMPLES, np.float32)]), final, in_pause
        )

    return make


def _stream(name: str) -> Stream:
    segmenter = Segmenter(PipelineConfig())
    return Stream(StreamKey("m", name, "1"), WindowBuffer(), segmenter, EnergyState(), None, Smoothing(0.5))
