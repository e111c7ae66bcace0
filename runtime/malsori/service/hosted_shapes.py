"""Parts of OpenAI's answers that its REST and its Realtime have alike: what was used, languages, words as tokens."""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Any

from ..joining import LEAST_PROB
from ..types import UNKNOWN


def usage(seconds: float) -> dict[str, Any]:
    """Return what was used: seconds of sound."""
    return {"type": "duration", "seconds": round(seconds, 3)}


def languages_heard(codes: Iterable[str | None]) -> list[dict[str, str]]:
    """Return each language once, in the order in which they were heard; what is unknown is left out."""
    return [{"code": code} for code in dict.fromkeys(codes) if code not in (None, UNKNOWN)]


def token_logprob(text: str, probability: float) -> dict[str, Any]:
    """Return a text with the logarithm of its probability; a word stands where the hosted service has tokens."""
    return {"token": text, "logprob": rounded_log(probability), "bytes": list(text.encode("utf-8", "replace"))}


def rounded_log(probability: float) -> float:
    """Return the natural logarithm of a probability, finite for 0 too."""
    return round(log(max(probability, LEAST_PROB)), 4) or 0.0  # without the sign of -0.0
