"""The published documents of the interface, ready to check with."""

import json
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.paths import ROOT

DOCS = ROOT / "docs"
OPENAPI, ASYNCAPI = "openapi.json", "asyncapi.json"


def document(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DOCS / name).read_text(encoding="utf-8"))
    return content


REGISTRY: Registry[Any] = Registry().with_resources(
    (name, DRAFT202012.create_resource(document(name))) for name in (OPENAPI, ASYNCAPI, "protocol.schema.json")
)


def validator(reference: str) -> Draft202012Validator:
    """For the schema at ``reference``, such as ``openapi.json#/components/schemas/Meeting``."""
    return Draft202012Validator({"$ref": reference}, registry=REGISTRY)
