"""The paths that kinds of meetings add, and which of them the guard protects."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.registry import adapters


def modules_with_routes() -> Iterator[tuple[Adapter, ModuleType]]:
    """Each kind with its own paths, and the module that defines them."""
    for adapter in adapters().values():
        if adapter.routes is not None:
            yield adapter, import_module(adapter.routes)


def guarded_paths() -> frozenset[str]:
    """The paths with the same access rules as `/meetings`: all except those of modules with ``GUARDED = False``."""
    modules = (module for _, module in modules_with_routes() if getattr(module, "GUARDED", True))
    return frozenset(route.path for module in modules for route in module.ROUTES)
