"""What packages add: names cost nothing, our own names stay ours, and each failure names the package."""

from importlib.metadata import EntryPoint

import pytest

from ser_track.errors import ConfigError
from ser_track.plugins import Plugins

OWN = {"one": 1, "two": 2}
NUMBER = 3


def plugins(*points: tuple[str, str]) -> Plugins[int]:
    return Plugins("some.numbers", int, OWN, [EntryPoint(name, value, "some.numbers") for name, value in points])


def test_names_are_known_without_an_import() -> None:
    numbers = plugins(("zero", "no.such.module:X"), ("three", f"{__name__}:NUMBER"))
    assert list(numbers) == ["one", "two", "three", "zero"]
    assert len(numbers) == 4
    assert "zero" in numbers
    assert numbers.package_of("one") is None
    assert numbers.package_of("three") == f"{__name__}:NUMBER"
    assert numbers["three"] == NUMBER


def test_our_own_names_stay_ours() -> None:
    numbers = plugins(("one", f"{__name__}:NUMBER"))
    assert numbers["one"] == 1
    assert list(numbers) == ["one", "two"]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([("bad", "no.such.module:X")], "'bad' of the package no.such.module:X cannot be imported"),
        ([("bad", f"{__name__}:OWN")], "must be a int, not dict; update or uninstall the package"),
        ([("bad", "a:X"), ("bad", "b:X")], "a:X and b:X both provide 'bad'; uninstall one of them"),
    ],
)
def test_what_cannot_be_used_names_the_package(points: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(ConfigError, match=r"some\.numbers") as failure:
        plugins(*points)["bad"]
    assert reason in failure.value.problems[0]


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        plugins()["gone"]
