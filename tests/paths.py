"""Where the tests' files are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "tests" / "data"
SPOKEN: Final = DATA / "spoken.wav"
PACKETS: Final = DATA / "packets"
SHARED: Final = ROOT.parent / "shared"
"""Corpora, cases and samples beside the checkout; tests that need them skip where it is absent."""
