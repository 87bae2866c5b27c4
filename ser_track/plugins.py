"""Objects by name: our own, and those that installed packages add through entry points."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from ser_track.errors import ConfigError

T = TypeVar("T")


class Plugins(Mapping[str, T], Generic[T]):
    """Our own objects of one kind and those of installed packages, by name.

    A package is imported only when its object is requested; listing names imports nothing. Our own names take
    precedence: an entry point with the same name is ignored.
    """

    def __init__(
        self, group: str, kind: type[T], own: Mapping[str, T], found: Iterable[EntryPoint] | None = None
    ) -> None:
        """``group``: the entry point group, with objects of ``kind``; ``found`` replaces the installed entry points."""
        self._group = group
        self._kind = kind
        self._own = own
        self._given = found

    def __getitem__(self, name: str) -> T:
        """The object of this name.

        Raises:
            KeyError: no such name.
            ConfigError: two packages use the name, or the package cannot be imported or holds something else.
        """
        if name in self._own:
            return self._own[name]
        first, *others = self._installed[name]
        if others:
            packages = " and ".join(sorted({_package(each) for each in (first, *others)}))
            raise ConfigError(self._group, [f"{packages} both provide '{name}'; uninstall one of them"])
        return self._loaded(first)

    def __iter__(self) -> Iterator[str]:
        """Our own names in order, then those of packages in alphabetical order."""
        yield from self._own
        yield from sorted(self._installed)

    def __len__(self) -> int:
        return len(self._own) + len(self._installed)

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._installed

    def package_of(self, name: str) -> str | None:
        """Return the installed package that provides ``name``; ``None`` for our own."""
        return None if name in self._own else _package(self._installed[name][0])

    def summary_of(self, name: str) -> str:
        """Return the one-line summary of the package that provides ``name``, without importing it."""
        dist = self._installed[name][0].dist
        return "" if dist is None else dist.metadata["Summary"] or ""

    @cached_property
    def _installed(self) -> dict[str, list[EntryPoint]]:
        by_name: dict[str, list[EntryPoint]] = {}
        for each in entry_points(group=self._group) if self._given is None else self._given:
            if each.name not in self._own:
                by_name.setdefault(each.name, []).append(each)
        return by_name

    def _loaded(self, entry_point: EntryPoint) -> T:
        try:
            loaded = entry_point.load()
        except Exception as error:  # the package's own code may raise anything
            reason = f"'{entry_point.name}' of the package {_package(entry_point)} cannot be imported ({error!r})"
            raise ConfigError(self._group, [f"{reason}; update or uninstall the package"]) from error
        if not isinstance(loaded, self._kind):
            wanted = f"a {self._kind.__name__}, not {type(loaded).__name__}"
            reason = f"'{entry_point.name}' of the package {_package(entry_point)} must be {wanted}"
            raise ConfigError(self._group, [f"{reason}; update or uninstall the package"])
        return loaded


def _package(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else entry_point.value
