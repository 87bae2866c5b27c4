"""The limits of the model, as the text beside the results."""

from typing import Final

from ser_track.labels import LabelSet
from ser_track.output.documents.html.text import escaped

_COUNTS: Final = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
FIGURES: Final = {"small": (80, 62), "base": (80, 63)}
"""Unweighted average recall in %, each clip alone, of `models/CARD.md`: CREMA-D's unseen speakers, and RAVDESS."""

_BEFORE: Final = (
    "A guess about a sound.",
    "Each result says which acted way of speaking a voice resembles. It does not say what a person feels, means or "
    "intends, and does not use the words.",
)
_AFTER: Final = (
    (
        "Do not compare people.",
        "Microphones, rooms, languages, age and illness change the results more than emotions do. Compare a person "
        "only with themselves, never with others; better still, ask them.",
    ),
    (
        "No decisions.",
        "Do not use it for hiring, grading, medicine or policing. In the European Union, inferring emotions of people "
        "at work or in education is prohibited except for medical or safety reasons (AI Act, Article 5(1)(f)).",
    ),
)


def limits(model: str | None, labels: LabelSet, min_confidence: float) -> list[tuple[str, str]]:
    """Headings and sentences about the results of ``model`` (``name@version``; ``None`` if there are no results)."""
    count = _COUNTS.get(len(labels.shown), str(len(labels.shown)))
    together = f"The {count} probabilities add up to 100 % even if none of the {count} fits. "
    unsure = escaped(labels.unsure.title.capitalize())
    certainty = together if len(labels.shown) == len(labels) else ""
    certainty += f"“{unsure}” means that none reaches {100 * min_confidence:.0f} %."
    if "neutral" in labels.shown:
        certainty += f" “{escaped(labels['neutral'].title.capitalize())}” says nothing about a person's mood."
    often = _how_often((model or "").partition("@")[0])
    return [_BEFORE, ("Often wrong.", often), (_heading(labels), certainty), *_AFTER]


def _heading(labels: LabelSet) -> str:
    return "Always 100 %." if len(labels.shown) == len(labels) else "Never certain."


def _how_often(name: str) -> str:
    listeners = "People who hear only the voice agree with the actor in about 56 % of CREMA-D's clips."
    if name not in FIGURES:
        return f"Ask the makers of this model how accurate it is. {listeners}"
    same, other = FIGURES[name]
    return (
        f"On acted clips, the mean recall of the four emotions is {same} % for new speakers of CREMA-D, which the "
        f"model was trained on, and {other} % for RAVDESS, which it was not trained on (chance: 25 %). "
        f"Real conversations are harder. {listeners}"
    )
