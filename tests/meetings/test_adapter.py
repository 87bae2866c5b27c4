"""What a kind of meeting may say of itself; anything else is refused while its package is loaded, with the reason."""

from dataclasses import dataclass, make_dataclass
from typing import Any

import pytest

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.meeting import Capabilities

CAPABILITIES = Capabilities(results="messages", refusal="link")


def adapter(target: type[Any], kind: str = "hall", schemes: dict[str, str] | None = None) -> Adapter:
    return Adapter(kind, "a hall", target, lambda *_: None, CAPABILITIES, schemes or {})  # type: ignore[arg-type]


def target(**types: Any) -> type[Any]:
    return make_dataclass("Hall", types.items(), namespace={"where": property(lambda self: "hall")})


@dataclass(frozen=True)
class Quoted:
    """As with ``from __future__ import annotations``."""

    url: "str"
    quiet: "bool" = False
    key: "str | None" = None
    where: "str" = "hall"


def test_types_are_known_also_where_annotations_are_strings() -> None:
    made = adapter(Quoted, schemes={"hall": "tcp"})
    assert (made.types["quiet"], made.types["key"], made.required) == (bool, str | None, ["url"])


@pytest.mark.parametrize(
    ("kind", "types", "schemes", "reason"),
    [
        ("Hall", {}, {}, "kind must be lower-case letters"),
        ("hall", {"url": str}, {"Hall": "tcp"}, "schemes must be lower case, as in URLs, not Hall"),
        ("hall", {"room": int}, {}, "'room' of Hall must be str, bool or str | None, not <class 'int'>"),
        ("hall", {"consent": str}, {}, "'consent' of Hall needs another name"),
        ("hall", {"room": str}, {"hall": "tcp"}, "Hall needs a field 'url'"),
    ],
)
def test_what_cannot_be_used_is_refused(kind: str, types: dict[str, Any], schemes: dict[str, str], reason: str) -> None:
    with pytest.raises(TypeError) as refused:
        adapter(target(**types), kind, schemes)
    assert reason in str(refused.value)


def test_a_target_must_say_where() -> None:
    with pytest.raises(TypeError, match="must be a dataclass with a property 'where'"):
        adapter(make_dataclass("Hall", []))
