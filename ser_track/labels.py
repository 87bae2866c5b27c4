"""The labels of results, as data: their names, how they are shown, and what they mean to other programs.

A model provides its `LabelSet`; `FOUR`, the emotions of the shipped models, is the default. Colours and symbols are
defined only in `symbols`: the pages, the report, the plot and the notebook get them with the labels.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Self

from ser_track.errors import ModelError
from ser_track.first_impressions import LEARNING, LEARNING_TITLE, VOICE_KNOWN_FROM, is_first_impression
from ser_track.symbols import STATE_COLOURS, STATE_SYMBOLS, Colour, Symbol, colours_of, symbols_of

UNSURE: Final = "unsure"
"""Label of a result whose likeliest emotion is less likely than ``pipeline.min_confidence``."""
COMPATIBLE: Final = ("anger", "happiness", "sadness", "neutral")
"""The keys that `SERPipeline.consume` returns for every model whose labels can be mapped to them."""
MAX_LABELS: Final = 32
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
# Names of other table columns, and the placeholder for a missing label.
RESERVED: Final = frozenset(
    {
        *("type", "version", "participant", "stream", "name", "analysed", "recording", "segment", "start_s", "end_s"),
        *("final", "label", "confidence", "model", "six", "all", "reason", "classified", "silent_s", "code", "message"),
        *("voice_known", "note", "none", UNSURE, LEARNING),
    }
)


@dataclass(frozen=True, slots=True)
class Label:
    """One label, and how it is shown.

    >>> label = SERPipeline().labels["anger"]
    >>> label.name, label.title, label.symbol.marker
    ('anger', 'anger', '^')
    """

    name: str
    """The name in events, tables and configurations: letters, digits, ``_`` and ``-``."""
    title: str
    """The title that people read."""
    colour: Colour
    symbol: Symbol

    def to_json(self) -> dict[str, Any]:
        """Return what a page needs to show the label."""
        colours = {"light": self.colour.light, "dark": self.colour.dark}
        return {"name": self.name, "title": self.title, "colours": colours, "path": self.symbol.path}


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels of a model, in the order of its output; `of` makes one from names alone.

    >>> labels = LabelSet.of(["calm", "angry"], titles={"calm": "Calm"}, colours={"angry": "#aa0000"})
    >>> labels.names, labels["calm"].title, labels["angry"].colour.light
    (('calm', 'angry'), 'Calm', '#aa0000')
    """

    labels: tuple[Label, ...]
    unsure: Label
    """How an "unsure" result is shown."""
    learning: Label
    """How first impressions are shown, whatever their label (`first_impressions`)."""
    shown: tuple[str, ...]
    """Names whose probabilities events carry, in this order. If some are left out, ``all`` has all of them."""
    compatible: Mapping[str, str] = field(hash=False)
    """The key of `COMPATIBLE` that a name stands for; names without a key are left out."""

    @classmethod
    def of(
        cls,
        names: Iterable[str],
        *,
        titles: Mapping[str, str] | None = None,
        colours: Mapping[str, str | Sequence[str]] | None = None,
        symbols: Mapping[str, str] | None = None,
        shown: Iterable[str] | None = None,
        compatible: Mapping[str, str] | None = None,
    ) -> Self:
        """Make the set of ``names``; each label without a title, colour or symbol gets its own.

        Args:
            names: 2 to 32, in the order of the model's output, each once.
            titles: for people; the name by default. ``unsure`` and ``learning_voice`` may be given too, here and in
                the next two.
            colours: ``#rrggbb``, or one for light and one for dark backgrounds.
            symbols: names of `SYMBOLS`.
            shown: the names whose probabilities events carry; all by default.
            compatible: the key of `COMPATIBLE` that each name stands for; by default, the key of the same name.

        Raises:
            ModelError: a value cannot be used; the message says which one, why, and what is allowed.
        """
        names = tuple(names)
        _check_names(names)
        known = (*names, UNSURE, LEARNING)
        for what, given in (("titles", titles), ("colours", colours), ("symbols", symbols)):
            _check_known(what, given or (), known)
        _check_known("shown", shown := names if shown is None else tuple(shown), names)
        if not shown or len(set(shown)) < len(shown):
            raise ModelError("label set: 'shown' must name at least one label, and each only once; correct it")
        compatible = {name: name for name in names if name in COMPATIBLE} if compatible is None else dict(compatible)
        _check_known("compatible", compatible, names)
        _check_known("compatible", compatible.values(), COMPATIBLE)
        try:
            colour_of = colours_of(known, {**STATE_COLOURS, **(colours or {})})
            symbol_of = symbols_of(known, {**STATE_SYMBOLS, **(symbols or {})})
        except ValueError as error:
            raise ModelError(f"label set: {error}") from error
        titles = {LEARNING: LEARNING_TITLE, **(titles or {})}
        *labels, unsure, learning = (
            Label(name, _title(titles, name), colour_of[name], symbol_of[name]) for name in known
        )
        return cls(tuple(labels), unsure, learning, shown, compatible)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all labels, in the order of the model's output."""
        return tuple(label.name for label in self.labels)

    @property
    def shown_labels(self) -> tuple[Label, ...]:
        """The labels in `shown`."""
        return tuple(self[name] for name in self.shown)

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.labels)

    def __getitem__(self, name: str) -> Label:
        """The label of that name, `UNSURE` and `LEARNING` included. Raises KeyError if there is none."""
        for label in (*self.labels, self.unsure, self.learning):
            if label.name == name:
                return label
        raise KeyError(name)

    def words(self, name: str, voice_known: float | None) -> str:
        """Return a result with the label ``name`` in words for people, tentative ones if it is a first impression.

        A label of another model is its own title.

        >>> SERPipeline().labels.words("anger", voice_known=0.2)
        'learning this voice, perhaps anger'
        """
        title = next((label.title for label in (*self.labels, self.unsure) if label.name == name), name)
        if not is_first_impression(voice_known):
            return title
        return f"{self.learning.title}, {title if name == UNSURE else f'perhaps {title}'}"

    def as_compatible(self, probabilities: Mapping[str, float]) -> dict[str, float] | None:
        """Map a distribution over `names` to one over `COMPATIBLE`; ``None`` if not all four keys have a label.

        Labels that stand for the same key are added up. Labels without a key are left out, and the others
        are scaled to sum to 1.
        """
        if set(self.compatible.values()) != set(COMPATIBLE):
            return None
        sums = dict.fromkeys(COMPATIBLE, 0.0)
        for name, key in self.compatible.items():
            sums[key] += probabilities[name]
        if len(self.compatible) == len(self.labels):
            return sums
        total = sum(sums.values())
        return {key: share / total if total else 1 / len(COMPATIBLE) for key, share in sums.items()}

    def to_json(self) -> dict[str, Any]:
        """Return what a page needs: the shown labels in order, "unsure", and how and when to show first impressions."""
        return {
            "labels": [label.to_json() for label in self.shown_labels],
            "unsure": self.unsure.to_json(),
            "learning": self.learning.to_json(),
            "voice_known_from": VOICE_KNOWN_FROM,
        }


