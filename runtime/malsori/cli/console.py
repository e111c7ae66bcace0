"""What the command says: results on stdout, UTF-8 in every locale; harmless one-line messages on stderr."""

from __future__ import annotations

import faulthandler
import io
import os
import re
import sys
from typing import TextIO

from ..errors import OutputError

# A C locale must not change a result; an undecodable byte of a file name comes out as \udcXX, which JSON reads back.
ENCODING = ("utf-8", "backslashreplace")


def emit(text: str) -> None:
    """Write `text` to stdout at once.

    Raises:
        BrokenPipeError: nobody reads it any more, or stdout was closed from the start.
        OutputError: it cannot be written for another reason, such as a full disk.
    """
    if sys.stdout is None:
        raise BrokenPipeError("standard output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper) and (sys.stdout.encoding, sys.stdout.errors) != ENCODING:
        sys.stdout.reconfigure(encoding=ENCODING[0], errors=ENCODING[1])
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon(sys.stdout)
        raise
    except OSError as error:
        _abandon(sys.stdout)
        raise OutputError.unwritten("standard output", error) from error


def complain(message: str) -> None:
    """Write one line `malsori: message` to stderr; results are worth more than a log that nobody can read any more."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(f"malsori: {printable(message)}\n")
            sys.stderr.flush()
        except OSError:
            _abandon(sys.stderr)


def keep_stderr_for_us() -> None:
    """Keep native libraries off stderr for the rest of this process; our messages and crash reports still go there.

    Engines, drivers and codecs print lines of their own, not all of which have a switch; a failed file is to cost one
    line, ours. `--debug` leaves everything as it was.
    """
    if sys.stderr is None:
        return
    try:
        ours = os.dup(sys.stderr.fileno())
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    except (OSError, ValueError):  # replaced by something without a descriptor
        return
    sys.stderr = open(ours, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")  # noqa: SIM115
    faulthandler.enable(sys.stderr)


def printable(text: str) -> str:
    r"""Return `text` with everything that a terminal would obey or could not show written as an escape.

    Example: a file called `a<ESC>[2J.wav` is shown as `a\x1b[2J.wav`, an undecodable byte 0xFF as `\xff`.
    """
    return re.sub(r"[^ -~]", _escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # how Python carries a byte of a name that is not UTF-8 (PEP 383)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _abandon(stream: TextIO) -> None:
    """Point a stream that cannot be written at nothing, so that the interpreter's last flush does not complain too."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # replaced by something without a descriptor
        return
