"""A disk without room."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.programs import skip_or_fail


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a small file system of its own, which is full; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        skip_or_fail(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
    try:
        with (folder / "fill").open("wb", buffering=0) as fill:
            while True:
                fill.write(bytes(4096))
    except OSError:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
