"""One way to open an ONNX model, for both networks."""

from pathlib import Path

import onnxruntime as ort

from ser_track.errors import ModelError


def open_session(model: Path | bytes, keep_memory: bool = False) -> ort.InferenceSession:
    """Open ``model`` for small, frequent calls on one thread.

    ONNX Runtime's default threads spin between calls: measured at 20.8 ms CPU per paced call instead of 0.62.
    ``keep_memory`` is for a network whose calls are all of like size: what one call worked on serves the next.

    Raises:
        ModelError: the file is missing or is no ONNX model.
    """
    name = "the model in memory" if isinstance(model, bytes) else str(model)
    if isinstance(model, Path) and not model.is_file():
        raise ModelError(f"model file {name} does not exist; correct the path, or leave the model out to use our own")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Segments have every length: planned and pooled memory would keep the largest of all times, and saves no CPU there.
    options.enable_cpu_mem_arena = keep_memory
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        source = model if isinstance(model, bytes) else str(model)
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has one class per status code and no public root
        raise ModelError(f"{name} is not a usable ONNX model ({error}); give an ONNX file or leave it out") from error
