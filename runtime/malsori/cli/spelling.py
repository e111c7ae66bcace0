"""Flags as the whisper family spells them, rewritten to the one spelling that argparse is given."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def normalise(arguments: Sequence[str], booleans: Collection[str]) -> list[str]:
    """Return `arguments` with hyphens for underscores in flags and a value glued to each boolean flag.

    Everything after `--` is left alone. Example, with `--vad` a boolean: `--output_dir o --vad a.wav` becomes
    `--output-dir o --vad=true a.wav`; argparse alone would take `a.wav` for the value of `--vad`.
    """
    return list(_rewritten(arguments, booleans))


def boolean(text: str) -> bool:
    """Read the value of a boolean flag, as an argparse type."""
    word = text.lower()
    if word not in TRUE | FALSE:
        raise argparse.ArgumentTypeError(f"expected True or False, found {text!r}")
    return word in TRUE


def _rewritten(arguments: Sequence[str], booleans: Collection[str]) -> Iterator[str]:
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            yield from arguments[position:]
            return
        flag, equals, value = argument.partition("=")
        if flag.startswith("--"):
            flag = flag.replace("_", "-")
        if flag in booleans and not equals:
            following = arguments[position + 1].lower() if position + 1 < len(arguments) else ""
            given = following in TRUE | FALSE
            equals, value = "=", following if given else "true"
            position += given
        yield f"{flag}{equals}{value}"
        position += 1
