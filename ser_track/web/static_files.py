"""The pages' files: inside the installed package, or beside it in a checkout."""

from pathlib import Path
from typing import Final

_PACKAGE = Path(__file__).resolve().parents[1]
STATIC: Final = next(folder for folder in (_PACKAGE / "static", _PACKAGE.parent / "static") if folder.is_dir())
