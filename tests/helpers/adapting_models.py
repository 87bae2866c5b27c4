"""A small model file that ends as ours do, with all that such a file may have: a gate, two heads, and what a voice
profile is updated with."""

from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

SIZE: Final = 6
Floats = NDArray[np.float32]
_TEXT: Final = """<ir_version: 10, opset_import: ["" : 20]>
    small (float[batch, 80, T] log_mel, float[1, 6] voice_mean, float[1, 6] voice_deviation{known_input})
        => (float[batch, 4] probabilities, float[batch, 6] six, float[batch, 6] embedding{update_output})
    <float half = {{0.5}}, float one = {{1.0}}, float fourth = {{0.25}}, float sixth = {{0.16666667}},
     int64[1] time = {{2}}>
    {{ heard = ReduceMean<keepdims = 0>(log_mel, time)
       projected = MatMul(heard, projection)
       embedding = Identity(projected)
       open = MatMul(heard, gate_weights)
       gate = Sigmoid(open)
       centred = Sub(embedding, voice_mean)
       adapted = Div(centred, voice_deviation)
       {temperature}
       logits = MatMul(adapted, four_weights)
       cooled = Div(logits, temperature)
       four = Softmax<axis = -1>(cooled)
       four_above = Sub(four, fourth)
       four_kept = Mul(four_above, gate)
       four_mixed = Add(four_kept, fourth)
       probabilities = Identity(four_mixed)
       six_logits = MatMul(adapted, six_weights)
       six_shares = Softmax<axis = -1>(six_logits)
       six_above = Sub(six_shares, sixth)
       six_kept = Mul(gate, six_above)
       six_mixed = Add(sixth, six_kept)
       six = Identity(six_mixed)
       {update} }}"""
_UPDATE: Final = """effect = MatMul(four, means)
       taken = Mul(effect, half)
       less = Sub(embedding, taken)
       voice_update = Identity(less)"""


def adapting_model(new: bool, **metadata: str) -> bytes:
    """A file as the shipped ones are; ``new``: with the input `voice_known` and the output `voice_update`."""
    text = _TEXT.format(
        known_input=", float[1, 1] voice_known" if new else "",
        update_output=", float[batch, 6] voice_update" if new else "",
        temperature="cooler = Mul(voice_known, half)\n temperature = Sub(one, cooler)"
        if new
        else "temperature = Identity(one)",
        update=_UPDATE if new else "",
    )
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(5)

    def drawn(*shape: int) -> Floats:
        return np.asarray(rng.standard_normal(shape) / np.sqrt(shape[0]), np.float32)

    constants = {
        "projection": drawn(80, SIZE),
        "gate_weights": drawn(80, 1),
        "four_weights": drawn(SIZE, 4),
        "six_weights": drawn(SIZE, 6),
        "voice_mean": np.zeros((1, SIZE), np.float32),
        "voice_deviation": np.ones((1, SIZE), np.float32),
        **({"means": drawn(4, SIZE), "voice_known": np.zeros((1, 1), np.float32)} if new else {}),
    }
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    helper.set_model_props(
        model,
        {
            "name": "tiny",
            "version": "1.0.0",
            "labels": '["anger", "happiness", "sadness", "neutral"]',
            "sample_rate_hz": "16000",
            "front_end": "log-mel-80-peak@1",
            "licence": "CC0-1.0",
            "training_data": "none",
            **metadata,
        },
    )
    return bytes(model.SerializeToString())
