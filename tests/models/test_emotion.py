import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from ser_track.chunk import FloatArray
from ser_track.config.schema import SHIPPED_MODELS
from ser_track.errors import AudioError, ModelError
from ser_track.labels import EMOTIONS, FOUR, SIX_EMOTIONS
from ser_track.models.emotion import EmotionModel
from ser_track.models.log_mel import FRONT_END
from ser_track.protocols import EmotionClassifier
from tests.paths import ROOT
from training.corpora import CORPORA, read_clips
from training.listening import hear, hear_in_call, prepare
from training.metrics import uar

RATE = 16_000
RNG = np.random.default_rng(3)
WEIGHTS = ROOT / "ser_track" / "models" / "weights"
RESULTS = json.loads((ROOT / "training" / "results.json").read_text(encoding="utf-8"))
SPLITS = json.loads((ROOT / "training" / "splits" / "cremad.json").read_text(encoding="utf-8"))["speakers"]


@pytest.fixture(scope="module", params=SHIPPED_MODELS)
def model(request: pytest.FixtureRequest) -> EmotionModel:
    return EmotionModel.load(request.param)


def four(model: EmotionModel, samples: FloatArray) -> FloatArray:
    return model.classify(samples).probabilities


def hum(seconds: float) -> FloatArray:
    """Something voice-like: a gliding pitch with harmonics under a slow envelope, and a little noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * (160 * t + 12 * np.sin(2 * np.pi * 0.7 * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    return np.asarray(0.1 * voice + 0.002 * RNG.normal(size=t.size), np.float32)


@pytest.mark.parametrize("n", [1, 100, 481, 8000, 48_000, 160_000, 480_000, 480_001, 1_000_001])
def test_probabilities_of_any_length(model: EmotionModel, n: int) -> None:
    result = four(model, hum(n / RATE + 0.01)[:n])
    assert result.shape == (4,)
    assert result.dtype == np.float32
    assert np.all((result >= 0) & (result <= 1))
    assert result.sum() == pytest.approx(1, abs=1e-5)


def test_is_an_emotion_classifier(model: EmotionModel) -> None:
    classifier: EmotionClassifier = model
    assert classifier.labels == FOUR
    assert classifier.labels.names == ("anger", "happiness", "sadness", "neutral")
    name, version = classifier.name.split("@")
    assert (WEIGHTS / f"{name}.onnx").is_file()
    assert len(version.split(".")) == 3


def test_same_audio_same_answer_also_from_another_instance(model: EmotionModel) -> None:
    samples = hum(2.0)
    first = four(model, samples)
    assert np.array_equal(four(model, samples), first)
    assert np.array_equal(four(EmotionModel.load(model.name.split("@")[0]), samples), first)


def test_leaves_its_input_alone(model: EmotionModel) -> None:
    samples = hum(1.0)
    before = samples.copy()
    samples.flags.writeable = False
    four(model, samples)
    assert np.array_equal(samples, before)


@pytest.mark.parametrize("gain_db", [-20.0, 20.0])
def test_level_does_not_matter(model: EmotionModel, gain_db: float) -> None:
    samples = hum(2.0)
    louder = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    np.testing.assert_allclose(four(model, louder), four(model, samples), atol=0.005)


@pytest.mark.parametrize("gain_db", [-20.0, 20.0])
def test_level_of_speech_does_not_matter_but_for_rounding(
    model: EmotionModel, spoken: FloatArray, gain_db: float
) -> None:
    """Eight-bit activations make steps (up to 0.0074 here) of what differs in a float's last digits."""
    for start in range(9):
        samples = spoken[start * RATE : (start + 3) * RATE]
        louder = (samples * 10 ** (gain_db / 20)).astype(np.float32)
        np.testing.assert_allclose(four(model, louder), four(model, samples), atol=0.01)


