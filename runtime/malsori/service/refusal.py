"""What a client is told that gets nothing: a status, a code and a sentence. The client's own fault is never a 5xx.

The codes are those of docs/service.md; each protocol puts them into its own shape.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

from ..engines.options import DecodeOptions
from ..errors import (
    AudioError,
    AudioTooLong,
    Cancelled,
    EmptyAudio,
    EngineError,
    MalsoriError,
    ModelError,
    ModelNotFound,
    NoSuchTrack,
    OptionError,
    UnsupportedFormat,
)
from ..option import options_of
from ..sound_options import SourceOptions, SpeechOptions

LONGEST_MESSAGE = 1_000  # characters; a value that a client has sent may be in it
TYPES = {401: "authentication_error", 429: "rate_limit_error"}
# The first class that an error belongs to says status and code.
KINDS: tuple[tuple[type[MalsoriError], int, str], ...] = (
    (EmptyAudio, 400, "audio_too_short"),
    (AudioTooLong, 413, "audio_too_long"),
    (NoSuchTrack, 400, "invalid_value"),
    (UnsupportedFormat, 400, "unsupported_format"),
    (AudioError, 400, "invalid_audio"),
    (OptionError, 400, "invalid_value"),
    (ModelNotFound, 404, "model_not_found"),
    (Cancelled, 499, "client_closed_request"),
    (ModelError, 500, "model_error"),
    (EngineError, 500, "engine_error"),
)


class Refusal(Exception):
    """A request that is not served: HTTP `status`, `code`, `message`, the field `param` at fault, if any.

    `retry_after` are seconds after which it may be.
    """

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, retry_after: float | None = None
    ) -> None:
        message = message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}..."
        super().__init__(message)
        self.status, self.code, self.message, self.param, self.retry_after = status, code, message, param, retry_after

    @property
    def type(self) -> str:
        """The kind of fault, in OpenAI's words."""
        return TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")

    def body(self) -> dict[str, Any]:
        """Return the JSON form, with all four keys, as OpenAI's clients read it."""
        fields = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": fields}

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that go with it."""
        found = {} if self.retry_after is None else {"retry-after": str(max(1, math.ceil(self.retry_after)))}
        return found | ({"www-authenticate": "Bearer"} if self.status == 401 else {})


def refusal_of(error: MalsoriError, param: str | None = "file") -> Refusal:
    """Return what a client is told of an error; `param` is the field at fault where the error is one of the sound."""
    kind, status, code = next((each for each in KINDS if isinstance(error, each[0])), (MalsoriError, 500, "error"))
    if issubclass(kind, OptionError) or isinstance(error, OptionError):
        param = named_in(str(error))
    elif kind is ModelNotFound:
        param = "model"
    return Refusal(status, code, str(error), param if status < 500 else None)


def named_in(message: str) -> str | None:
    """Return the option at fault: the one that a message begins with, `beam_size: expected ...`, or the first it names.

    Example: "nano-ctc-ko does not know the language 'xx'" is about `language`.
    """
    first, colon, _ = message.partition(":")
    if colon and first.isidentifier():
        return first
    return next((word for word in re.findall(r"\b[a-z_]+\b", message) if word in _options()), None)


@cache
def _options() -> frozenset[str]:
    return frozenset(name for each in (SourceOptions, SpeechOptions, DecodeOptions) for name in options_of(each))


def busy(what: str, retry_after: float) -> Refusal:
    """Return the refusal of work that there is no room for now."""
    return Refusal(429, "server_busy", what, retry_after=retry_after)


def draining() -> Refusal:
    """Return the refusal of a service that ends."""
    return Refusal(503, "shutting_down", "the service is shutting down; try another one, or again later", None, 5.0)


def failed() -> Refusal:
    """Return what a client is told of a fault of ours, whose text is for the log alone."""
    return Refusal(500, "internal_error", "the service has failed; its log says why")
