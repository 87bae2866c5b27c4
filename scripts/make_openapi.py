"""Write docs/openapi.json and docs/asyncapi.json: the documents of a server with the kinds of meetings of this package.

uv run python scripts/make_openapi.py
"""

from pathlib import Path

from ser_track.meetings.registry import shipped
from ser_track.web.api_documents import asyncapi, encoded, openapi

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Write both documents."""
    kinds = tuple(shipped().values())
    for name, document in (("openapi.json", openapi(kinds)), ("asyncapi.json", asyncapi(kinds))):
        (DOCS / name).write_text(encoded(document), encoding="utf-8")


if __name__ == "__main__":
    main()
