"""The neural networks: voice detector and emotion classifier, loaded once per process and shared by every stream."""

from dataclasses import dataclass
from functools import lru_cache

from ser_track.config.schema import DEFAULT_MODEL, PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.models.registry import make_classifier, make_detector
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
        ModelError: a model file is missing or does not fit, or there is none of that name.
    """
    return Models(load_detector(config.voice_detector), load_classifier(config.model))


def new_engine(config: PipelineConfig, models: Models | None = None) -> Engine:
    """An engine with the configured models, or with ``models`` in their place; the one place where both come together.

    It is here and not in `ser_track.engine`, which does not know how models are loaded.

    Raises:
        ModelError: as `load_models`.
    """
    models = models or load_models(config)
    return Engine(models.detector, models.classifier, config)


@lru_cache(maxsize=8)
def load_classifier(model: str = DEFAULT_MODEL) -> EmotionClassifier:
    """Load the classifier that ``pipeline.model`` names: ``small``, ``base``, a path, or that of an installed package.

    Raises:
        ModelError: there is none of that name, or it does not fit.
    """
    return make_classifier(model)


@lru_cache(maxsize=8)
def load_detector(name: str) -> VoiceDetector:
    """Load the detector that ``pipeline.voice_detector`` names: ``builtin``, ``silero-vad``, or an installed one.

    Raises:
        ModelError: there is none of that name, or it does not fit.
    """
    return make_detector(name)
