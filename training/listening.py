"""Lets a model hear clips: alone, and once more in the order of a call, as `ser-track evaluate --adapt` does."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.cli.evaluation_runs import voices_in_call
from ser_track.models.emotion import EmotionModel
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile
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


def hear(
    model: EmotionModel,
    clips: Sequence[Clip],
    audio: Sequence[FloatArray],
    voices: Sequence[VoiceProfile | None] | None = None,
) -> Heard:
    """Every clip, with what is known of its voice."""
    known = voices or [None] * len(clips)
    with ThreadPoolExecutor(THREADS) as pool:
        judged: list[Prediction] = list(pool.map(model.classify, audio, known))
    return Heard(
        np.array([clip.label for clip in clips]),
        np.array([clip.speaker for clip in clips]),
        np.stack([each.probabilities for each in judged]),
        np.stack([each.six for each in judged if each.six is not None]),
        np.stack([each.embedding for each in judged if each.embedding is not None]),
    )


def hear_in_call(model: EmotionModel, clips: Sequence[Clip], audio: Sequence[FloatArray], alone: Heard) -> Heard:
    """Every clip again, with what is known of its voice when its turn comes in a mostly neutral call."""
    known: list[VoiceProfile | None] = [None] * len(clips)
    who = [clip.speaker for clip in clips]
    for i, voice in voices_in_call([clip.label for clip in clips], who, list(alone.embeddings), model.new_voice):
        known[i] = voice
    return hear(model, clips, audio, known)
