"""JSON that clients send: an object, not too large and not too deep, without numbers that are none."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .refusal import Refusal
from .serve_options import ServiceLimits, within

# A string that does not end goes to the end of the text; else it would be sought again from each quote in it.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")


def read_object(text: str, limits: ServiceLimits, most_bytes: int | None = None) -> dict[str, Any]:
    """Return the object that a text is. Raises `Refusal`, 400 `invalid_json`, for anything else, 413 for too much."""
    most = within(limits.text_bytes if most_bytes is None else most_bytes)
    if len(text) > most:
        raise Refusal(
            413, "message_too_large", f"expected at most {most:g} bytes of JSON, found {len(text)} characters"
        )
    if depth(text) > within(limits.json_depth):
        raise Refusal(400, "invalid_json", f"expected JSON at most {limits.json_depth} levels deep, found more")
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:  # the latter where depth has no limit
        raise Refusal(400, "invalid_json", f"expected a JSON object: {error}") from None
    if not isinstance(found, dict):
        raise Refusal(400, "invalid_json", f"expected a JSON object, found {type(found).__name__}")
    return found


def depth(text: str) -> int:
    """Return how deep brackets are nested in a JSON text, those in strings left out.

    A parser that calls itself would run out of stack before it could say so.
    """
    deepest = open_now = 0
    for bracket in _NO_BRACKET.sub("", _STRING.sub("", text)):
        open_now += 1 if bracket in "[{" else -1
        deepest = max(deepest, open_now)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose names stand once; of two, one reader takes the first and another the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
