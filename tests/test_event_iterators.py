"""`events`: what analyze finds, as typed values, from files and arrays."""

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from ser_track import Emotion, Event, Fault, Joined, Left, SpeechEnded, events
from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from ser_track.errors import AudioError, ConfigError
from ser_track.models import Models
from ser_track.output.wire import to_json, to_line
from tests.helpers.fake_models import EnergyDetector, FaultyClassifier, LevelClassifier
from tests.helpers.recordings import Sound, record
from tests.helpers.signals import noise, talk
from tests.paths import DATA

SPOKEN = DATA / "spoken.wav"
FAKES = Models(EnergyDetector(), LevelClassifier())
CALL = talk(1.0, 0.9, 1.1, 1.3)


def told(found: Iterator[Event]) -> list[dict[str, object]]:
    """Without the names of source and participant."""
    return [{k: v for k, v in to_json(event).items() if k not in ("stream", "participant", "name")} for event in found]


@pytest.mark.parametrize("name", ["spoken.wav", "spoken_two_tracks.mka", "packets/spoken.rtpdump"])
def test_a_file_gives_the_events_of_analyze(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(DATA / name)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [to_line(event) for event in events(DATA / name)] == lines
    assert [to_line(event) for event in events(str(DATA / name))] == lines
    assert any(isinstance(event, Emotion) for event in events(DATA / name))


def test_an_array_gives_the_same_as_a_file(spoken: FloatArray) -> None:
    of_file = told(events(SPOKEN))
    assert told(events(spoken, rate_hz=16_000)) == of_file
    assert told(events(spoken[:, None].astype(np.float64), rate_hz=16_000)) == of_file
    assert told(events(spoken.tolist(), rate_hz=16_000)) == of_file


def test_another_rate_gives_the_same_segments() -> None:
    def segments(samples: FloatArray, rate_hz: int) -> list[tuple[float, float]]:
        found = events(samples, rate_hz=rate_hz, models=FAKES)
        return [(event.start_s, event.end_s) for event in found if isinstance(event, SpeechEnded)]

    at_16_khz = segments(CALL, 16_000)
    assert len(at_16_khz) == 2
    np.testing.assert_allclose(segments(np.repeat(CALL, 3), 48_000), at_16_khz, atol=0.033)


def test_channels_are_mixed_or_participants() -> None:
    stereo = np.stack([CALL, np.zeros_like(CALL)], axis=1)
    mixed = list(events(stereo, rate_hz=16_000, models=FAKES))
    assert {event.key.participant for event in mixed} == {"track-1"}
    apart = list(events(stereo, rate_hz=16_000, split_channels=True, models=FAKES))
    alone = told(events(CALL, rate_hz=16_000, models=FAKES))
    assert told(event for event in apart if event.key.participant == "track-1-left") == alone
    right = [event for event in apart if event.key.participant == "track-1-right"]
    assert [type(event) for event in right] == [Joined, Left]


def test_without_provisional_results_all_else_is_the_same(spoken: FloatArray) -> None:
    everything = list(events(spoken, rate_hz=16_000))
    finals = list(events(spoken, rate_hz=16_000, provisional=False))
    provisional = [event for event in everything if isinstance(event, Emotion) and not event.final]
    assert provisional
    assert finals == [event for event in everything if event not in provisional]


def test_the_pipeline_can_be_configured(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"pipeline": {"max_segment_s": 0.6}}', encoding="utf-8")
    found = events(talk(3.0), rate_hz=16_000, config_file=path, models=FAKES, end_silence_s=2.0)
    ends = [event.end_s - event.start_s for event in found if isinstance(event, SpeechEnded)]
    assert len(ends) >= 4
    assert max(ends) <= 0.608
    with pytest.raises(ConfigError, match=r"unknown key 'pipeline\.end_silence'"):
        events(CALL, rate_hz=16_000, end_silence=2.0)  # type: ignore[call-arg]


def test_events_come_while_the_source_is_read() -> None:
    found = events(np.tile(CALL, 200), rate_hz=16_000, models=FAKES)
    assert isinstance(next(found), Joined)
    first = next(event for event in found if isinstance(event, Emotion))
    assert first.segment == 0


@pytest.mark.parametrize(
    ("samples", "rate_hz", "reason"),
    [
        (CALL, None, "give rate_hz"),
        (CALL.tobytes(), 16_000, "for bytes, use SERPipeline or aevents"),
        (np.zeros(100, np.int64), 16_000, "array of int64, whose scale is unknown: give floats in -1 … 1, or int16"),
        (np.zeros((2, 16_000)), 16_000, r"array of shape \(2, 16000\) does not fit; .*transpose \[channels, n\]"),
        (np.zeros((1, 16_000)), 16_000, "with at most 32 channels"),
        (np.full(100, np.nan), 16_000, "not a finite number"),
        (np.zeros((2, 2, 2)), 16_000, "shape"),
        (np.zeros((5, 0)), 16_000, "shape"),
        (0.5, 16_000, "shape"),
        ([[0.1, 0.2], [0.3]], 16_000, "not an array"),
    ],
)
def test_samples_that_cannot_be_used_are_refused_at_once(samples: ArrayLike, rate_hz: int | None, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        events(samples, rate_hz=rate_hz, models=FAKES)


@pytest.mark.parametrize("split", [False, True])
def test_channels_that_are_announced_must_be_there_as_for_a_pipeline(split: bool) -> None:
    stereo = np.stack([CALL, CALL], axis=1)

    def found(samples: ArrayLike, channels: int) -> list[dict[str, object]]:
        return told(events(samples, rate_hz=16_000, split_channels=split, models=FAKES, channels=channels))

    assert found(stereo, 2) == found(stereo.ravel(), 2) == found(stereo, 1)
    for samples in (stereo, stereo.ravel()[1:]):
        with pytest.raises(AudioError, match="does not fit"):
            found(samples, 3 if samples.ndim == 2 else 2)


def test_integers_are_taken_in_the_full_range_of_their_type(spoken: FloatArray) -> None:
    def segments(samples: ArrayLike) -> list[tuple[float, float, str]]:
        found = events(samples, rate_hz=16_000, provisional=False)
        return [(event.start_s, event.end_s, event.label) for event in found if isinstance(event, Emotion)]

    assert segments((spoken * 32_767).astype(np.int16)) == segments(spoken)


def test_floats_on_the_scale_of_integers_give_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"float samples reach \d+, but must be in -1 … 1; divide them"):
        events(32_768 * CALL, rate_hz=16_000, models=FAKES)


def test_what_was_noticed_in_a_file_is_a_warning(tmp_path: Path) -> None:
    call = np.stack([np.roll(talk(3.0, 3.0, 3.0, 3.0), shift * 48_000) for shift in (0, 1)], axis=1)
    path = record(tmp_path / "call.wav", "pcm_s16le", [Sound(call)])
    with pytest.warns(UserWarning, match=r"call\.wav has different voices on the two channels"):
        list(events(path, models=FAKES))


@pytest.mark.parametrize("name", ["an offset", "opposite polarity", "wobbling timestamps", "one bad sample"])
def test_troubled_recordings_give_the_segments_of_good_ones(tmp_path: Path, spoken: FloatArray, name: str) -> None:
    mono, bad = spoken[:, None], spoken.copy()
    bad[int(5.1 * 16_000)] = np.nan  # in a pause
    sounds = {
        "an offset": Sound(mono + np.float32(0.3)),
        "opposite polarity": Sound(np.concatenate([mono, -mono], axis=1)),
        "wobbling timestamps": Sound(mono, frame_s=0.02, stamp=lambda s: s - 0.9 * (s % 0.06)),
        "one bad sample": Sound(bad[:, None]),
    }
    path = record(tmp_path / "a.mka", "pcm_f32le", [sounds[name]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, good = ([e for e in events(of, provisional=False) if isinstance(e, Emotion)] for of in (path, SPOKEN))
    for event, expected in zip(found, good, strict=True):
        assert (event.start_s, event.end_s) == pytest.approx((expected.start_s, expected.end_s), abs=0.13)


def test_a_rate_that_is_none_is_refused_and_so_is_one_for_a_file() -> None:
    with pytest.raises(ConfigError, match="sample_rate_hz"):
        events(CALL, rate_hz=100, models=FAKES)
    with pytest.raises(AudioError, match="leave rate_hz out"):
        events(SPOKEN, rate_hz=16_000, models=FAKES)


def test_a_file_that_is_not_there_is_an_error_and_one_that_is_cut_off_a_fault(tmp_path: Path) -> None:
    missing = events(tmp_path / "gone.wav", models=FAKES)
    with pytest.raises(AudioError, match="does not exist"):
        next(missing)
    cut_off = tmp_path / "cut.wav"
    cut_off.write_bytes(SPOKEN.read_bytes()[:200_000])
    *_, fault, left = events(cut_off)
    assert isinstance(fault, Fault)
    assert "is cut off" in fault.message
    assert isinstance(left, Left)
    assert left.reason == "error"


def test_a_segment_that_the_model_fails_at_is_a_fault_and_the_next_is_judged() -> None:
    def fail_at_first(samples: FloatArray, answer: FloatArray) -> FloatArray:
        if len(samples) > 20_000:
            raise ValueError("too long")
        return answer

    models = Models(EnergyDetector(), FaultyClassifier(fail_at_first))
    samples = talk(1.5, 1.0, 1.0, 1.0)
    found = [
        e for e in events(samples, rate_hz=16_000, provisional=False, models=models) if isinstance(e, Emotion | Fault)
    ]
    assert [(type(event), event.segment) for event in found] == [(Fault, 0), (Emotion, 1)]


def test_nothing_at_all_is_a_stream_without_speech() -> None:
    for samples in (np.zeros(0), noise(100, peak=0.01)):
        assert [type(event) for event in events(samples, rate_hz=44_100, models=FAKES)] == [Joined, Left]


def test_only_what_is_used_is_imported() -> None:
    program = (
        "import sys, ser_track; print(sorted({'numpy', 'av', 'pandas', 'aiortc'} & sys.modules.keys()))\n"
        f"print(any(isinstance(event, ser_track.Emotion) for event in ser_track.events({str(SPOKEN)!r})))\n"
        "print(sorted({'pandas', 'aiortc', 'sounddevice', 'rich'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True", "[]"]
