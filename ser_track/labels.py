"""The emotions that results are given in."""

from typing import Final

EMOTIONS: Final = ("anger", "happiness", "sadness", "neutral")
SIX_EMOTIONS: Final = (*EMOTIONS, "disgust", "fear")
UNSURE: Final = "unsure"
"""Label of a result whose likeliest emotion is less likely than ``pipeline.min_confidence``."""
