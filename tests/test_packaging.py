"""What people install: the wheel, alone in a fresh environment, without torch."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    # These tests run inside an environment; what they install must go into another.
    outside = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=outside, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def uv() -> str:
    found = shutil.which("uv")
    if found is None:
        pytest.skip("uv is not on the PATH: the wheel cannot be built (pip install uv)")
    return found


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(uv, "build", "--wheel", "--out-dir", folder, "--quiet")
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_model_card_and_page(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(re.fullmatch(r"ser_track/models/weights/.+\.onnx", name) for name in names)
    assert {"ser_track/models/CARD.md", "ser_track/static/room/index.html", "ser_track/py.typed"} <= set(names)
    assert not any(name.startswith(("tests/", "training/", "bench/")) for name in names)


def test_the_readmes_command_installs_the_wheel_without_torch(uv: str, wheel: Path, tmp_path: Path) -> None:
    """Runs the very lines of the README, in a folder with nothing but the wheel."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- install-wheel -->\s*```sh\n(.+?)```", readme, re.DOTALL)
    assert block is not None, "the README lost its install command"
    shutil.copy(wheel, tmp_path)
    environment = tmp_path / ".venv"
    run(uv, "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    run("bash", "-euc", block[1], cwd=tmp_path)
    python = environment / "bin" / "python"
    installed = {package["name"] for package in json.loads(run(uv, "pip", "list", "--python", python, "--format=json"))}
    assert "ser-track" in installed
    assert not {"torch", "torchaudio"} & installed
    megabytes = sum(file.stat().st_size for file in environment.rglob("*") if not file.is_symlink()) / 1e6
    assert megabytes <= 400
    program = (
        "import numpy as np; from ser_track import SERPipeline;"
        "p = SERPipeline(); p.consume(np.zeros(16000, np.float32)); print(p.flush())"
    )
    assert run(python, "-c", program, cwd=tmp_path).strip() == "None"


def test_the_checkout_resolves_without_torch_and_cuda(uv: str, tmp_path: Path) -> None:
    """The override in pyproject.toml is all that keeps gigabytes out; there is no lock file to rely on."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    listed = run(uv, "export", "--quiet", "--no-emit-project", "--no-hashes", cwd=tmp_path)
    assert re.search(r"^silero-vad==", listed, re.MULTILINE)
    assert re.search(r"^pytest==", listed, re.MULTILINE)
    assert not re.search(r"^(torch|torchaudio|nvidia|triton)", listed, re.MULTILINE)
