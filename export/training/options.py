"""Fields of a dataclass that are flags, each named like its field; `command_line.py` reads what is given for them."""

from __future__ import annotations

from dataclasses import Field, field, fields
from typing import Any

SHARED = ("training", "bundle")  # groups that every subject has; on the command line its own stand before them


def flag(default: Any, text: str, **shape: Any) -> Any:
    """Declare a field that is a flag too: `text` is its help, `shape` what argparse is told, `also` a second name."""
    return field(default=default, metadata={"help": text, **shape})


def flags(title: str, kind: type) -> Any:
    """Declare a field that holds options of this kind: a group of flags."""
    return field(default_factory=kind, metadata={"title": title, "kind": kind})


def groups(settings: type) -> list[Field[Any]]:
    """Return the fields that hold options, as they stand on the command line."""
    return sorted((each for each in fields(settings) if "title" in each.metadata), key=lambda each: each.name in SHARED)
