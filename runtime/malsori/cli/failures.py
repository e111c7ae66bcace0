"""How a failure is told: one input's in one line that begins with its name, a model's that is not here in several."""

from __future__ import annotations

import textwrap
import traceback

from ..errors import AudioError, MalsoriError, ModelNotFound
from .console import complain

WIDEST = 90  # characters of a line, behind the name of the command


def report(file: str, error: Exception, *, debug: bool) -> None:
    """Write the line for `file` to stderr."""
    if debug:
        traceback.print_exception(error)
    # The message of an AudioError already begins with the name.
    complain(str(error) if isinstance(error, AudioError) else f"{file}: {error}")


def tell(error: MalsoriError) -> None:
    """Write to stderr what stopped a command. What to type next stays on one line, so that it can be copied."""
    if not isinstance(error, ModelNotFound):
        complain(str(error))
        return
    first, *rest = error.lines
    complain(first)
    for line in rest:
        for part in textwrap.wrap(line, WIDEST, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
            complain(part)
