"""The ONNX file says what the trained network says. Runs where training runs: torch is not among our dependencies."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from training import encoder

torch = pytest.importorskip("torch", reason="needs the training environment (training/README.md)")


@pytest.mark.shared
@pytest.mark.parametrize("frames", [2, 48, 300, 302])
def test_the_exported_graph_is_the_network(tmp_path: Path, frames: int) -> None:
    from training.stored import store
    from training.students import student

    torch.manual_seed(0)
    network = student("base-4m1").eval()
    torch.nn.init.normal_(network.attend2.weight)
    network.mean.normal_()
    network.deviation.uniform_(0.5, 2.0)
    network.class_means.normal_()
    store(network, tmp_path / "network.npz", {"merge": 1})
    tensors, facts = encoder.read_network(tmp_path / "network.npz")
    model, _ = encoder.build(tensors, facts["merge"], encoder.Temperatures(1.3, 1.2, 1.8, 1.4))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    rng = np.random.default_rng(frames)
    spectrum = rng.uniform(-0.75, 1.25, (frames, 80)).astype(np.float32)
    mean, deviation = rng.normal(0, 1, (1, 128)).astype(np.float32), rng.uniform(0.5, 2, (1, 128)).astype(np.float32)
    given = {"log_mel": spectrum.T[None], "voice_mean": mean, "voice_deviation": deviation}
    given["voice_known"] = np.full((1, 1), 0.5, np.float32)
    names = ["probabilities", "six", "embedding", "voice_update", "voice_weight", "unadapted"]
    told = dict(zip(names, session.run(names, given), strict=True))
    with torch.no_grad():
        standard = network.standard(network.embedding(torch.from_numpy(spectrum)[None], torch.tensor([frames])))
        four, six, _ = network.logits((standard - torch.from_numpy(mean)) / torch.from_numpy(deviation))
        alone, _, _ = network.logits(standard)
    np.testing.assert_allclose(told["embedding"], standard.numpy(), atol=1e-4)
    # A voice that is half known lies half between the two temperatures.
    np.testing.assert_allclose(told["probabilities"], (four / 1.3 / 1.6).softmax(1).numpy(), atol=1e-4)
    np.testing.assert_allclose(told["six"], (six / 1.2 / 1.6).softmax(1).numpy(), atol=1e-4)
    # What a voice is updated with comes from what neither doubt nor gate has softened.
    removed = 0.5 * (six / 1.2).softmax(1) @ network.class_means
    np.testing.assert_allclose(told["voice_update"], (standard - removed).numpy(), atol=1e-3)
    weight = 0.5 + 0.5 * (four / 1.3).softmax(1)[:, 3:]
    np.testing.assert_allclose(told["voice_weight"], weight.numpy(), atol=1e-4)
    np.testing.assert_allclose(told["unadapted"], (alone / 1.3).softmax(1).numpy(), atol=1e-4)
