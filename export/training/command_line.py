"""The command line of a run is its settings: from flags to an object of the class that a subject names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from export.training.options import groups
from export.training.settings import Settings

Asked = TypeVar("Asked", bound=Settings)


def parse(settings: type[Asked], description: str, given: Sequence[str] | None = None) -> Asked:
    """Return what was asked for."""
    asked = vars(_parser(settings, description).parse_args(given))
    asked["work"] = asked["work"] or asked["out"].with_name(f"{asked['out'].name}.work")
    parts = {each.name: _part(each.metadata["kind"], asked) for each in groups(settings)}
    return settings(**{name: asked[name] for name in ("source", "out", "work", "revision", "resume")}, **parts)


def _part(kind: type, asked: dict[str, Any]) -> Any:
    return kind(**{each.name: asked[each.name] for each in fields(kind)})


def _parser(settings: type[Settings], description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help=f"{settings.checkpoint}'s folder, or its name on the Hugging Face hub")
    parser.add_argument("manifest", type=Path, help="the recordings to learn from: .tsv, .csv or .jsonl")
    parser.add_argument("out", type=Path, help="the bundle folder to make; it must not exist")
    parser.add_argument("--work", type=Path, metavar="DIR", help="checkpoints, curve, what was left out (OUT.work)")
    parser.add_argument("--revision", help="hub revision: branch, tag or commit")
    resume = "go on from the work folder's last checkpoint, if there is one; --no-resume forgets them"
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True, help=f"{resume} (%(default)s)")
    for part in groups(settings):
        group = parser.add_argument_group(part.metadata["title"])
        for each in fields(part.metadata["kind"]):
            if "help" in each.metadata:
                _add(group, each.name, each.default, **each.metadata)
    return parser


def _add(group: Any, name: str, default: Any, *, help: str, also: Sequence[str] = (), **shape: Any) -> None:
    """Add one flag; a default that says something is shown."""
    if default is False:
        shape["action"] = "store_true"
    elif isinstance(default, (int, float)):
        shape.setdefault("type", type(default))
    shown = "" if default is None or default is False or default == "" else " (%(default)s)"
    group.add_argument(f"--{name.replace('_', '-')}", *also, dest=name, default=default, help=help + shown, **shape)
