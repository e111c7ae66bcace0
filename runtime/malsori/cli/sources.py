"""What the FILE arguments of a command stand for: paths, and `-` for what comes in on standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

STDIN = "-"


def sources(files: Sequence[str]) -> list[Any]:
    """Return what `malsori.audio.decode` takes: each path as it is, the binary stream of standard input for `-`.

    Raises:
        OptionError: standard input is closed, or asked for twice, when there is only one to be read.
    """
    from ..errors import OptionError

    if STDIN in files and sys.stdin is None:
        raise OptionError("standard input is closed; redirect a file to it: malsori transcribe - < FILE")
    if files.count(STDIN) > 1:
        raise OptionError("- is standard input, which can be read once")
    return [sys.stdin.buffer if file == STDIN else file for file in files]


def names(files: Sequence[str]) -> list[str]:
    """Return what outputs are named after: `stdin` for `-`."""
    return ["stdin" if file == STDIN else file for file in files]
