"""The keyword arguments of `SERPipeline`, `events` and `aevents`, so that editors complete them.

They are the section ``pipeline`` of the configuration, as in `PipelineConfig`. A type checker cannot derive one
from the other; a test checks that they are equal.
"""

from typing import TypedDict

from ser_track.config.schema import SampleFormat


class PipelineOptions(TypedDict, total=False):
    """Every key of `PipelineConfig`, each optional, with the same type; `PipelineConfig` says what each means.

    >>> options: PipelineOptions = {"model": "base", "end_silence_s": 0.8}
    >>> SERPipeline(**options)
    SERPipeline(end_silence_s=0.8, model='base')
    """

    consumed_duration_s: float
    vad_min_confidence: float
    min_segment_s: float
    max_segment_s: float
    end_silence_s: float
    provisional_interval_s: float
    provisional_window_s: float
    provisional_smoothing: float
    sample_format: SampleFormat
    sample_rate_hz: int
    channels: int
    model: str
    voice_detector: str
    min_confidence: float
    voice_adaptation: bool
    six_emotions: bool
