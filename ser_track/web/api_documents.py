"""The published API documents: a base for this server, and the additions of each kind of meeting."""

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import MISSING, Field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ser_track.meetings.adapter import Adapter

_HERE: Final = Path(__file__).resolve().parent
_SCHEMA: Final = "protocol.schema.json"
_CONSENT: Final = {
    "anyOf": [{"$ref": "#/components/schemas/Consent"}, {"type": "null"}],
    "description": "As in `Meeting`; the default is `meetings.consent`.",
}


def openapi(kinds: Iterable[Adapter]) -> dict[str, Any]:
    """The OpenAPI document of a server with these kinds of meetings."""
    kinds = tuple(kinds)
    document = _read(_HERE / "openapi_base.json")
    schemas = document["components"]["schemas"]
    schemas["Meeting"]["properties"]["server"]["enum"] = sorted(adapter.kind for adapter in kinds)
    joins = {adapter.kind: adapter for adapter in kinds if adapter.requested}
    names = {kind: _schema_name(kind) for kind in joins}
    references = {kind: f"#/components/schemas/{name}" for kind, name in names.items()}
    schemas["Join"] = {
        "description": "Which meeting; `server` names its kind.",
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "server", "mapping": references},
    }
    schemas |= {names[kind]: _join(adapter) for kind, adapter in joins.items()}
    return _with_additions(document, kinds, "OPENAPI")


def asyncapi(kinds: Iterable[Adapter]) -> dict[str, Any]:
    """The AsyncAPI document of a server with these kinds of meetings."""
    return _with_additions(_read(_HERE / "asyncapi_base.json"), kinds, "ASYNCAPI")


def protocol_schema() -> dict[str, Any]:
    """The JSON Schema of events, to which both documents refer."""
    beside = _HERE.parents[1] / "docs" / _SCHEMA  # in a checkout
    return _read(packaged if (packaged := _HERE / _SCHEMA).exists() else beside)


def encoded(document: Mapping[str, Any]) -> str:
    """A document as published."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _join(adapter: Adapter) -> dict[str, Any]:
    """The JSON Schema of a ``POST /meetings`` body for this kind."""
    properties = {
        "server": {"const": adapter.kind, "description": f"The kind of meeting: {adapter.summary}."},
        **{name: _property(each, adapter.types[name]) for name, each in adapter.fields.items()},
        "consent": _CONSENT,
    }
    required = ["server", *adapter.required]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _property(each: "Field[Any]", kind: type) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if kind is bool:
        schema["type"] = "boolean"
    else:
        types = ["string"]
        if each.repr and "check" not in each.metadata:
            types.append("integer")  # for example, the number of a room
        if each.default is None:
            types.append("null")
        schema |= {"type": types if len(types) > 1 else types[0], "minLength": 1}
    if each.default is not MISSING and each.default is not None:
        schema["default"] = each.default
    if not each.repr:
        schema["writeOnly"] = True
    if (description := each.metadata.get("description")) is not None:
        schema["description"] = description
    return schema | dict(each.metadata.get("schema", {}))


def _with_additions(document: dict[str, Any], kinds: Iterable[Adapter], name: str) -> dict[str, Any]:
    for adapter in kinds:
        if adapter.routes is not None:
            _merge(document, getattr(import_module(adapter.routes), name, {}))
    return document


def _merge(document: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        there = document.get(key)
        if isinstance(there, dict) and isinstance(value, Mapping):
            _merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there.extend(deepcopy(value))
        else:
            document[key] = deepcopy(value)


def _schema_name(kind: str) -> str:
    return "Join" + "".join(part.capitalize() for part in re.split(r"[^a-z0-9]+", kind))


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
