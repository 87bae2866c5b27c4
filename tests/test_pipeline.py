"""SERPipeline: bytes in, emotion out, the same however they are cut, and apart from every other pipeline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from ser_track import SERPipeline
from ser_track.chunk import FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.errors import AudioError, ClosedError, ConfigError, InferenceError, SegmentError
from ser_track.event_types import Emotion, EngineEvent, Fault, SpeechEnded, SpeechStarted
from ser_track.models import Models, load_models
from ser_track.models.silero import SileroVad
from tests.helpers.fake_models import EnergyDetector, FaultyClassifier, FaultyDetector, LevelClassifier
from tests.helpers.signals import noise, talk

FAKES = Models(EnergyDetector(), LevelClassifier())
CALL = talk(1.0, 0.9, 0.2, 1.1, 1.3)
"""Two segments that count and a short one between them; the last is open at the end."""


def every_event(pipeline: SERPipeline, pieces: Sequence[bytes | NDArray[np.generic]]) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    for piece in pieces:
        pipeline.consume(piece)
        events += pipeline.events
    pipeline.flush()
    return events + list(pipeline.events)


def in_pieces(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces, at = list[bytes](), 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    return pieces


def stereo_48k(samples: FloatArray) -> bytes:
    """int16, both channels alike."""
    return np.repeat(samples * np.float32(20_000), 6).astype("<i2").tobytes()


sizes = st.lists(st.integers(1, 70_000), min_size=1, max_size=5)


@given(sizes)
def test_any_chunking_of_float32_bytes_gives_the_same_events(sizes: list[int]) -> None:
    data = CALL.tobytes()
    whole = every_event(SERPipeline(models=FAKES), [data])
    assert every_event(SERPipeline(models=FAKES), in_pieces(data, [size + 64 for size in sizes])) == whole
    assert [event.segment for event in whole if isinstance(event, Emotion) and event.final] == [0, 2]


@given(sizes)
def test_any_chunking_of_stereo_int16_at_48_khz_gives_the_same_events(sizes: list[int]) -> None:
    def pipeline() -> SERPipeline:
        return SERPipeline(models=FAKES, sample_format="int16", channels=2, sample_rate_hz=48_000)

    data = stereo_48k(CALL)
    whole = every_event(pipeline(), [data])
    assert every_event(pipeline(), in_pieces(data, [size + 4_001 for size in sizes])) == whole
    ended = [(event.start_s, event.end_s) for event in whole if isinstance(event, SpeechEnded) and event.classified]
    np.testing.assert_allclose(ended, [(0, 1.0), (3.2, 4.5)], atol=0.064)


@pytest.mark.parametrize("block_s", [0.032, 0.7, 1.0, 60])
def test_segments_and_results_do_not_depend_on_the_consumed_duration(block_s: float) -> None:
    def lasting(consumed_duration_s: float) -> list[EngineEvent]:
        events = every_event(SERPipeline(models=FAKES, consumed_duration_s=consumed_duration_s), [CALL])
        marks = [event for event in events if not isinstance(event, Emotion)]
        return marks + [event for event in events if isinstance(event, Emotion) and event.final]

    assert lasting(block_s) == lasting(2.5)


def test_bytes_and_float_arrays_give_the_same() -> None:
    of_bytes = every_event(SERPipeline(models=FAKES), [CALL.tobytes()])
    assert every_event(SERPipeline(models=FAKES), [CALL]) == of_bytes
    assert every_event(SERPipeline(models=FAKES), [CALL.astype(np.float64)[:, None]]) == of_bytes


def test_consume_returns_the_last_segment_that_ended_and_none_otherwise() -> None:
    pipeline = SERPipeline(models=FAKES)
    assert pipeline.consume(talk(1.0)) is None
    assert pipeline.consume(np.zeros(4_000, np.float32)) is None
    first = pipeline.consume(np.zeros(12_000, np.float32))
    assert first is not None
    assert sum(first.values()) == pytest.approx(1)
    assert pipeline.consume(np.zeros(16_000, np.float32)) is None
    assert pipeline.consume(b"") is None
    two = pipeline.consume(np.concatenate([talk(1.0, 1.0), talk(1.0, 1.0, seed=5) * np.float32(0.5)]))
    assert [event.segment for event in pipeline.events if isinstance(event, Emotion) and event.final] == [1, 2]
    last = pipeline.events[-1]
    assert isinstance(last, Emotion)
    assert two == last.probabilities


def test_audio_is_processed_a_consumed_duration_at_a_time() -> None:
    pipeline = SERPipeline(models=FAKES, consumed_duration_s=0.5)
    pipeline.consume(talk(0.499))
    assert list(pipeline.events) == []
    pipeline.consume(talk(0.001))
    assert [type(event) for event in pipeline.events] == [SpeechStarted]


def test_flush_returns_the_open_segment_and_then_a_new_stream_begins() -> None:
    pipeline = SERPipeline(models=FAKES)
    pipeline.consume(talk(1.0))
    flushed = pipeline.flush()
    assert [type(event) for event in pipeline.events] == [SpeechEnded, Emotion]
    assert flushed is not None
    assert pipeline.flush() is None
    pipeline.consume(talk(1.0))
    assert isinstance(pipeline.events[0], SpeechStarted)
    assert (pipeline.events[0].segment, pipeline.events[0].start_s) == (0, 0)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_after_reset_the_same_audio_gives_the_same_again(rate_hz: int) -> None:
    pipeline = SERPipeline(models=FAKES, sample_rate_hz=rate_hz)
    first = every_event(pipeline, [CALL.tobytes()])
    pipeline.consume(noise(5_000).tobytes() + b"\x01\x02")
    pipeline.reset()
    assert list(pipeline.events) == []
    assert every_event(pipeline, [CALL.tobytes()]) == first


def test_two_pipelines_of_one_detector_do_not_hear_each_other() -> None:
    models = Models(SileroVad(), LevelClassifier())
    alone = every_event(SERPipeline(models=models), [CALL])
    one, other = SERPipeline(models=models), SERPipeline(models=models)
    events: list[EngineEvent] = []
    for piece in in_pieces(CALL.tobytes(), [8_000]):
        other.consume(noise(3_000, peak=0.9))
        one.consume(piece)
        events += one.events
    one.flush()
    assert events + list(one.events) == alone


@pytest.mark.parametrize("sizes", [[640], [1, 4_095, 70_001], [64_000]])
def test_real_speech_gives_the_same_events_however_it_is_cut(spoken: FloatArray, sizes: list[int]) -> None:
    models, data = Models(SileroVad(), LevelClassifier()), spoken[: 16_000 * 4].tobytes()
    whole = every_event(SERPipeline(models=models), [data])
    assert every_event(SERPipeline(models=models), in_pieces(data, sizes)) == whole
    assert any(isinstance(event, SpeechStarted) for event in whole)


def test_the_configured_models_are_loaded_once_and_hear_emotion_in_speech(spoken: FloatArray) -> None:
    first, second = load_models(PipelineConfig()), load_models(PipelineConfig(channels=2))
    assert first.detector is second.detector
    assert first.classifier is second.classifier
    emotions = [event for event in every_event(SERPipeline(), [spoken]) if isinstance(event, Emotion) and event.final]
    assert emotions
    for emotion in emotions:
        assert list(emotion.probabilities) == ["anger", "happiness", "sadness", "neutral"]
        assert sum(emotion.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_keyword_arguments_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"pipeline": {"vad_min_confidence": 0.7, "channels": 2}}', encoding="utf-8")
    for given_path in (path, str(path)):
        config = SERPipeline(given_path, models=FAKES, channels=3).config
        assert config == PipelineConfig(vad_min_confidence=0.7, channels=3)


def test_unknown_and_impossible_keyword_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match=r"pipeline\.channels must be.*unknown key 'pipeline\.vad_confidence'"):
        SERPipeline(models=FAKES, vad_confidence=0.5, channels=0)  # type: ignore[call-arg]


def test_a_classifier_that_fails_is_raised_and_the_next_call_goes_on() -> None:
    def fail_at_first(samples: FloatArray, answer: FloatArray) -> FloatArray:
        if len(samples) > 20_000:
            raise ValueError("too long")
        return answer

    pipeline = SERPipeline(models=Models(EnergyDetector(), FaultyClassifier(fail_at_first)), consumed_duration_s=4.0)
    with pytest.raises(SegmentError, match="too long"):
        pipeline.consume(talk(1.5, 2.5))
    assert any(isinstance(event, Fault) for event in pipeline.events)
    assert pipeline.consume(talk(1.0, 3.0)) is not None


def test_a_detector_that_fails_is_raised_and_flush_begins_anew() -> None:
    def broken(call: int, probabilities: FloatArray) -> FloatArray:
        if call in (3, 20):
            raise RuntimeError("broken")
        return probabilities

    pipeline = SERPipeline(models=Models(FaultyDetector(broken), LevelClassifier()))
    with pytest.raises(InferenceError, match="broken") as caught:
        pipeline.consume(talk(1.0))
    assert not isinstance(caught.value, SegmentError)
    pipeline.consume(b"")
    pipeline.consume(talk(0.9))
    with pytest.raises(InferenceError, match="broken"):
        pipeline.flush()
    assert pipeline.consume(talk(1.0, 1.0)) is not None


@pytest.mark.parametrize("refused", [np.full(100, np.nan), [[0.1, 0.2], [0.3]], None], ids=["nan", "ragged", "none"])
def test_data_that_is_refused_leaves_the_stream_as_it_was(refused: ArrayLike) -> None:
    pipeline = SERPipeline(models=FAKES)
    pipeline.consume(talk(0.5))
    with pytest.raises(AudioError):
        pipeline.consume(refused)
    assert list(pipeline.events) == []
    pipeline.consume(talk(0.5))
    pipeline.flush()
    ended = pipeline.events[0]
    assert isinstance(ended, SpeechEnded)
    assert (ended.start_s, ended.end_s) == (0, 1.024)


def test_its_repr_is_the_call_that_makes_another_like_it(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"pipeline": {"channels": 2}}', encoding="utf-8")
    pipeline = SERPipeline(path, models=FAKES, sample_format="int16", end_silence_s=0.8)
    assert repr(pipeline) == "SERPipeline(end_silence_s=0.8, sample_format='int16', channels=2)"
    assert eval(repr(pipeline)).config == pipeline.config
    assert repr(SERPipeline(models=FAKES)) == "SERPipeline()"


def test_a_with_block_ends_with_the_stream_forgotten_and_nothing_computed() -> None:
    with SERPipeline(models=FAKES) as pipeline:
        pipeline.consume(talk(1.0))
        assert pipeline.events
    assert list(pipeline.events) == []
    with pytest.raises(ClosedError, match=r"closed; call reset\(\)"):
        pipeline.consume(talk(1.0))
    with pytest.raises(ClosedError, match=r"closed; call reset\(\)"):
        pipeline.flush()
    pipeline.close()
    pipeline.reset()
    pipeline.consume(talk(1.0))
    assert isinstance(pipeline.events[0], SpeechStarted)
    assert pipeline.events[0].start_s == 0


def test_a_with_block_that_fails_raises_what_failed() -> None:
    with pytest.raises(AudioError), SERPipeline(models=FAKES) as pipeline:
        pipeline.consume([np.nan])
    with pytest.raises(ClosedError):
        pipeline.flush()
