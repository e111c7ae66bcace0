"""The command line is the settings: a field of a dataclass is a flag, named like it, with its default."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any, TypeVar

Kind = TypeVar("Kind")
SHARED = ("training", "bundle")  # groups that every subject has; on the command line its own stand before them


def option(default: Any, text: str, **shape: Any) -> Any:
    """Declare a field that is a flag too: `text` is its help, `shape` what argparse is told, `also` a second name."""
    return field(default=default, metadata={"help": text, **shape})


def group(title: str, kind: type) -> Any:
    """Declare a field that holds options of this kind: a group of flags."""
    return field(default_factory=kind, metadata={"title": title, "kind": kind})


def groups(settings: type) -> list[Field[Any]]:
    """Return the fields that hold options, as they stand on the command line."""
    return sorted((each for each in fields(settings) if "title" in each.metadata), key=lambda each: each.name in SHARED)


def parse(kind: type[Kind], description: str, given: Sequence[str] | None = None) -> Kind:
    """Return what was asked for."""
    asked = vars(_parser(kind, description).parse_args(given))
    asked["work"] = asked["work"] or asked["out"].with_name(f"{asked['out'].name}.work")
    parts = {each.name: _part(each.metadata["kind"], asked) for each in groups(kind)}
    return kind(**{name: asked[name] for name in ("source", "out", "work", "revision", "resume")}, **parts)


def _part(kind: type, asked: dict[str, Any]) -> Any:
    return kind(**{each.name: asked[each.name] for each in fields(kind)})


def _parser(kind: type[Kind], description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help=f"{kind.checkpoint}'s folder, or its name on the Hugging Face hub")
    parser.add_argument("manifest", type=Path, help="the recordings to learn from: .tsv, .csv or .jsonl")
    parser.add_argument("out", type=Path, help="the bundle folder to make; it must not exist")
    parser.add_argument("--work", type=Path, metavar="DIR", help="checkpoints, curve, what was left out (OUT.work)")
    parser.add_argument("--revision", help="hub revision: branch, tag or commit")
    resume = "go on from the work folder's last checkpoint, if there is one; --no-resume forgets them"
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True, help=f"{resume} (%(default)s)")
    for part in groups(kind):
        flags = parser.add_argument_group(part.metadata["title"])
        for each in fields(part.metadata["kind"]):
            if "help" in each.metadata:
                _add(flags, each.name, each.default, **each.metadata)
    return parser


def _add(flags: Any, name: str, default: Any, *, help: str, also: Sequence[str] = (), **shape: Any) -> None:
    """Add one flag; a default that says something is shown."""
    if default is False:
        shape["action"] = "store_true"
    elif isinstance(default, (int, float)):
        shape.setdefault("type", type(default))
    shown = "" if default is None or default is False or default == "" else " (%(default)s)"
    flags.add_argument(f"--{name.replace('_', '-')}", *also, dest=name, default=default, help=help + shown, **shape)
