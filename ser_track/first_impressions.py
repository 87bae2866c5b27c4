"""First impressions: results that a model made before it knew the voice. People are shown them with reserve.

A model that adapts to voices (`voice_profile`) is wrong more often, and too sure, until it has heard some segments of a
voice. Programs find in ``Emotion.voice_known`` how well it knew the voice; every view for people decides here.
"""

from typing import Final

VOICE_KNOWN_FROM: Final = 0.5
"""Results with a lower ``voice_known`` are first impressions: with our models, the first four of a voice, or more."""
LEARNING: Final = "learning_voice"
"""Name of how first impressions are shown, as label sets and pages use it; no event has it as its label."""
LEARNING_TITLE: Final = "learning this voice"


def is_first_impression(voice_known: float | None) -> bool:
    """Whether a result was made before the voice was known well enough to show an emotion without reserve.

    voice_known: of the result; a result of a model that does not adapt to voices (``None``) is not a first impression.
    """
    return voice_known is not None and voice_known < VOICE_KNOWN_FROM
