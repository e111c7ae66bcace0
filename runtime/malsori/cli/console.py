"""What the command prints: results on stdout, in UTF-8 in every locale; messages and errors on stderr, in one line."""

from __future__ import annotations

import faulthandler
import io
import json
import os
import re
import sys
import textwrap
import traceback
from typing import Any, TextIO

from ..errors import AudioError, MalsoriError, ModelNotFound, OptionError, OutputError

# A C locale must not change a result; an undecodable byte of a file name is written as \udcXX, which JSON reads back.
ENCODING = ("utf-8", "backslashreplace")
SINGLE = (
    "track",
    "threads",
    "device",
    "memory",
    "layer",
    "speed",
)  # options of one word, whose flags are named like them
_OPTION = re.compile(r"^[a-z_]+(?=[: ])|(?<= has no )[a-z_]+(?=;)|(?<= )[a-z]+(?:_[a-z]+)+(?= of \d| names )")
WIDEST = 90  # characters of a line, behind the name of the command


def emit(text: str) -> None:
    """Write `text` to stdout at once.

    Raises:
        BrokenPipeError: its reader has gone, or stdout was closed from the start.
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
        _discard_output(sys.stdout)
        raise
    except OSError as error:
        _discard_output(sys.stdout)
        raise OutputError.unwritten("standard output", error) from error


def emit_json(value: Any) -> None:
    """Write a result for programs to stdout, as indented JSON. Raises as `emit`."""
    emit(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def complain(message: str) -> None:
    """Write one line `malsori: message` to stderr; where that cannot be written, drop it, since results go on."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(f"malsori: {printable(message)}\n")
            sys.stderr.flush()
        except OSError:
            _discard_output(sys.stderr)


def report(file: str, error: Exception, *, debug: bool) -> None:
    """Write to stderr, in one line, why a file failed."""
    if debug:
        traceback.print_exception(error)
    # The message of an AudioError already begins with the name.
    complain(str(error) if isinstance(error, AudioError) else f"{file}: {error}")


def report_command(error: MalsoriError) -> None:
    """Write to stderr the error that ended a command. What to type next stays on one line, so that it can be copied."""
    if not isinstance(error, ModelNotFound):
        complain(with_flag(str(error)) if isinstance(error, OptionError) else str(error))
        return
    first, *rest = error.lines
    complain(first)
    for line in rest:
        for part in textwrap.wrap(line, WIDEST, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
            complain(part)


def printable(text: str) -> str:
    r"""Return `text` with control characters and what a terminal cannot show written as escapes.

    Example: a file called `a<ESC>[2J.wav` is shown as `a\x1b[2J.wav`, an undecodable byte 0xFF as `\xff`.
    """
    return re.sub(r"[^ -~]", _escape, text)


def silence_native_libraries() -> None:
    """Keep native libraries from writing to stderr in this process; messages and crash reports still go there.

    Engines, drivers and codecs print lines of their own, not all of which have a switch; a failed file should cost one
    line. With `--debug` this is not called.
    """
    if sys.stderr is None:
        return
    try:
        descriptor = os.dup(sys.stderr.fileno())
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    except (OSError, ValueError):  # replaced by something without a descriptor
        return
    encoding = sys.stderr.encoding
    sys.stderr = open(descriptor, "w", buffering=1, encoding=encoding, errors="backslashreplace")  # noqa: SIM115
    faulthandler.enable(sys.stderr)


def with_flag(message: str) -> str:
    """Return a message with flags in place of options: at its beginning, behind `has no`, before `of N` and `names`.

    Examples: `padding_ms: expected ...` becomes `--vad-speech-pad-ms: expected ...`, `lm_alpha weighs a language model,
    and language_model names none` becomes `--lm-alpha weighs a language model, and --lm names none`. Elsewhere a path
    may stand.
    """
    flags = _flags()

    def flag(found: re.Match[str]) -> str:
        name = found[0]
        return flags.get(name, name if found.start() or "_" not in name else f"--{name.replace('_', '-')}")

    return _OPTION.sub(flag, message)


def _flags() -> dict[str, str]:
    """Return the flags of options by the options' names."""
    from ..engines.options import DecodeOptions
    from ..engines.session import SessionOptions
    from ..option import options_of
    from ..output.cues import CueOptions
    from ..sound_options import GateOptions

    known = [options_of(options) for options in (DecodeOptions, GateOptions, SessionOptions, CueOptions)]
    own = {name: each.flags[0] for options in known for name, each in options.items()}
    return {**own, **{word: f"--{word}" for word in SINGLE}, "context_s": "--context"}


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # how Python carries a byte of a name that is not UTF-8 (PEP 383)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _discard_output(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to the null device, so that the interpreter's last flush is no error."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # replaced by something without a descriptor
        return
