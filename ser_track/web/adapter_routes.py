"""The paths that kinds of meetings bring: which there are, and which the guard looks after."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.registry import adapters


def modules_with_routes() -> Iterator[tuple[Adapter, ModuleType]]:
    """Each kind that has paths of its own, and its module with them."""
    for adapter in adapters().values():
        if adapter.routes is not None:
            yield adapter, import_module(adapter.routes)


def guarded_paths() -> frozenset[str]:
    """The paths that need what `/meetings` needs: all, but those of modules with ``GUARDED = False``."""
    modules = (module for _, module in modules_with_routes() if getattr(module, "GUARDED", True))
    return frozenset(route.path for module in modules for route in module.ROUTES)
