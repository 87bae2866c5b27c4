"""Lets a model hear clips: alone, and once more as part of a call, as `ser-track evaluate --adapt` does."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.cli.call_order import DEFAULT_NEUTRAL_SHARE, Call, Mix, calls_of
from ser_track.labels import EMOTIONS
from ser_track.models.emotion import EmotionModel
from ser_track.protocols import Prediction
from training.corpora import Clip, read_audio
from training.vad import trim

THREADS = 2
Change = Callable[[FloatArray, str], FloatArray]


@dataclass(slots=True)
class Heard:
    """Answers to clips, in their order: labels [n] in `SIX_EMOTIONS`, speakers [n], four [n, 4], six [n, 6]."""

    labels: NDArray[np.int64]
    speakers: NDArray[np.str_]
    four: FloatArray
    six: FloatArray
    embeddings: FloatArray

    def of_four(self) -> NDArray[np.bool_]:
        """Which clips have one of the four labels."""
        return np.asarray(self.labels < self.four.shape[1])


def cut(samples: FloatArray, path: str) -> FloatArray:
    """As a call hears it."""
    return trim(samples)


def whole(samples: FloatArray, path: str) -> FloatArray:
    """As it lies in the file."""
    return samples


def prepare(clips: Iterable[Clip], change: Change = cut) -> list[FloatArray]:
    """What is to be heard of each clip."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda clip: change(read_audio(clip), clip.path), clips))


def hear(model: EmotionModel, clips: Sequence[Clip], audio: Sequence[FloatArray]) -> Heard:
    """Every clip alone."""
    with ThreadPoolExecutor(THREADS) as pool:
        return _gathered(clips, list(pool.map(model.classify, audio)))


def hear_in_call(
    model: EmotionModel,
    clips: Sequence[Clip],
    audio: Sequence[FloatArray],
    neutral_share: float | None = DEFAULT_NEUTRAL_SHARE,
) -> Heard:
    """Every clip in its speaker's call, with what was known of the voice; a share of ``None`` plays each clip once."""
    mix = Mix(neutral_share, EMOTIONS.index("neutral"))
    calls = calls_of([(clip.speaker, clip.path, clip.label) for clip in clips], mix)

    def one(call: Call) -> list[tuple[int, Prediction]]:
        return list(call.hear(model.new_voice(), lambda index, voice: model.classify(audio[index], voice)))

    with ThreadPoolExecutor(THREADS) as pool:
        judged = dict(chain.from_iterable(pool.map(one, calls)))
    return _gathered(clips, [judged[index] for index in range(len(clips))])


def _gathered(clips: Sequence[Clip], judged: Sequence[Prediction]) -> Heard:
    return Heard(
        np.array([clip.label for clip in clips]),
        np.array([clip.speaker for clip in clips]),
        np.stack([each.probabilities for each in judged]),
        np.stack([each.six for each in judged if each.six is not None]),
        np.stack([each.embedding for each in judged if each.embedding is not None]),
    )
