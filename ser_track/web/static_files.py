"""The pages' files: inside the installed package, or next to it in a checkout."""

from pathlib import Path
from typing import Final

from aiohttp import web

_PACKAGE: Final = Path(__file__).resolve().parents[1]
STATIC: Final = next(folder for folder in (_PACKAGE / "static", _PACKAGE.parent / "static") if folder.is_dir())


async def room_page(request: web.Request) -> web.FileResponse:
    """The page of rooms; its query names the room."""
    return web.FileResponse(STATIC / "room" / "index.html")


def notice_page(status: int = 200) -> web.FileResponse:
    """The page behind the link of a notice; ``status`` is 404 if the meeting does not exist."""
    return web.FileResponse(STATIC / "notice" / "index.html", status=status)
