"""Parses JSON messages of pages and programs, over any transport."""

import json
import math
from typing import Any

from ser_track.errors import BadRequestError


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in ``text``.

    Raises:
        BadRequestError: it is not JSON, is not an object, or is nested too deeply.
    """
    try:
        # Messages are forwarded to browsers, and NaN and Infinity are not valid JSON there.
        body = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise BadRequestError("the JSON is nested too deeply; use fewer levels") from error
    except ValueError as error:
        raise BadRequestError(f"this is not JSON ({error}); send one JSON object") from error
    if not isinstance(body, dict):
        raise BadRequestError(f"expected one JSON object, not {type(body).__name__}")
    return body


def read_consent(message: Any) -> bool:
    """The answer in a ``{"type": "consent", "analysed": true|false}`` message; ``{"type": "opt_out"}`` is a refusal.

    Raises:
        BadRequestError: it is not such a message.
    """
    match message:
        case {"type": "consent", "analysed": bool(analysed)}:
            return analysed
        case {"type": "opt_out"}:
            return False
    raise BadRequestError('expected {"type": "consent", "analysed": true or false}')


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number} is not a JSON number")
    return value
