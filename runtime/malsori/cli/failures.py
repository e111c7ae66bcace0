"""Errors on stderr: that of one input on a line that begins with its name, that of a command with its flags' names."""

from __future__ import annotations

import re
import textwrap
import traceback

from ..errors import AudioError, MalsoriError, ModelNotFound, OptionError
from .console import complain

SINGLE = ("track", "threads", "device", "memory", "layer")  # words that are flags as they are
WIDEST = 90  # characters of a line, behind the name of the command


def report(file: str, error: Exception, *, debug: bool) -> None:
    """Write the line for `file` to stderr."""
    if debug:
        traceback.print_exception(error)
    # The message of an AudioError already begins with the name.
    complain(str(error) if isinstance(error, AudioError) else f"{file}: {error}")


def report_command(error: MalsoriError) -> None:
    """Write to stderr the error that ended a command. What to type next stays on one line, so that it can be copied."""
    if not isinstance(error, ModelNotFound):
        complain(_with_flag(str(error)) if isinstance(error, OptionError) else str(error))
        return
    first, *rest = error.lines
    complain(first)
    for line in rest:
        for part in textwrap.wrap(line, WIDEST, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
            complain(part)


def _with_flag(message: str) -> str:
    """Return a message with the flag in place of the option at its beginning, or behind `has no`.

    Examples: `padding_ms: expected ...` becomes `--vad-speech-pad-ms: expected ...`, `base has no language_model; ...`
    becomes `base has no --lm; ...`.
    """
    found = re.match(r"[a-z_]+(?=[: ])", message) or re.search(r"(?<= has no )[a-z_]+(?=;)", message)
    flags = _flags()
    if found is None or (found[0] not in flags and "_" not in found[0]):
        return message
    flag = flags.get(found[0]) or f"--{found[0].replace('_', '-')}"
    return message[: found.start()] + flag + message[found.end() :]


def _flags() -> dict[str, str]:
    """Return the flags of options by the options' names."""
    from ..engines.options import DecodeOptions
    from ..engines.session import SessionOptions
    from ..option import explained
    from ..output.cues import CueOptions
    from ..sound_options import GateOptions

    known = [explained(options) for options in (DecodeOptions, GateOptions, SessionOptions, CueOptions)]
    own = {name: each.flags[0] for options in known for name, each in options.items()}
    return {**own, **{word: f"--{word}" for word in SINGLE}, "context_s": "--context"}
