"""``/openapi.json``, ``/asyncapi.json`` and ``/protocol.schema.json``: the documents of this server, for everyone."""

from aiohttp import web
from aiohttp.typedefs import Handler

from ser_track.meetings.registry import adapters
from ser_track.web.api_documents import asyncapi, encoded, openapi, protocol_schema


def document_routes() -> list[web.RouteDef]:
    """Their routes. The documents are made here, not on the event loop, because this reads files."""
    kinds = tuple(adapters().values())
    documents = {
        "/openapi.json": openapi(kinds),
        "/asyncapi.json": asyncapi(kinds),
        "/protocol.schema.json": protocol_schema(),
    }
    return [web.get(path, _giving(encoded(document))) for path, document in documents.items()]


def _giving(text: str) -> Handler:
    async def give(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    return give
