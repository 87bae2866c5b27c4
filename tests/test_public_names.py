"""`import ser_track`: what is there, that it is all of it, and that it costs nothing until it is used."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import pytest

import ser_track
from ser_track import errors
from ser_track.engine.engine import Engine
from tests.paths import ROOT

# Kept by hand, apart from the package's own table: a name that disappears breaks somebody's program.
# fmt: off
PUBLIC = {
    "SAMPLE_RATE_HZ", "WINDOW_SAMPLES", "__version__", "aevents", "embed", "events", "join", "load_config",
    "load_models", "to_dataframe",
    "Announcement", "Bot", "Chunk", "Colour", "Config", "Consent", "ConsentChanged", "DetectorState", "Emotion",
    "EmotionClassifier", "EncodedEvent", "EndReason", "EngineEvent", "Event", "Fault", "FloatArray", "IceServer",
    "Joined", "Label", "LabelSet", "Left", "MeetingChanged", "MeetingState", "MeetingsConfig", "Models", "Notice",
    "PipelineConfig", "PipelineOptions", "Prediction", "PushChunk", "Resumed", "RoomsConfig", "RuntimeConfig",
    "SERPipeline", "SERTrack", "SampleFormat", "ServerConfig", "Session", "Sink", "SpeechEnded", "SpeechStarted",
    "Stalled", "StreamKey", "Symbol", "VoiceDetector", "VoiceEvidence",
    "VoiceProfile",
    "AudioError", "BadRequestError", "CalledBackError", "ClosedError", "ConfigError", "ForbiddenError",
    "InferenceError", "JoinError", "MeetingError", "MeetingFullError", "ModelError", "NoWorkerError",
    "NotFoundError", "OverloadedError", "SegmentError", "SerTrackError", "WorkerError",
}
# fmt: on


def imported_for_type_checkers() -> set[str]:
    tree = ast.parse(inspect.getsource(ser_track))
    guarded = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    names = {name.name for node in guarded.body if isinstance(node, ast.ImportFrom) for name in node.names}
    return names | {"__version__"}


def test_the_public_names_are_these() -> None:
    assert set(dir(ser_track)) == PUBLIC
    assert dir(ser_track) == sorted(dir(ser_track))


def test_editors_and_programs_find_the_same_names() -> None:
    assert imported_for_type_checkers() == set(ser_track.__all__)
    for name in ser_track.__all__:
        assert getattr(ser_track, name) is not None
    with pytest.raises(AttributeError, match="module 'ser_track' has no attribute 'Emotions'"):
        ser_track.Emotions  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ser_track.__version__ == project["version"]


def test_sources_that_were_never_installed_have_a_version_too() -> None:
    program = "import ser_track; print(ser_track.__version__)"
    command = [sys.executable, "-S", "-c", program]  # -S: without what is installed
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0+checkout\n"


@pytest.mark.parametrize(
    "first", ["ser_track.Emotion", "import_module('ser_track.event_types')", "ser_track.SERPipeline"]
)
def test_events_is_the_function_whatever_was_imported_before(first: str) -> None:
    program = f"import ser_track; from importlib import import_module; {first}; print(ser_track.events)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("<function events")


def test_each_error_is_public_and_has_one_root_whose_tree_the_docstring_draws() -> None:
    defined = {name: each for name, each in vars(errors).items() if inspect.isclass(each) and name.endswith("Error")}
    assert defined.keys() <= PUBLIC
    assert all(issubclass(each, ser_track.SerTrackError) for each in defined.values())
    drawn = re.findall(r"^    [│├└─ ]*(\w+Error)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(defined)


MADE_BY_US = {ser_track.Session}
"""Programs get them and call their methods, but do not make them."""


def types_in(hint: Any) -> Iterator[Any]:
    """Every class in a type hint, however deep."""
    if inspect.isclass(hint) and not get_args(hint):
        yield hint
    for each in get_args(hint):
        yield from types_in(list(each) if isinstance(each, tuple) else each)
    if isinstance(hint, list):  # the arguments of a Callable
        for each in hint:
            yield from types_in(each)


def signatures_of(thing: Any) -> Iterator[Any]:
    """Functions, and of a class its constructor, its public methods and its attributes."""
    yield thing
    if inspect.isclass(thing):
        for name, member in vars(thing).items():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            made = name == "__init__" and thing not in MADE_BY_US
            if inspect.isfunction(function) and (made or not name.startswith("_")):
                yield function


CALLABLE = [
    name
    for name in sorted(PUBLIC)
    if inspect.isclass(getattr(ser_track, name, None)) or inspect.isfunction(getattr(ser_track, name, None))
]


@pytest.mark.parametrize("name", CALLABLE)
def test_what_a_signature_names_is_public(name: str) -> None:
    public = {id(getattr(ser_track, each)) for each in ser_track.__all__}
    thing = getattr(ser_track, name)
    # PyAV's packets are generic for type checkers only.
    hints = [hint for each in signatures_of(thing) for hint in get_type_hints(each, localns={"Packet": list}).values()]
    ours = [each for hint in hints for each in types_in(hint) if each.__module__.startswith("ser_track")]
    assert [each for each in ours if id(each) not in public] == []


def test_a_signature_that_names_something_private_would_be_noticed() -> None:
    def one(engine: list[dict[str, Engine | None]], call: Callable[[Engine], None]) -> None: ...

    assert [each for hint in get_type_hints(one).values() for each in types_in(hint)].count(Engine) == 2


def test_the_keyword_arguments_are_the_section_pipeline_with_its_types() -> None:
    assert get_type_hints(ser_track.PipelineOptions) == get_type_hints(ser_track.PipelineConfig)
    assert not ser_track.PipelineOptions.__required_keys__
