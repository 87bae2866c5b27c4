"""What the base model hears in each clip, and what its ends make of that in the course of a call."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.cli.evaluation_runs import Judge, Judged
from ser_track.cli.manifest import Clip
from ser_track.cli.tune.base_model import KNOWN, VOICE_INPUTS, BaseModel
from ser_track.errors import SerTrackError
from ser_track.models import Models
from ser_track.models.emotion import EmotionModel, evidence_of
from ser_track.models.onnx_session import open_session
from ser_track.protocols import VoiceDetector
from ser_track.voice_profile import VoiceProfile

Indices = NDArray[np.int64]
_UNKNOWN: Final[FloatArray] = np.zeros((1, 1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Clips ``[n]`` with their embeddings ``[n, size]``, and how likely each is speech."""

    clips: tuple[Clip, ...]
    embedding: FloatArray
    gate: FloatArray
    """``[n]``: of the model alone."""
    evidence: FloatArray
    """``[n]``: the share of the heads in the results; the rest is equal for all labels. Less for short clips."""

    @property
    def labels(self) -> Indices:
        """The index of the label of each clip."""
        return np.array([clip.emotion for clip in self.clips], np.int64)

    @property
    def speakers(self) -> list[str]:
        """The speaker of each clip; "" if unknown."""
        return [clip.speaker for clip in self.clips]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Clips ``[n]`` as a voice profile makes them look: adapted embeddings, shares of the base's heads."""

    adapted: FloatArray
    known: FloatArray
    """``[n]``: how well the voice was known, 0 … 1; 0 where the base model does not ask."""
    shares: dict[str, FloatArray]


def hear(
    base: BaseModel, detector: VoiceDetector, clips: Sequence[Clip]
) -> Iterator[tuple[Clip, Judged | SerTrackError]]:
    """Each clip as `ser-track evaluate` hears it; the embedding ends with the gate (`BaseModel.probe`)."""
    probe = EmotionModel(open_session(base.probe()), base.name)
    yield from Judge(Models(detector, probe), probe.labels).alone(clips)


def collected(judged: Sequence[Judged]) -> Heard:
    """One array of what `hear` found."""
    rows = np.array([item.embedding for item in judged], np.float32)
    evidence = np.array([2 * item.probabilities[0] - 1 for item in judged], np.float32)
    return Heard(tuple(item.clip for item in judged), rows[:, :-1], rows[:, -1], evidence.clip(0, 1))


class Ends:
    """Runs what follows the embedding: it is so small that whole calls can be played many times."""

    def __init__(self, base: BaseModel) -> None:
        """Raises ModelError: the base model's ends cannot be separated."""
        self._session = open_session(base.ends())
        self._taken = [node.name for node in self._session.get_inputs()]
        self._outputs = [node.name for node in self._session.get_outputs()]
        self._options = {node.name for node in self._session.get_overridable_initializers()} & set(VOICE_INPUTS)
        self._size = base.size

    def alone(self, heard: Heard) -> View:
        """Each clip with an unknown voice."""
        return self._view([self._run(heard, i, None) for i in range(len(heard.clips))])

    def in_calls(self, heard: Heard, calls: Iterable[Sequence[tuple[int, bool]]]) -> tuple[Indices, View]:
        """Play calls, one after the other: for each play an index of a clip, and whether it counts or is only history.

        Returns the clips that count, in the order of the plays, and how they look after what came before in their call.
        """
        found: list[int] = []
        rows: list[dict[str, FloatArray]] = []
        for call in calls:
            voice = VoiceProfile(self._size)
            for clip, counts in call:
                row = self._run(heard, clip, voice)
                if counts:
                    found.append(clip)
                    rows.append(row)
                segment = {"embedding": heard.embedding[clip], **{name: values[0] for name, values in row.items()}}
                voice.update(*evidence_of(segment))
        return np.array(found, np.int64), self._view(rows)

    def _run(self, heard: Heard, clip: int, voice: VoiceProfile | None) -> dict[str, FloatArray]:
        rows = (heard.embedding[clip][None], heard.gate[clip].reshape(1, 1))
        inputs = dict(zip(self._taken, rows, strict=True))
        if voice is not None and voice.segments:
            told = {"voice_mean": voice.mean[None], "voice_deviation": voice.deviation[None], KNOWN: known_of(voice)}
            inputs |= {name: value for name, value in told.items() if name in self._options}
        results = self._session.run(self._outputs, inputs)
        known = inputs.get(KNOWN, _UNKNOWN)
        return {**dict(zip(self._outputs, results, strict=True)), KNOWN: known}

    def _view(self, rows: Sequence[dict[str, FloatArray]]) -> View:
        if not rows:
            empty = np.empty((0, self._size), np.float32)
            return View(empty, empty[:, 0], {})
        joined = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        shares = {name: joined[name] for name in ("probabilities", "six") if name in joined}
        return View(joined["adapted"], joined[KNOWN][:, 0], shares)


def known_of(voice: VoiceProfile) -> FloatArray:
    """``[1, 1]``: how well the ``voice`` is known, for base models that ask."""
    return np.full((1, 1), voice.known, np.float32)