def test_a_scrap_of_speech_is_no_evidence(model: EmotionModel, spoken: FloatArray) -> None:
    for start in range(0, len(spoken) - RATE, RATE // 4):
        judged = model.classify(spoken[start : start + RATE // 4])
        assert judged.six is not None
        assert judged.probabilities.max() < 0.5
        assert judged.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert judged.six.sum() == pytest.approx(1, abs=1e-5)


def test_long_audio_is_the_average_of_its_stretches(model: EmotionModel) -> None:
    parts = [hum(8.0), RNG.normal(size=8 * RATE).astype(np.float32), hum(8.0) ** 2, hum(8.0)]
    expected = np.mean([four(model, part) for part in parts], axis=0)
    np.testing.assert_allclose(four(model, np.concatenate(parts)), expected, atol=1e-6)


@pytest.mark.parametrize("samples", [np.zeros(16_000), np.full(16_000, 1e-9), np.full(16_000, 0.5), np.ones(1)])
def test_silence_and_constants_are_finite(model: EmotionModel, samples: FloatArray) -> None:
    assert np.isfinite(four(model, samples.astype(np.float32))).all()


def test_refuses_empty_and_broken_audio(model: EmotionModel) -> None:
    with pytest.raises(AudioError, match="n ≥ 1"):
        model.classify(np.zeros(0, np.float32))
    with pytest.raises(AudioError, match="NaN"):
        model.classify(np.full(16_000, np.nan, np.float32))


def test_threads_share_one_model(model: EmotionModel) -> None:
    inputs = [hum(seconds) for seconds in (0.5, 1.0, 1.5, 2.0)] * 4
    expected = [four(model, samples) for samples in inputs]
    barrier = threading.Barrier(4)

    def classify(samples: FloatArray) -> FloatArray:
        barrier.wait(timeout=10)
        return four(model, samples)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(classify, inputs))
    np.testing.assert_array_equal(results, expected)


def test_a_voice_that_is_known_changes_the_answer_and_the_model_not_the_voice(model: EmotionModel) -> None:
    samples, voice = hum(2.0), model.new_voice()
    assert voice is not None
    alone = model.classify(samples)
    assert np.array_equal(model.classify(samples, voice).probabilities, alone.probabilities)
    assert alone.embedding is not None
    for _ in range(8):
        voice.update(alone.embedding + 1)
    known = model.classify(samples, voice)
    assert not np.allclose(known.probabilities, alone.probabilities)
    assert voice.segments == 8
    # What a voice is made of is not changed by what is known of it.
    np.testing.assert_array_equal(known.embedding, alone.embedding)


def test_six_emotions_are_a_distribution_too(model: EmotionModel) -> None:
    six = model.classify(hum(2.0)).six
    assert six is not None
    assert six.shape == (6,)
    assert six.sum() == pytest.approx(1, abs=1e-5)


# ── Files that do not fit ────────────────────────────────────────────────────────────────────────────


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx does not exist"):
        EmotionModel.load(tmp_path / "gone.onnx")


def test_refuses_what_is_not_onnx(tmp_path: Path) -> None:
    file = tmp_path / "notes.onnx"
    file.write_text("not a model")
    with pytest.raises(ModelError, match=r"notes\.onnx is not a usable ONNX model"):
        EmotionModel.load(file)


GOOD = {
    "name": "small",
    "version": "0.0.1",
    "labels": json.dumps(EMOTIONS),
    "sample_rate_hz": "16000",
    "front_end": FRONT_END,
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a tiny model that averages the spectrum; each argument breaks one thing."""
    onnx = pytest.importorskip("onnx", reason="needs the training dependency group")

    def build(
        metadata: dict[str, str] = GOOD,
        given: str = "log_mel",
        result: str = "probabilities",
        mels: int = 80,
        frames: int | str = "T",
        classes: int = 4,
    ) -> Path:
        text = f"""<ir_version: 10, opset_import: ["" : 20]>
            small (float[batch, {mels}, {frames}] {given}) => (float[batch, {classes}] {result})
            <float[{mels}, {classes}] weight, int64[1] axis = {{2}}>
            {{ mean = ReduceMean<keepdims = 0>({given}, axis)  logits = MatMul(mean, weight)
               {result} = Softmax<axis = -1>(logits) }}"""
        built = onnx.parser.parse_model(text)
        weight = onnx.numpy_helper.from_array(np.zeros((mels, classes), np.float32), "weight")
        built.graph.initializer.append(weight)
        onnx.helper.set_model_props(built, metadata)
        onnx.save(built, tmp_path / "other.onnx")
        return tmp_path / "other.onnx"

    return build


def test_accepts_another_file_that_keeps_the_contract(write: Write) -> None:
    other = EmotionModel.load(write())
    assert other.name == "small@0.0.1"
    np.testing.assert_allclose(four(other, hum(1.0)), 0.25)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"given": "audio"}, r"its inputs are \['audio'\], not \['log_mel'\]"),
        ({"result": "logits_only"}, "output 'probabilities' is missing"),
        ({"mels": 64}, r"'log_mel' is tensor\(float\) \['batch', 64, 'T'\]"),
        ({"frames": 3000}, "'log_mel' takes 3000 frames only"),
        ({"classes": 7}, r"'probabilities' is tensor\(float\) \['batch', 7\]"),
        ({"metadata": {}}, "lacks front_end, labels, name, sample_rate_hz, version"),
        ({"metadata": {**GOOD, "labels": '["sad"]'}}, "label set: it has 1 labels; give 2 to 32"),
        ({"metadata": {**GOOD, "labels": '["calm", "sad"]'}}, r"'probabilities' is .* not float32 .* with 2 in second"),
        ({"metadata": {**GOOD, "labels": "sad"}}, "its metadata has labels = 'sad', which is not JSON"),
        ({"metadata": {**GOOD, "labels": '{"sad": 0}'}}, "its labels is an object, not a list of names"),
        ({"metadata": {**GOOD, "sample_rate_hz": "8000"}}, "its sample_rate_hz is 8000, not 16000"),
        ({"metadata": {**GOOD, "front_end": "mfcc@2"}}, "its front_end is mfcc@2"),
    ],
)
def test_says_what_does_not_fit_and_what_to_do(write: Write, broken: dict[str, object], reason: str) -> None:
    file = write(**broken)
    with pytest.raises(ModelError, match=reason) as caught:
        EmotionModel.load(file)
    assert str(file) in str(caught.value)
    assert "training/README.md" in str(caught.value)


# ── The shipped files ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "most_bytes"), [("small", 6e6), ("base", 20e6)])
def test_is_small(name: str, most_bytes: float) -> None:
    assert sorted(file.stem for file in WEIGHTS.glob("*.onnx")) == ["base", "small"]
    assert (WEIGHTS / f"{name}.onnx").stat().st_size <= most_bytes


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_says_whom_it_never_heard(name: str) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(WEIGHTS / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert set(SPLITS["test"]) <= set(json.loads(metadata["test_speakers"]))
    assert json.loads(metadata["labels"]) == list(EMOTIONS)
    assert json.loads(metadata["six_labels"]) == list(SIX_EMOTIONS)
    assert {"licence", "training_data"} <= set(metadata)
    assert json.loads(metadata["training_licences"])["CREMA-D"].startswith("ODbL")


def test_splits_share_no_speaker() -> None:
    groups = [set(SPLITS[name]) for name in ("train", "validation", "test")]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 91
    assert len(groups[2]) >= 18


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.shared
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs the corpora beside the repository (../shared/corpora)")
def test_four_emotions_of_speakers_it_never_heard(model: EmotionModel) -> None:
    """Every four-class clip of every test speaker, alone and in call order: what training/results.json says."""
    clips = [clip for clip in read_clips("cremad") if clip.speaker in SPLITS["test"]]
    audio = prepare(clips)
    alone = hear(model, clips, audio)
    in_call = hear_in_call(model, clips, audio)
    # As in a call each must hold what the first model held. Alone, small does not: 0.776 (the card says so).
    for heard in (in_call, *([alone] if model.name.startswith("base@") else [])):
        assert uar(heard.labels, heard.four.argmax(axis=1)) >= 0.80
    recorded = RESULTS[model.name.split("@")[0]]["cremad_test"]
    assert len(clips) >= 1000
    for heard, how in ((alone, "alone"), (in_call, "in_call")):
        # Another CPU moves probabilities a little, and in call order there is no disgust and no fear here.
        assert uar(heard.labels, heard.four.argmax(axis=1)) == pytest.approx(recorded[how]["four"]["uar"], abs=0.02)
