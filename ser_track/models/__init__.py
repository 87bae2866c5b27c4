"""The two neural networks, loaded once per process and shared by every stream."""

from dataclasses import dataclass
from functools import lru_cache

from ser_track.config.schema import DEFAULT_MODEL, PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.models.emotion import EmotionModel
from ser_track.models.silero import SileroVad
from ser_track.protocols import EmotionClassifier, VoiceDetector


@dataclass(frozen=True, slots=True)
class Models:
    """The two networks that an engine needs; both are safe to share between threads.

    >>> shipped = load_models(PipelineConfig())
    >>> mine = Models(detector=shipped.detector, classifier=shipped.classifier)  # replace either with your own
    >>> SERPipeline(models=mine)
    SERPipeline()
    """

    detector: VoiceDetector
    classifier: EmotionClassifier


def load_models(config: PipelineConfig) -> Models:
    """Load the configured models, or return those already loaded.

    >>> load_models(PipelineConfig(model="base")).classifier.name
    'base@...'

    Raises:
        ModelError: a model file is missing or does not fit.
    """
    return Models(_detector(), load_emotion_model(config.model))


def new_engine(config: PipelineConfig, models: Models | None = None) -> Engine:
    """An engine with the configured models, or with ``models`` in their place; the one place where both come together.

    It is here and not in `ser_track.engine`, which does not know how models are loaded.

    Raises:
        ModelError: as `load_models`.
    """
    models = models or load_models(config)
    return Engine(models.detector, models.classifier, config)


@lru_cache(maxsize=8)
def load_emotion_model(model: str = DEFAULT_MODEL) -> EmotionModel:
    """Load the emotion model that ``pipeline.model`` names: ``default`` or a path.

    Raises:
        ModelError: the file is missing or does not fit.
    """
    return EmotionModel.load(model)


@lru_cache(maxsize=1)
def _detector() -> SileroVad:
    return SileroVad()
