"""The shape of the package: how far imports go, that none go in circles, and that no module is a splinter."""

from functools import cache
from pathlib import Path
from typing import Final

import grimp  # comes with import-linter
import pytest

from tests.paths import ROOT

MAX_CHAIN: Final = 20
MIN_LINES: Final = 15
FACES: Final = ("__init__.py", "__main__.py")
"""What a package shows of itself may be as short as it likes."""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("ser_track", cache_dir=None)


def longest_chain(graph: grimp.ImportGraph) -> tuple[str, ...]:
    """The longest path of imports, from the module that imports to the one that is imported last."""
    under_way: list[str] = []

    @cache
    def from_(module: str) -> tuple[str, ...]:
        assert module not in under_way, f"imports in a circle: {[*under_way, module]}"
        under_way.append(module)
        chains = [from_(imported) for imported in sorted(graph.find_modules_directly_imported_by(module))]
        under_way.pop()
        return (module, *max(chains, key=len, default=()))

    return max((from_(module) for module in sorted(graph.modules)), key=len)


def test_no_imports_go_in_circles_and_none_go_far(imports: grimp.ImportGraph) -> None:
    chain = longest_chain(imports)
    assert len(chain) <= MAX_CHAIN, "\n".join(chain)


def test_no_module_is_a_splinter() -> None:
    files = [path for path in (ROOT / "ser_track").rglob("*.py") if path.name not in FACES]
    short = {_name(path) for path in files if len(path.read_text(encoding="utf-8").splitlines()) < MIN_LINES}
    assert not short, "merge it with what it belongs to"


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
