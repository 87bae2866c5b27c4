"""An emotion model's description: the metadata of its ONNX file, or a JSON file beside it, which takes precedence.

`docs/extending.md` describes the keys. Metadata values are strings, so lists and objects in them are JSON text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, cast

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.config.reader import read_json
from ser_track.config.values import name_of
from ser_track.errors import ConfigError, ModelError
from ser_track.labels import LabelSet
from ser_track.models.log_mel import FRONT_END

WAVEFORM: Final = "waveform"
"""The front-end of models that take raw samples."""
_REQUIRED: Final = ("name", "version", "labels", "sample_rate_hz", "front_end")
_OF_LABELS: Final = {
    "labels": list,
    "titles": dict,
    "colours": dict,
    "symbols": dict,
    "shown": list,
    "compatible": dict,
}
_CHOICES: Final = {
    "front_end": (FRONT_END, WAVEFORM),
    "output": ("probabilities", "logits"),
    "normalisation": ("none", "zero-mean-unit-variance"),
}
_TEXTS: Final = ("name", "version", "licence", "training_data")
_KNOWN: Final = (*_TEXTS, "sample_rate_hz", *_CHOICES, *_OF_LABELS)


@dataclass(frozen=True, slots=True)
class Description:
    """A model's description, checked."""

    name: str
    version: str
    labels: LabelSet
    front_end: str
    """`FRONT_END`, or `WAVEFORM`."""
    output: Literal["probabilities", "logits"]
    normalised: bool
    """Whether samples must have mean 0 and variance 1, as from wav2vec 2.0's own feature extractor."""
    licence: str | None

    @classmethod
    def read(cls, metadata: Mapping[str, str], beside: Path | None) -> Self:
        """Read the description of a file with ``metadata``; the file ``beside`` need not exist.

        Raises:
            ModelError: a key is missing or unknown, or its value cannot be used; as the end of a sentence.
        """
        given = _from_metadata(metadata) | ({} if beside is None else _from_json(beside))
        if missing := sorted(set(_REQUIRED) - set(given)):
            raise ModelError(f"its metadata lacks {', '.join(missing)}")
        for key in _TEXTS:
            if not isinstance(given.get(key, ""), str):
                raise ModelError(f"its {key} is {name_of(given[key])}, not a string")
        if given["sample_rate_hz"] != SAMPLE_RATE_HZ:
            raise ModelError(f"its sample_rate_hz is {given['sample_rate_hz']}, not {SAMPLE_RATE_HZ}")
        for key, choices in _CHOICES.items():
            if given.setdefault(key, choices[0]) not in choices:
                raise ModelError(f"its {key} is {given[key]}, not {' or '.join(choices)}")
        return cls(
            given["name"],
            given["version"],
            _labels(given),
            given["front_end"],
            cast("Literal['probabilities', 'logits']", given["output"]),
            given["normalisation"] != "none",
            given.get("licence"),
        )


def _from_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {key: value for key, value in metadata.items() if key in _KNOWN}
    for key in given.keys() & {*_OF_LABELS, "sample_rate_hz"}:
        try:
            given[key] = json.loads(given[key])
        except ValueError as error:
            raise ModelError(f"its metadata has {key} = {given[key]!r}, which is not JSON") from error
    return given


def _from_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        given = read_json(file)
    except ConfigError as error:
        raise ModelError(f"the file beside it cannot be used: {error}") from error
    if unknown := sorted(given.keys() - set(_KNOWN)):
        raise ModelError(f"{file} has the unknown key {unknown[0]!r} (known: {', '.join(_KNOWN)})")
    return given


def _labels(given: Mapping[str, Any]) -> LabelSet:
    for key, kind in _OF_LABELS.items():
        if key in given and not isinstance(given[key], kind):
            wanted = "a list of names" if kind is list else "an object with names as keys"
            raise ModelError(f"its {key} is {name_of(given[key])}, not {wanted}")
    options = {key: given[key] for key in _OF_LABELS if key in given and key != "labels"}
    return LabelSet.of(given["labels"], **options)