def _check_names(names: tuple[str, ...]) -> None:
    if not 2 <= len(names) <= MAX_LABELS:
        raise ModelError(f"label set: it has {len(names)} labels; give 2 to {MAX_LABELS}")
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            rule = "a letter, then letters, digits, '_' or '-', 40 at most; 'titles' may hold any text"
            raise ModelError(f"label set: {name!r} cannot be a label's name; give {rule}")
        if name in RESERVED:
            raise ModelError(f"label set: {name!r} has another meaning in events and tables; give another name")
    folded = sorted(name.lower() for name in names)
    if twice := [name for name, other in pairwise(folded) if name == other]:
        raise ModelError(f"label set: {twice[0]!r} appears more than once; give each label its own name")


def _check_known(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise ModelError(f"label set: {what!r} has {name!r}, which is not one of {', '.join(known)}; correct it")


def _title(titles: Mapping[str, str] | None, name: str) -> str:
    title = (titles or {}).get(name, name)
    if not isinstance(title, str) or not title.strip() or not title.isprintable() or len(title) > 40:
        raise ModelError(f"label set: the title of {name!r} is {title!r}; give 1 to 40 printable characters")
    return title


FOUR: Final = LabelSet.of(COMPATIBLE)
"""The emotions of the shipped models."""
SIX: Final = LabelSet.of((*COMPATIBLE, "disgust", "fear"))
"""The six emotions of the shipped models, a separate distribution with ``pipeline.six_emotions``."""
EMOTIONS: Final = FOUR.names
SIX_EMOTIONS: Final = SIX.names
