"""Flags made of the descriptions of options, and the values that flags have."""

from __future__ import annotations

import argparse
from typing import Any

from ..kinds import Choice, Switch
from ..option import Option, explained
from .parser import boolean, reader

NOT_AT_ALL = object()  # a threshold of none, which is not the same as a flag that was not given


def add_flags(group: argparse._ActionsContainer, options: type, *names: str) -> None:
    """Add the flags of some options of a class, or of all."""
    known = explained(options)
    for name in names or known:
        group.add_argument(*known[name].flags, dest=name, help=_help(known[name]), **_settings(known[name]))


def chosen(args: argparse.Namespace, *classes: type) -> dict[str, Any]:
    """Return the values of the options of some classes that flags ask for."""
    values = {name: getattr(args, name, None) for each in classes for name in explained(each)}
    return {name: None if value is NOT_AT_ALL else value for name, value in values.items() if value is not None}


def _settings(option: Option) -> dict[str, Any]:
    """Return what argparse is to be told of a flag beside its spellings."""
    if isinstance(option.kind, Switch):
        return {"type": boolean, "nargs": "?", "const": True, "metavar": option.kind.metavar}
    if isinstance(option.kind, Choice):
        return {"choices": option.kind.words}
    read = reader(option.kind)

    def read_or_none(text: str) -> Any:
        value = read(text)
        return NOT_AT_ALL if value is None and option.default is not None else value

    return {"type": read_or_none, "metavar": option.kind.metavar}


def _help(option: Option) -> str:
    """Return its first sentence, with the default unless it is said there or is what stands for nothing."""
    default = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
    remarks = [default] if option.default not in (None, False, ()) else []
    remarks += ["CTC"] if option.family == "CTC" else []  # flags of Whisper alone stand in groups of their own
    return option.help if not remarks or option.help.endswith(")") else f"{option.help} ({'; '.join(remarks)})"
