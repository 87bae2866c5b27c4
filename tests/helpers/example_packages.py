"""The packages in examples/plugins/, built and installed as their users would, into a folder of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.paths import ROOT

PACKAGES: Final = ROOT / "examples" / "plugins"


def install(name: str, folder: Path) -> dict[str, str]:
    """Build the wheel of the package ``name`` and install it below ``folder``; returns the environment that sees it."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the PATH: the wheel cannot be built (pip install uv)")
    wheels, target = folder / "wheels", folder / "installed"
    # hatchling is in uv's cache: this project is built with it.
    _run(uv, "build", "--offline", "--wheel", "--quiet", "--out-dir", str(wheels), str(PACKAGES / name))
    (wheel,) = wheels.glob("*.whl")
    _run(
        uv,
        "pip",
        "install",
        "--offline",
        "--quiet",
        "--python",
        sys.executable,
        "--no-deps",
        "--target",
        str(target),
        str(wheel),
    )
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(target), str(ROOT)))}


def ser_track(environment: dict[str, str], *arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """The command, with the packages of ``environment``."""
    command = [sys.executable, "-m", "ser_track", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


def _run(*command: str) -> None:
    # These tests run inside an environment; what they install must go into another.
    outside = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, env=outside, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
