"""The parts of model files like ours, and what is made of them."""

from importlib import resources

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ser_track.cli.tune.base_model import BaseModel, NewHead
from ser_track.cli.tune.heard import Ends, Heard, known_of
from ser_track.config.schema import SHIPPED_MODELS
from ser_track.errors import ModelError
from ser_track.models.emotion import EmotionModel
from ser_track.models.onnx_session import open_session
from ser_track.voice_profile import VoiceProfile
from tests.helpers.adapting_models import SIZE, adapting_model

Floats = NDArray[np.float32]
RNG = np.random.default_rng(1)
HEAD = NewHead(RNG.standard_normal((SIZE, 3)).astype(np.float32), RNG.standard_normal(3).astype(np.float32), (2.0, 0.5))
METADATA = {"name": "mine", "version": "2", "labels": '["one", "two", "three"]', "licence": "mine"}
LOG_MEL: Floats = RNG.standard_normal((1, 80, 50)).astype(np.float32)
VOICE: dict[str, Floats] = {
    "voice_mean": RNG.standard_normal((1, SIZE)).astype(np.float32),
    "voice_deviation": RNG.uniform(0.5, 2, (1, SIZE)).astype(np.float32),
}


def run(file: bytes, **inputs: Floats) -> dict[str, Floats]:
    session = ort.InferenceSession(file)
    names = [node.name for node in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def softmax(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def gate_of(base: BaseModel, log_mel: Floats) -> float:
    return float(run(base.probe(), log_mel=log_mel)["embedding"][0, -1])


@pytest.mark.parametrize("new", [False, True])
def test_a_new_head_stands_on_the_adapted_embedding_behind_the_gate(new: bool) -> None:
    file = adapting_model(new)
    base = BaseModel(file, "tiny")
    tuned = base.with_head(HEAD, METADATA)
    before, after = run(file, log_mel=LOG_MEL, **VOICE), run(tuned, log_mel=LOG_MEL, **VOICE)
    adapted = (before["embedding"] - VOICE["voice_mean"]) / VOICE["voice_deviation"]
    shares, gate = softmax((adapted @ HEAD.weights + HEAD.bias) / 2.0), gate_of(base, LOG_MEL)
    assert 0 < gate < 1
    np.testing.assert_allclose(after["probabilities"], (shares - 1 / 3) * gate + 1 / 3, atol=1e-5)
    np.testing.assert_array_equal(after["embedding"], before["embedding"])
    assert set(after) == {"probabilities", "embedding", *(["voice_update"] if new else [])}


def test_what_the_profile_is_updated_with_stays_that_of_the_base() -> None:
    file = adapting_model(new=True)
    tuned = BaseModel(file, "tiny").with_head(HEAD, METADATA)
    known = np.ones((1, 1), np.float32)
    for voice in ({}, {**VOICE, "voice_known": known}):
        before, after = run(file, log_mel=LOG_MEL, **voice), run(tuned, log_mel=LOG_MEL, **voice)
        np.testing.assert_array_equal(after["voice_update"], before["voice_update"])
        assert not np.allclose(after["voice_update"], after["embedding"])


def test_the_temperature_falls_with_how_well_the_voice_is_known() -> None:
    base = BaseModel(adapting_model(new=True), "tiny")
    tuned, gate = base.with_head(HEAD, METADATA), gate_of(base, LOG_MEL)
    for known, temperature in ((0.0, 2.0), (0.5, 1.25), (1.0, 0.5)):
        result = run(tuned, log_mel=LOG_MEL, voice_known=np.full((1, 1), known, np.float32))
        shares = softmax((result["embedding"] @ HEAD.weights + HEAD.bias) / temperature)
        np.testing.assert_allclose(result["probabilities"], (shares - 1 / 3) * gate + 1 / 3, atol=1e-5)


@pytest.mark.parametrize("new", [False, True])
def test_the_ends_make_of_an_embedding_what_the_whole_file_makes(new: bool) -> None:
    file = adapting_model(new)
    base = BaseModel(file, "tiny")
    whole = run(file, log_mel=LOG_MEL)
    heard = Heard((), whole["embedding"], np.array([gate_of(base, LOG_MEL)], np.float32), np.ones(1, np.float32))
    numbers, view = Ends(base).in_calls(heard, [[(0, False), (0, True)]])
    voice = VoiceProfile(SIZE)
    voice.update(whole["voice_update"][0] if new else whole["embedding"][0])
    after = {"voice_mean": voice.mean[None], "voice_deviation": voice.deviation[None]}
    after |= {"voice_known": known_of(voice)} if new else {}
    again = run(file, log_mel=LOG_MEL, **after)
    gate = heard.gate[0]
    assert numbers.tolist() == [0]
    np.testing.assert_allclose((view.shares["probabilities"] - 0.25) * gate + 0.25, again["probabilities"], atol=1e-5)
    np.testing.assert_allclose((view.shares["six"] - 1 / 6) * gate + 1 / 6, again["six"], atol=1e-5)


def test_a_tuned_file_can_be_tuned_again_and_does_not_grow() -> None:
    once = BaseModel(adapting_model(new=True), "tiny").with_head(HEAD, METADATA)
    again = BaseModel(once, "mine").with_head(HEAD, METADATA)
    assert len(again) <= len(once) + 100
    np.testing.assert_array_equal(
        run(again, log_mel=LOG_MEL)["probabilities"], run(once, log_mel=LOG_MEL)["probabilities"]
    )


def test_equal_heads_make_equal_files() -> None:
    files = {BaseModel(adapting_model(new=True), "tiny").with_head(HEAD, METADATA) for _ in range(2)}
    assert len(files) == 1


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_the_shipped_files_can_be_tuned(name: str) -> None:
    base = BaseModel.load(name)
    inputs = set(base.inputs)
    assert {"voice_mean", "voice_deviation"} <= inputs
    # Whoever adds this input to the files: `known_of` reads the profile's attribute `known`.
    assert ("voice_known" in inputs) == hasattr(VoiceProfile(base.size), "known")
    Ends(base)
    head = NewHead(np.zeros((base.size, 2), np.float32), np.array([0, 1], np.float32), (1.0, 1.0))
    file = base.with_head(head, {**METADATA, "labels": '["one", "two"]'})
    shipped = resources.files("ser_track.models").joinpath("weights", f"{name}.onnx").read_bytes()
    assert len(file) < len(shipped)
    model = EmotionModel(open_session(file), name)
    voice = model.new_voice()
    assert voice is not None
    prediction = model.classify(np.zeros(16_000, np.float32), voice)
    assert prediction.six is None
    assert prediction.embedding is not None
    assert prediction.embedding.shape == (base.size,)


def changed(op: str, twin: str) -> bytes:
    model = onnx.load_from_string(adapting_model(new=False))
    for node in model.graph.node:
        if node.op_type == op:
            node.op_type = twin
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"no model", "is not an ONNX file"),
        (changed("Softmax", "Hardmax"), "not made by a softmax and a gate"),
        (changed("Div", "Mul"), "one embedding that is adapted to the voice"),
        (adapting_model(new=False, labels="[1]"), "it has 1 labels"),
    ],
)
def test_other_files_are_refused_with_the_reason(file: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as failure:
        BaseModel(file, "theirs.onnx")
    assert "theirs.onnx" in str(failure.value)
