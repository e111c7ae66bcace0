"""What the service writes down: one line an event, as text or as JSON, to stderr.

No line may have sound, text, keys, query strings or names of files in it. Callers of `log` give facts, and an exception
is told by its class and places (`blame`), not by its message, which might quote what somebody said. What a client chose
is escaped and cut here. Other libraries' warnings go the same way, cut to their first line; their chatter is left out
at any level: below WARNING uvicorn writes the query string of each WebSocket, and websockets what is in the frames.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")
LONGEST = 200  # characters of a value
UNTRUE = "ASGI callable returned without completing handshake."  # uvicorn 0.54, of each socket that is refused in order
PLACES = 6  # frames of an exception
NOISY = ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets")  # below WARNING they write what clients sent
FACTS = "facts"  # the attribute of a record with what it tells

if TYPE_CHECKING:
    _TextHandler = logging.StreamHandler[TextIO]
else:  # which Python 3.10 cannot subscript
    _TextHandler = logging.StreamHandler

Fact: TypeAlias = str | int | float | None
_log = logging.getLogger("malsori.service")


def start_logging(form: str = "text", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all that is logged in this process to a stream, stderr unless another is given, in one of `LOG_FORMATS`."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(ObjectLines() if form == "json" else TextLines())
    handler.addFilter(lambda record: record.getMessage() != UNTRUE)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    _log.setLevel(level.upper())
    for name in NOISY:
        noisy = logging.getLogger(name)
        noisy.handlers.clear()
        noisy.propagate = True
        noisy.setLevel(logging.WARNING)


def log(event: str, level: str = "info", **facts: Fact) -> None:
    """Write one line: an event and its facts; those that are None are left out."""
    told = {name: value for name, value in facts.items() if value is not None}
    _log.log(logging.getLevelName(level.upper()), event, extra={FACTS: told})


def blame(error: BaseException) -> dict[str, Fact]:
    """Return class and places of an exception as facts, the innermost place first, and the class of its cause."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-PLACES:])
    told: dict[str, Fact] = {
        "error": type(error).__name__,
        "at": " < ".join(f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames),
    }
    cause = error.__cause__ or error.__context__
    return told | ({"cause": type(cause).__name__} if cause else {})


class TextLines(logging.Formatter):
    """One line a record: time, level, event, then `name=value`, quoted where that is needed."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        words = [_time(record), record.levelname.lower(), _event(record)]
        return " ".join([*words, *(f"{name}={_quoted(value)}" for name, value in _facts(record).items())])


class ObjectLines(logging.Formatter):
    """One line a record: an object in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        facts = {name: _cut(value) if isinstance(value, str) else value for name, value in _facts(record).items()}
        head = {"time": _time(record), "level": record.levelname.lower(), "event": _event(record)}
        return json.dumps(head | facts).replace("\x7f", "\\u007f")  # the one control that is not escaped


class _Handler(_TextHandler):
    """A stream that may be full or closed: then lines are lost, and the service goes on."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def _event(record: logging.LogRecord) -> str:
    return record.getMessage() if hasattr(record, FACTS) else "library"


def _facts(record: logging.LogRecord) -> Mapping[str, Fact]:
    """Return what a record tells; of another library's, the first line, because the next ones quote objects."""
    ours: Mapping[str, Fact] | None = getattr(record, FACTS, None)
    if ours is not None:
        return ours
    error = record.exc_info[1] if record.exc_info else None
    line = record.getMessage().strip().partition("\n")[0]
    return {"logger": record.name, "message": line, **(blame(error) if error else {})}


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"


def _quoted(value: Fact) -> str:
    shown = "".join(map(_escaped, _cut(str(value))))
    return shown if shown and not set(shown) & set(' "=\\') else f'"{shown}"'


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _escaped(character: str) -> str:
    """Escape what a terminal or a reader of lines would obey: controls, marks of direction, breaks, quotes."""
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"
