"""What the FILE arguments of a command stand for: paths, and `-` for what comes in on standard input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

STDIN = "-"


def sources(files: Sequence[str]) -> list[Any]:
    """Return what `malsori.audio.decode` takes: each path as it is, the binary stream of standard input for `-`."""
    return [sys.stdin.buffer if file == STDIN else file for file in files]


def names(files: Sequence[str]) -> list[str]:
    """Return what outputs are named after: `stdin` for `-`."""
    return ["stdin" if file == STDIN else file for file in files]


def folder(text: str) -> str:
    """Return the name of a folder; an empty one is more likely an unset variable than the folder one stands in."""
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a folder, found an empty text")
    return text
