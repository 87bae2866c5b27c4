"""The settings that results depend on, as text that stays the same from version to version."""

import json
from dataclasses import fields
from typing import Any, Final

from ser_track.cli.analyze.analysis import Task
from ser_track.config.schema import PipelineConfig

_CONFIG_OF_FIRST_LISTS: Final = (
    "consumed_duration_s",
    "vad_min_confidence",
    "min_segment_s",
    "max_segment_s",
    "end_silence_s",
    "provisional_interval_s",
    "provisional_window_s",
    "provisional_smoothing",
    "sample_format",
    "sample_rate_hz",
    "channels",
    "model",
    "min_confidence",
    "voice_adaptation",
    "six_emotions",
)


def settings_of(task: Task, model: str) -> tuple[str, ...]:
    """Texts that stand for ``task`` and the ``model`` (``name@version``): the first in new lists, all in older ones.

    The first holds only settings that differ from their defaults, so a new setting of a later version does not count.
    If you change a default, or the results for one, add a name for that to the text.
    """
    changed = _changed(task.config)
    options = {
        "channels": "split" if task.split else None,
        "final_only": True if not task.provisional else None,
        "names": task.names or None,
        "payload_type": task.payload_type,
        "report_audio": "embed" if task.documents.with_sound else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    text = json.dumps({"model": model, "pipeline": changed, "options": given}, sort_keys=True)
    if changed.keys() <= set(_CONFIG_OF_FIRST_LISTS):
        return text, _text_of_first_lists(task, model)
    return (text,)


def _changed(config: PipelineConfig) -> dict[str, Any]:
    default = PipelineConfig()
    pairs = ((each.name, getattr(config, each.name)) for each in fields(config))
    return {name: value for name, value in pairs if value != getattr(default, name)}


def _text_of_first_lists(task: Task, model: str) -> str:
    """The settings as in older lists: all of them, as the `repr` of the objects that held them."""
    config = ", ".join(f"{name}={getattr(task.config, name)!r}" for name in _CONFIG_OF_FIRST_LISTS)
    documents = task.documents
    by_format = {document.format: document.template for document in documents.named}
    plots = (template for name, template in by_format.items() if name != "html")
    pictures = (
        f"report={by_format.get('html')!r}, plot={next(plots, None)!r}, "
        f"with_sound={documents.with_sound!r}, min_confidence={documents.min_confidence!r}"
    )
    options = f"split={task.split!r}, provisional={task.provisional!r}, names={task.names!r}"
    rest = f"{options}, payload_type={task.payload_type!r}, threads=0"
    return f"Task(config=PipelineConfig({config}), pictures=Pictures({pictures}), {rest}) {model}"
