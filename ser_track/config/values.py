"""Checks single values of a configuration, such as files and folders, and names their types."""

from pathlib import Path
from typing import Any


def existing_file(value: str) -> str:
    """``value``, the path of a file, relative to the working directory. Raises ValueError if it does not exist."""
    try:
        exists = Path(value).is_file()
    except PermissionError:
        exists = True  # A private key is often readable only by the server's user; opening it will report the reason.
    except OSError:
        exists = False
    if not exists:
        raise ValueError(f"must be a file, but {value} does not exist; correct the path, or leave the key out")
    return value


def existing_folder(value: str) -> str:
    """``value``, the path of a folder, relative to the working directory. Raises ValueError if it does not exist."""
    if not Path(value).is_dir():
        raise ValueError(f"must be a folder, but {value} is not a folder; create it, or leave the key out")
    return value


def name_of(value: Any) -> str:
    """Return the JSON type of ``value`` in words. Unlike its repr, this reveals no secret."""
    names = {list: "a list", dict: "an object", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
