"""The notebook, executed as Jupyter does it, faster than life: what it writes down, and what is in its picture."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from nbclient import NotebookClient

from ser_track import SERPipeline
from ser_track.chunk import FloatArray
from ser_track.labels import EMOTIONS, FOUR
from tests.helpers.microphones import without_microphones
from tests.paths import ROOT

NOTEBOOK = ROOT / "examples" / "real_time_example.ipynb"


def stored() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]  # nbformat is typed in part


def executed() -> list[Any]:
    notebook = stored()
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def colours() -> dict[str, str]:
    """The colour of each emotion, as the model says; the notebook has none of its own."""
    assert not re.search(r"#[0-9a-fA-F]{6}", "".join(cell.source for cell in stored().cells))
    return {label.name: label.colour.light for label in FOUR.labels}


@pytest.mark.parametrize("microphone", ["a file was asked for", "there is no microphone"])
def test_each_final_result_is_written_down_and_plotted(
    microphone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: FloatArray
) -> None:
    monkeypatch.setenv("SER_TRACK_SPEED", "100")
    if microphone == "a file was asked for":
        monkeypatch.setenv("SER_TRACK_FILE", str(ROOT / "tests" / "data" / "spoken.wav"))
    else:
        monkeypatch.delenv("SER_TRACK_FILE", raising=False)
        for name, value in without_microphones(tmp_path).items():
            monkeypatch.setenv(name, value)
    outputs = executed()
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert ("Using a recording instead." in text) == (microphone == "there is no microphone")

    pipeline = SERPipeline(ROOT / "config.json")
    seconds = [pipeline.consume(spoken[begin : begin + 16_000]) for begin in range(0, len(spoken), 16_000)]
    expected = [emotions for emotions in [*seconds, pipeline.flush()] if emotions]
    written = [re.findall(r"(\w+) (\d+) %", line) for line in text.splitlines() if "%" in line]
    assert written == [[(name, f"{100 * share:.0f}") for name, share in each.items()] for each in expected]

    (picture,) = (output.data["image/png"] for output in outputs if "image/png" in output.get("data", {}))
    pixels = imread(io.BytesIO(base64.b64decode(picture)))[..., :3]
    assert tuple(colours()) == EMOTIONS
    for colour in colours().values():
        # A bar of 4 points for each final result, of which first impressions are pale; the legend has not two hundred.
        assert np.isclose(pixels, to_rgb(colour), atol=0.01).all(axis=-1).sum() > 500


def test_it_is_stored_without_outputs_and_the_limits_stand_beside_the_plot() -> None:
    notebook = stored()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert "often wrong, and not what anyone feels" in "".join(cell.source for cell in code if "LIMITS" in cell.source)
    assert "never says what a person feels" in notebook.cells[0].source
