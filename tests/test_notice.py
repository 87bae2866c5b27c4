"""NOTICE, held against what is installed: every package that ser_track needs, and all that their wheels bundle."""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.paths import ROOT

NOTICE: Final = (ROOT / "NOTICE").read_text(encoding="utf-8")
_BEGIN: Final = "In the wheels that are installed beside it"
_END: Final = "The extras bring more"
_LIBRARY: Final = re.compile(
    r"[^/]+(\.libs|/\.dylibs)/(?P<stem>[^/]+?)(-[0-9a-f]{8})*(\.so[0-9.]*|[0-9.]*\.dylib|\.dll)"
)
_COMPILED: Final = re.compile(r".*\.(so|pyd)")
_LISTED_SYSTEM: Final = sys.platform == "linux"


def installed() -> dict[str, Distribution]:
    """Every package that comes with ser_track, without extras, by its normal name."""
    found: dict[str, Distribution] = {}
    waiting = ["ser-track"]
    while waiting:
        name = normal(waiting.pop())
        if name not in found:
            found[name] = distribution(name)
            needs = map(Requirement, found[name].requires or ())
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    del found["ser-track"]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def entries() -> dict[str, str]:
    """What NOTICE says of each package."""
    section = NOTICE[NOTICE.index(_BEGIN) : NOTICE.index(_END)]
    parts = re.split(r"\n  (?=\S)", section)[1:]
    return {normal(part.partition(":")[0].partition(" (")[0]): part for part in parts}


def libraries(package: Distribution) -> set[str]:
    """The names of the shared libraries of others in its wheel, without their versions."""
    found = (_LIBRARY.fullmatch(str(file)) for file in package.files or ())
    return {match["stem"] for match in found if match}


def components(package: Distribution) -> Iterator[tuple[str, str]]:
    """The components that the wheel's own bills of materials name, each with its licence if they say it."""
    for file in package.files or ():
        if "/sboms/" in str(file):
            for each in json.loads(file.read_text()).get("components", ()):
                choices = each.get("licenses", ())
                given = [choice.get("expression") or choice["license"].get("id", "") for choice in choices]
                yield each["name"], " AND ".join(given)


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_package_that_comes_with_it_is_listed(name: str) -> None:
    assert name in entries(), f"add {name} to NOTICE, with its licence and what its wheel bundles"


def test_nothing_is_listed_that_no_longer_comes_with_it() -> None:
    assert entries().keys() <= installed().keys()


@pytest.mark.skipif(not _LISTED_SYSTEM, reason="NOTICE lists what wheels for Linux bundle")
@pytest.mark.parametrize("name", sorted(installed()))
def test_every_library_in_its_wheel_is_listed(name: str) -> None:
    words = set(re.findall(r"[\w.+-]*\w", entries()[name]))
    assert libraries(installed()[name]) <= words, "add them to NOTICE, each with its licence"


@pytest.mark.skipif(not _LISTED_SYSTEM, reason="NOTICE lists what wheels for Linux bundle")
@pytest.mark.parametrize("name", sorted(installed()))
def test_what_is_linked_into_its_machine_code_is_listed(name: str) -> None:
    package = installed()[name]
    compiled = any(_COMPILED.fullmatch(str(file)) for file in package.files or ())
    assert not compiled or "Bundles" in entries()[name], "look at what it is linked with, and add that to NOTICE"


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_component_that_a_wheel_names_itself_is_listed_or_under_a_listed_licence(name: str) -> None:
    entry, unlisted = entries()[name], []
    for component, licence in components(installed()[name]):
        families = re.split(r" (?:AND|OR|WITH) |[()]", licence)
        if component.lower() not in entry.lower() and not any(family and family in entry for family in families):
            unlisted.append((component, licence))
    assert not unlisted, "add them to NOTICE, each with its licence"


def test_the_notices_that_ours_points_to_are_in_the_wheels() -> None:
    files = {str(file) for file in installed()["onnxruntime"].files or ()}
    assert "onnxruntime/ThirdPartyNotices.txt" in files
