"""Private parts of aiortc are known to one package only, so that a new release can break nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import ser_track

ROOT = Path(ser_track.__file__).parent
INTERNALS = ROOT / "aiortc_internals"
PUBLIC = {"aiortc", "aiortc.mediastreams"}
"""aiortc's own documentation imports `MediaStreamError` from the second."""
OWN = {"self", "cls", "super()"}
NAMED_TUPLES = {"_replace", "_make", "_asdict"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the package outside `aiortc_internals`."""
    for path in ROOT.rglob("*.py"):
        if INTERNALS not in path.parents:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """All modules that ``tree`` imports, or imports from."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
    return found


def private_attributes(tree: ast.Module) -> Iterator[str]:
    """Accesses to private attributes of other objects than the own one, with a dot or by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match("_(?!_)", node.attr) and node.attr not in NAMED_TUPLES:
            if ast.unparse(node.value) not in OWN:
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("_RTC"):
            yield node.value


def of_aiortc(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "aiortc"}


def test_only_its_public_modules_are_imported_elsewhere() -> None:
    found = {str(path): of_aiortc(imported(tree)) - PUBLIC for path, tree in modules()}
    assert {path: names for path, names in found.items() if names} == {}


def test_who_imports_it_touches_no_private_attribute() -> None:
    importing = [(path, tree) for path, tree in modules() if of_aiortc(imported(tree))]
    assert len(importing) >= 3, "else this looks at nothing"
    assert {str(path): found for path, tree in importing if (found := list(private_attributes(tree)))} == {}


def test_the_check_would_find_one() -> None:
    tree = ast.parse("import aiortc.rtp\nreceiver._codecs\nself._own\ngetattr(it, '_RTCRtpReceiver__codecs')")
    assert of_aiortc(imported(tree)) - PUBLIC == {"aiortc.rtp"}
    assert sorted(private_attributes(tree)) == ["_RTCRtpReceiver__codecs", "receiver._codecs"]
