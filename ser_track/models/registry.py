"""Classifiers and voice detectors by name: ours, and those of installed packages (entry points)."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, cast

from ser_track.config.schema import SHIPPED_MODELS
from ser_track.errors import ConfigError, ModelError
from ser_track.labels import LabelSet
from ser_track.models.emotion import EmotionModel
from ser_track.models.packaged_silero import PACKAGE, PackagedSileroVad, licence_of, packaged_file
from ser_track.models.silero import SileroVad
from ser_track.plugins import Plugins
from ser_track.protocols import EmotionClassifier, VoiceDetector

CLASSIFIERS: Final = "ser_track.classifiers"
"""Entry points: each names a callable without arguments that returns an `EmotionClassifier`."""
DETECTORS: Final = "ser_track.detectors"
"""Entry points: each names a callable without arguments that returns a `VoiceDetector`."""
BUILTIN: Final = "builtin"
Factory = Callable[[], object]


def classifiers() -> Plugins[object]:
    """Factories of classifiers by name: the shipped models, then those of packages."""
    own: dict[str, Factory] = {name: partial(EmotionModel.load, name) for name in SHIPPED_MODELS}
    return Plugins(CLASSIFIERS, object, own)


def detectors() -> Plugins[object]:
    """Factories of voice detectors by name: ours, that of silero-vad where it is installed, then those of packages."""
    own: dict[str, Factory] = {BUILTIN: SileroVad}
    if packaged_file() is not None:
        own[PACKAGE] = PackagedSileroVad
    return Plugins(DETECTORS, object, own)


def make_classifier(model: str) -> EmotionClassifier:
    """The classifier that ``pipeline.model`` names: ours, one of an installed package, or a file.

    Raises:
        ModelError: the name is unknown, or the model cannot be used.
    """
    known = classifiers()
    if model in known:
        return cast("EmotionClassifier", _made(known, model, _classifier_problem))
    if Path(model).suffix or Path(model).is_file():
        return EmotionModel.load(model)
    raise ModelError(f"there is no model '{model}'; use {', '.join(known)} or the path of an ONNX file")


def make_detector(name: str) -> VoiceDetector:
    """The detector that ``pipeline.voice_detector`` names: ours, silero-vad's own, or one of an installed package.

    Raises:
        ModelError: the name is unknown, or the model cannot be used.
    """
    known = detectors()
    if name in known:
        return cast("VoiceDetector", _made(known, name, _detector_problem))
    if name == PACKAGE:
        PackagedSileroVad()  # raises an error that says how to install it
    raise ModelError(f"there is no voice detector '{name}'; use one of {', '.join(known)}")


def package_licence(known: Plugins[object], name: str) -> str | None:
    """Return the licence of the package that provides ``name``; ``None`` for ours, or if its metadata has none."""
    try:
        package = known.package_of(name)
        return None if package is None else licence_of(distribution(package))
    except PackageNotFoundError:
        return None


def _made(known: Plugins[object], name: str, problem_of: Callable[[Any], str | None]) -> object:
    package = known.package_of(name)
    try:
        made = cast("Factory", known[name])()
    except ModelError:
        raise
    except ConfigError as error:  # the package cannot be imported
        raise ModelError(str(error)) from error
    except Exception as error:  # the package's own code may raise anything
        reason = f"'{name}' of the package {package} could not be created ({type(error).__name__}: {error})"
        raise ModelError(f"{reason}; see its documentation, or choose another") from error
    problem = None if package is None else problem_of(made)
    if problem is not None:
        raise ModelError(f"'{name}' of the package {package}: {problem}; see docs/extending.md, or choose another")
    return made


def _classifier_problem(made: Any) -> str | None:
    if lacking := _lacking(made, ("new_voice", "classify")):
        return lacking
    if not isinstance(getattr(made, "labels", None), LabelSet):
        return "its 'labels' are not a ser_track.labels.LabelSet"
    name = getattr(made, "name", None)
    return None if isinstance(name, str) and name.count("@") == 1 else f"its 'name' is {name!r}, not 'name@version'"


def _detector_problem(made: Any) -> str | None:
    return _lacking(made, ("new_state", "detect", "detect_run"))


def _lacking(made: Any, methods: Sequence[str]) -> str | None:
    missing = [method for method in methods if not callable(getattr(made, method, None))]
    return f"its factory's result ({type(made).__name__}) does not have {', '.join(missing)}" if missing else None
