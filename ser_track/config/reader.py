"""Reads a configuration: strict JSON, with checks of single values. `schema.py` has the keys."""

import json
import logging
import types
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from ser_track.config.values import name_of
from ser_track.errors import ConfigError

log = logging.getLogger(__name__)
_REMOVED: Final = {
    "runtime.provisional_per_tick": "the classifier has a thread of its own, and makes as many results as it can",
}
"""Keys that earlier versions had, and why they have no effect: files with them are still accepted."""


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in ``path``; a key that is given twice is refused.

    Raises:
        ConfigError: the file is missing, or is not JSON with one object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_duplicates)
    except FileNotFoundError as error:
        raise ConfigError(str(path), ["the file does not exist; correct the path or leave it out"]) from error
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), [f"not readable as JSON ({error})"]) from error
    if not isinstance(document, dict):
        raise ConfigError(str(path), [f"must hold one JSON object, not {name_of(document)}"])
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"given more than once: {', '.join(repeated)}")
    return dict(pairs)


def accept(kind: type, given: Mapping[str, Any], section: str, problems: list[str]) -> dict[str, Any]:
    """Return the fields of dataclass ``kind``, given or default; refused values are reported in ``problems``."""
    known: dict[str, Field[Any]] = {f.name: f for f in fields(kind)}
    hints = get_type_hints(kind)
    values = {name: f.default for name, f in known.items() if name not in given}
    for name, value in given.items():
        if name not in known and (why := _REMOVED.get(f"{section}.{name}")) is not None:
            log.warning("%s.%s has no effect any more: %s; remove it from the configuration", section, name, why)
            continue
        if name not in known:
            problems.append(f"unknown key '{section}.{name}' (known: {', '.join(known)})")
            continue
        try:
            values[name] = _checked(value, hints[name], known[name].metadata)
        except ValueError as error:
            problems.append(f"{section}.{name} {error}")
    return values


def _checked(value: Any, hint: Any, rules: Mapping[str, Any]) -> Any:
    """Return the value as type ``hint``; raises ValueError with the end of a sentence that begins with the key."""
    origin, choices = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(map(str, choices))}, not {value!r}")
        return value
    if origin is tuple:
        return _checked_list(value, rules)
    if origin in (Union, types.UnionType):
        return None if value is None else _checked(value, choices[0], rules)
    return _checked_scalar(value, hint, rules)


def _checked_list(value: Any, rules: Mapping[str, Any]) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be a list, not {name_of(value)}")
    taken, problems = [], []
    for number, item in enumerate(value, 1):
        try:
            taken.append(rules["check"](item))
        except ValueError as error:
            problems.append(f"{error} (entry {number})")
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(taken)


def _checked_scalar(value: Any, hint: Any, rules: Mapping[str, Any]) -> Any:
    if hint is bool:
        if not isinstance(value, bool):
            raise ValueError(f"must be true or false, not {value!r}")
        return value
    accepted = (int, float) if hint is float else (hint,)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise ValueError(f"must be {'a number' if hint is float else hint.__name__}, not {value!r}")
    if value == "":
        raise ValueError("must not be empty")
    if "low" in rules and not rules["low"] <= value <= rules["high"]:
        raise ValueError(f"must be from {rules['low']} to {rules['high']}, not {value!r}")
    return rules["check"](value) if "check" in rules else hint(value)
