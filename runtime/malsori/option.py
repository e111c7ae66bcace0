"""An option is written once: as a field of a frozen dataclass, with a paragraph of the class's docstring.

    beam_size: hypotheses kept. What follows the first sentence is for the documentation alone.

    beam_size: int | None = option(None, Count(256, or_none=True), "--beam-size", "--beam-width")

From that come its keyword (`put`), its flag (`cli/parser.py`), its check and the text of its error (`check`), the JSON
schema of a service (`schema`) and its row in docs/options.md. A field that holds options of its own is a `group`, whose
options are keywords as if they stood beside it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

from .errors import OptionError
from .kinds import Kind

T = TypeVar("T")
KEY = "malsori"  # in the metadata of a field, of its `Option` or its group's family
_PARAGRAPH = re.compile(r"^(\w+): (.*(?:\n {4}.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """The description of an option. `family` is the only one whose models have it, "CTC" or "Whisper", or ""."""

    default: Any
    kind: Kind
    flags: tuple[str, ...] = ()  # how its flag may be spelled
    family: str = ""
    text: str = ""
    group: str = ""  # name of the field that holds its group, if any

    @property
    def help(self) -> str:
        """The first sentence of its text."""
        return self.text.partition(". ")[0].rstrip(".")

    def differs(self, value: Any) -> bool:
        """Return whether a value is not the default. What it cannot be is not compared: arrays compare their items."""
        return value is not self.default and (not self.kind.allows(value) or bool(value != self.default))


def option(default: Any, kind: Kind, *flags: str, family: str = "") -> Any:
    """Return a dataclass field with the description of an option; `flags` only where they differ from its name."""
    return field(default=default, metadata={KEY: Option(default, kind, flags, family)})


def group(default: Any, family: str = "") -> Any:
    """Return a dataclass field that holds the options of a class of its own."""
    return field(default=default, metadata={KEY: family})


@cache
def options_of(options: type, family: str = "", group: str = "") -> dict[str, Option]:
    """Return the options of a class by name, those of its groups too, with all that is known of each."""
    texts = dict(_PARAGRAPH.findall(inspect.cleandoc(options.__doc__ or "")))
    found: dict[str, Option] = {}
    for spec in fields(options):
        kept, text = spec.metadata.get(KEY), " ".join(texts.get(spec.name, "").split())
        if isinstance(kept, Option):
            flags = kept.flags or (f"--{spec.name.replace('_', '-')}",)
            found[spec.name] = replace(kept, flags=flags, family=kept.family or family, text=text, group=group)
        elif kept is not None:
            default: Any = spec.default
            found |= options_of(type(default), kept, spec.name)  # type: ignore[arg-type]  # classes are hashable
    return found


def values_of(options: Any) -> Iterator[tuple[str, Option, Any]]:
    """Yield name, description and value of the options of an object, those of its groups too.

    Raises `OptionError` where a group has a value of another class.
    """
    for spec in fields(options):
        if isinstance(spec.metadata.get(KEY), str) and not isinstance(getattr(options, spec.name), type(spec.default)):
            expected = type(spec.default).__name__
            raise OptionError(f"{spec.name}: expected {expected}, found {getattr(options, spec.name)!r}")
    for name, kept in options_of(options.__class__).items():
        yield name, kept, getattr(getattr(options, kept.group) if kept.group else options, name)


def non_defaults(options: Any) -> dict[str, Any]:
    """Return the values that are not at their defaults, by name."""
    return {name: value for name, kept, value in values_of(options) if kept.differs(value)}


def check(options: Any, *but: str) -> None:
    """Raise `OptionError` for the first value that its option cannot have; those named in `but` are not checked."""
    for name, kept, value in values_of(options):
        if name not in but:
            kept.kind.check(name, value)


def put(options: T, values: dict[str, Any]) -> T:
    """Return the options with those of the `values` that are theirs, by name; these are taken out of `values`."""
    own: dict[str, Any] = {}
    for spec in fields(options):  # type: ignore[arg-type]
        kept = spec.metadata.get(KEY)
        if isinstance(kept, Option) and spec.name in values:
            own[spec.name] = kept.kind.plain(values.pop(spec.name))
        elif isinstance(kept, str):
            whole = values.pop(spec.name, getattr(options, spec.name))
            own[spec.name] = put(whole, values) if isinstance(whole, type(spec.default)) else whole
    return replace(options, **own) if own else options  # type: ignore[type-var]


def schema(*classes: type) -> dict[str, Any]:
    """Return the JSON schema of an object that has the options of some classes as its members."""
    members = {name: _member(kept) for each in classes for name, kept in options_of(each).items() if kept.kind.schema}
    return {"type": "object", "properties": members, "additionalProperties": False}


def nearest(name: str, known: Collection[str], *, quoted: bool = True) -> str:
    """Return `; did you mean 'X'?` for the nearest of the names there are, or nothing."""
    near = get_close_matches(name, known, 1)
    return f"; did you mean {repr(near[0]) if quoted else near[0]}?" if near else ""


def _member(kept: Option) -> dict[str, Any]:
    default = list(kept.default) if isinstance(kept.default, tuple) else kept.default
    value = {"anyOf": [kept.kind.schema, {"type": "null"}]} if kept.kind.or_none else kept.kind.schema
    return {**value, "description": kept.text, **({} if is_dataclass(default) else {"default": default})}
