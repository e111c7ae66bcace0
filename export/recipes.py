"""Recipes: what is known of published wav2vec2/XLSR checkpoints, read from `models/<name>.toml`.

    python -m export.recipes

prints them as a table. `export/wav2vec2.py` takes a recipe's name as its source. A recipe says of each of its parts
what vouches for it; what could not be looked up is under `unverified`, and an export reads the truth from the
checkpoint anyhow: a recipe only supplies the source, the model card's facts and the recommended flags.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export.common import ExportRefused

FOLDER = Path(__file__).resolve().parent.parent / "models"
PARTS = ("licence", "model", "vocabulary", "sound", "text")  # each is in `verified` or in `unverified`


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`vocab.json` and the tokenizer's settings.

    `tokens` are the published ones in the order of their ids, or empty where no copy was found; then `size` and the
    ids in `special` are all that is known. `added` are tokens that the tokenizer puts behind them by itself.
    """

    size: int
    blank: str
    unknown: str
    delimiter: str
    lower_case: bool
    special: dict[str, int]
    tokens: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One file. `model` is the part of `config.json` that decides the graph, in its own spelling."""

    name: str
    source: str
    languages: tuple[str, ...]
    licence: str
    description: str
    export: dict[str, Any]
    model: dict[str, Any]
    vocabulary: Vocabulary
    sound: dict[str, bool]
    text: dict[str, str]
    verified: dict[str, str]
    unverified: dict[str, str]

    def options(self) -> dict[str, Any]:
        """Return what the recipe sets on the command line where its user sets nothing."""
        facts = {"languages": self.languages, "description": self.description}
        licence = {} if self.licence == "unknown" else {"licence": self.licence}
        return facts | licence | self.export


def names() -> tuple[str, ...]:
    """Return the names of all recipes, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read(name: str) -> Recipe:
    """Read one recipe. Raises `ExportRefused` for a name there is no file of, and for a file that is not one."""
    path = FOLDER / f"{name}.toml"
    facts = _parse(path)
    try:
        evidence, vocabulary = facts.pop("evidence"), facts.pop("vocabulary")
        listed = {key: tuple(vocabulary.pop(key, ())) for key in ("tokens", "added")}
        facts["languages"] = tuple(facts["languages"])
        return Recipe(name=name, vocabulary=Vocabulary(**vocabulary, **listed), **facts, **evidence)
    except (KeyError, TypeError) as error:
        raise ExportRefused(f"{path}: not a recipe ({error})") from error


def find(source: str) -> Recipe | None:
    """Return the recipe of that name; None for a hub's name, and for an existing folder, which comes first."""
    if Path(source).exists() or source not in names():
        return None
    return read(source)


def _parse(path: Path) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError as error:  # Python 3.10
        reason = f"reading recipes needs Python 3.11; give the checkpoint's own name, see `source` in {path}"
        raise ExportRefused(reason) from error
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ExportRefused(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise ExportRefused(f"{path}: {error}") from error


def table() -> str:
    """Return all recipes as a Markdown table."""
    head = ("recipe", "source", "languages", "licence", "size", "tokens", "blank", "words end at", "not verified")
    rows = [_row(read(name)) for name in names()]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))


def _row(recipe: Recipe) -> tuple[str, ...]:
    vocabulary = recipe.vocabulary
    size = f"{recipe.model['num_hidden_layers']} x {recipe.model['hidden_size']}"
    blank = f"`{vocabulary.blank}` {vocabulary.special[vocabulary.blank]}"
    delimiter = f"`{vocabulary.delimiter}`".replace("|", "\\|")
    known = f"{vocabulary.size}{'' if vocabulary.tokens else ' (not listed)'}"
    doubtful = ", ".join(recipe.unverified) or "-"
    return (
        recipe.name, recipe.source, ", ".join(recipe.languages), recipe.licence, size, known, blank, delimiter, doubtful
    )  # fmt: skip


class List(argparse.Action):
    """`--list-recipes`: print the table and leave, whatever else the command line says or lacks."""

    def __init__(self, option_strings: Sequence[str], dest: str, **named: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, **named)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(table())
        parser.exit()


if __name__ == "__main__":
    print(table())
