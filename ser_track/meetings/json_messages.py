"""Reading what pages and programs send, on whichever way it came."""

import json
import math
from typing import Any

from ser_track.errors import BadRequestError


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in ``text``.

    Raises:
        BadRequestError: it is no JSON, nested too deep, or no object.
    """
    try:
        # What is passed on must be JSON for browsers too, and NaN and Infinity are not.
        body = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise BadRequestError("the JSON is nested too deep; send it flatter") from error
    except ValueError as error:
        raise BadRequestError(f"this is no JSON ({error}); send one JSON object") from error
    if not isinstance(body, dict):
        raise BadRequestError(f"expected one JSON object, not {type(body).__name__}")
    return body


def read_consent(message: Any) -> bool:
    """The answer in a ``{"type": "consent", "analysed": true|false}`` message; ``{"type": "opt_out"}`` is a refusal.

    Raises:
        BadRequestError: it is no such message.
    """
    match message:
        case {"type": "consent", "analysed": bool(analysed)}:
            return analysed
        case {"type": "opt_out"}:
            return False
    raise BadRequestError('expected {"type": "consent", "analysed": true or false}')


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number} is no number")
    return value
