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
    store(network, tmp_path / "network.npz", {"merge": 1})
    tensors, facts = encoder.read_network(tmp_path / "network.npz")
    model, _ = encoder.build(tensors, facts["merge"], (1.3, 1.2))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    rng = np.random.default_rng(frames)
    spectrum = rng.uniform(-0.75, 1.25, (frames, 80)).astype(np.float32)
    mean, deviation = rng.normal(0, 1, (1, 128)).astype(np.float32), rng.uniform(0.5, 2, (1, 128)).astype(np.float32)
    given = {"log_mel": spectrum.T[None], "voice_mean": mean, "voice_deviation": deviation}
    four, six, embedding = session.run(["probabilities", "six", "embedding"], given)
    with torch.no_grad():
        standard = network.standard(network.embedding(torch.from_numpy(spectrum)[None], torch.tensor([frames])))
        logits = network.logits((standard - torch.from_numpy(mean)) / torch.from_numpy(deviation))
    np.testing.assert_allclose(embedding, standard.numpy(), atol=1e-4)
    np.testing.assert_allclose(four, (logits[0] / 1.3).softmax(1).numpy(), atol=1e-4)
    np.testing.assert_allclose(six, (logits[1] / 1.2).softmax(1).numpy(), atol=1e-4)
