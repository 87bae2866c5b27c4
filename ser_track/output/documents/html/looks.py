"""Colours, symbols and patterns of a model's labels as style and markup; the names of labels are safe in both."""

from typing import Final

from ser_track.labels import Label, LabelSet

_PATTERNS: Final = {
    "////": '<pattern {} width="6" height="6" patternTransform="rotate(45)"><path d="M0 0h2.5v6H0Z"/></pattern>',
    "\\\\\\\\": '<pattern {} width="6" height="6" patternTransform="rotate(-45)"><path d="M0 0h2.5v6H0Z"/></pattern>',
    "....": '<pattern {} width="6" height="6"><circle cx="3" cy="3" r="1.5"/></pattern>',
    "//": '<pattern {} width="12" height="12" patternTransform="rotate(45)"><path d="M0 0h2v12H0Z"/></pattern>',
    "----": '<pattern {} width="6" height="4"><path d="M0 1h6v1.5H0Z"/></pattern>',
    "||||": '<pattern {} width="4" height="6"><path d="M1 0h1.2v6H1Z"/></pattern>',
    "++++": '<pattern {} width="6" height="6"><path d="M0 2h6v1.5H0ZM2 0h1.5v6H2Z"/></pattern>',
    "xxxx": '<pattern {} width="6" height="6" patternTransform="rotate(45)">'
    '<path d="M0 2h6v1.5H0ZM2 0h1.5v6H2Z"/></pattern>',
    "oo": '<pattern {} width="8" height="8"><path fill-rule="evenodd" d="M4 1a3 3 0 1 1 0 6a3 3 0 0 1 0-6Z'
    'M4 2.5a1.5 1.5 0 1 0 0 3a1.5 1.5 0 0 0 0-3Z"/></pattern>',
    "": '<pattern {} width="6" height="6"><path d="M0 0"/></pattern>',
}
"""matplotlib's hatches as SVG; each label has one."""


def style(labels: LabelSet) -> str:
    """Rules for classes ``label-NAME``, for each background, and the number of rows that a strip has."""
    every = _every(labels)
    light = "".join(f".label-{label.name} {{ color: {label.colour.light}; }}\n" for label in every)
    dark = "".join(f"  .label-{label.name} {{ color: {label.colour.dark}; }}\n" for label in every)
    rows = f".rows {{ grid-template-rows: 18px 36px repeat({len(labels.shown)}, 24px); }}\n"
    return f"{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n{rows}"


def sprite(labels: LabelSet) -> str:
    """Symbols ``#m-NAME`` and patterns ``#p-NAME`` to refer to."""
    every = _every(labels)
    return f"{''.join(map(_symbol, every))}<defs>{''.join(map(_pattern, every))}</defs>"


def _every(labels: LabelSet) -> tuple[Label, ...]:
    return (*labels.shown_labels, labels.unsure, labels.learning)


def _symbol(label: Label) -> str:
    path = f'<path fill-rule="evenodd" d="{label.symbol.path}"/>'
    return f'<symbol id="m-{label.name}" viewBox="0 0 16 16">{path}</symbol>'


def _pattern(label: Label) -> str:
    return _PATTERNS[label.symbol.hatch].format(f'id="p-{label.name}" patternUnits="userSpaceOnUse"')
