"""How one failed input is told: one line that begins with its name, and the traceback only when asked for."""

from __future__ import annotations

import traceback

from ..errors import AudioError
from .console import complain


def report(file: str, error: Exception, *, debug: bool) -> None:
    """Write the line for `file` to stderr."""
    if debug:
        traceback.print_exception(error)
    # The message of an AudioError already begins with the name.
    complain(str(error) if isinstance(error, AudioError) else f"{file}: {error}")
