"""Which classifiers and voice detectors there are by name: ours, and those of installed packages (entry points)."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, cast

from ser_track.config.schema import SHIPPED_MODELS
from ser_track.errors import ModelError
from ser_track.labels import LabelSet
from ser_track.models.emotion import EmotionModel
from ser_track.models.packaged_silero import PACKAGE, PackagedSileroVad, licence_of, packaged_file
from ser_track.models.silero import SileroVad
from ser_track.protocols import EmotionClassifier, VoiceDetector

CLASSIFIERS: Final = "ser_track.classifiers"
"""Entry points: each names a callable without arguments that returns an `EmotionClassifier`."""
DETECTORS: Final = "ser_track.detectors"
"""Entry points: each names a callable without arguments that returns a `VoiceDetector`."""
BUILTIN: Final = "builtin"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point, not loaded yet."""

    group: str
    name: str
    entry: EntryPoint

    @property
    def package(self) -> str:
        """The distribution that it belongs to, with its version."""
        return "an unnamed package" if self.entry.dist is None else f"{self.entry.dist.name} {self.entry.dist.version}"

    @property
    def licence(self) -> str | None:
        """As the distribution's metadata say."""
        return None if self.entry.dist is None else licence_of(self.entry.dist)

    def make(self) -> Any:
        """What the package's factory returns.

        Raises:
            ModelError: the package cannot be imported, or its factory fails.
        """
        try:
            return self.entry.load()()
        except ModelError:
            raise
        except Exception as error:  # somebody else's code, which may raise anything
            reason = f"{type(error).__name__}: {error}"
            raise ModelError(
                f"{self._described}: it cannot be loaded ({reason}); install it anew or take another"
            ) from error

    @property
    def _described(self) -> str:
        return f"{'classifier' if self.group == CLASSIFIERS else 'voice detector'} '{self.name}' of {self.package}"

    def checked(self, problem: str | None) -> None:
        """Raise ModelError where there is a ``problem`` with what was made."""
        if problem is not None:
            raise ModelError(f"{self._described}: {problem}; see docs/extending.md, or take another")


def plugins(group: str) -> dict[str, Plugin]:
    """The entry points of ``group``, by name; names of our own are not among them, because ours win."""
    ours = SHIPPED_MODELS if group == CLASSIFIERS else (BUILTIN, PACKAGE)
    return {
        entry.name: Plugin(group, entry.name, entry) for entry in entry_points(group=group) if entry.name not in ours
    }


def make_classifier(model: str) -> EmotionClassifier:
    """The classifier that ``pipeline.model`` names: ours, a file, or one of an installed package.

    Raises:
        ModelError: there is none of that name, or it cannot be used.
    """
    if model in SHIPPED_MODELS:
        return EmotionModel.load(model)
    plugin = plugins(CLASSIFIERS).get(model)
    if plugin is None and not Path(model).is_file():
        installed = _listed([*SHIPPED_MODELS, *plugins(CLASSIFIERS)])
        raise ModelError(f"there is no model '{model}'; take {installed} or the path of an ONNX file")
    if plugin is None:
        return EmotionModel.load(model)
    made = plugin.make()
    plugin.checked(_classifier_problem(made))
    return cast("EmotionClassifier", made)


def make_detector(name: str) -> VoiceDetector:
    """The detector that ``pipeline.voice_detector`` names: ours, silero-vad's own, or one of an installed package.

    Raises:
        ModelError: there is none of that name, or it cannot be used.
    """
    own: dict[str, Callable[[], VoiceDetector]] = {BUILTIN: SileroVad, PACKAGE: PackagedSileroVad}
    if name in own:
        return own[name]()
    plugin = plugins(DETECTORS).get(name)
    if plugin is None:
        installed = [BUILTIN, *([PACKAGE] if packaged_file() else []), *plugins(DETECTORS)]
        raise ModelError(f"there is no voice detector '{name}'; take {_listed(installed)}")
    made = plugin.make()
    plugin.checked(_lacking(made, ("new_state", "detect", "detect_run")))
    return cast("VoiceDetector", made)


def _classifier_problem(made: Any) -> str | None:
    if lacking := _lacking(made, ("new_voice", "classify")):
        return lacking
    if not isinstance(getattr(made, "labels", None), LabelSet):
        return "its 'labels' are not a ser_track.labels.LabelSet"
    name = getattr(made, "name", None)
    return None if isinstance(name, str) and name.count("@") == 1 else f"its 'name' is {name!r}, not 'name@version'"


def _lacking(made: Any, methods: tuple[str, ...]) -> str | None:
    missing = [method for method in methods if not callable(getattr(made, method, None))]
    return f"what it returns ({type(made).__name__}) has no method {' and no '.join(missing)}" if missing else None


def _listed(names: list[str]) -> str:
    return ", ".join(names)
