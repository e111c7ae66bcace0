"""Recipes: what is known of published checkpoints, read from `models/<name>.toml`.

    python -m export.recipes

prints them as tables: wav2vec2/XLSR, described here, and Whisper (`kind = "whisper"`), in `whisper_recipe.py`. The
scripts that export take a recipe's name as their source. A recipe says of each of its parts what vouches for it; what
could not be looked up is under `unverified`, and an export reads the truth from the checkpoint anyhow: a recipe only
supplies the source, what no checkpoint says of itself, and the recommended flags.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export.common import ExportRefused
from export.whisper_recipe import KIND, WhisperRecipe

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
    """One file of a wav2vec2 checkpoint; `model` is the part of its `config.json` that decides the graph."""

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


Kind = TypeVar("Kind", Recipe, WhisperRecipe)
SCRIPTS = {Recipe: "export/wav2vec2.py", WhisperRecipe: "export/whisper.py"}


def names(kind: type = Recipe) -> tuple[str, ...]:
    """Return the names of all recipes of one kind, sorted."""
    return tuple(name for name in _files() if _kind(_parse(FOLDER / f"{name}.toml")) is kind)


def read(name: str) -> Recipe | WhisperRecipe:
    """Read one recipe. Raises `ExportRefused` for a name there is no file of, and for a file that is not one."""
    path = FOLDER / f"{name}.toml"
    facts = _parse(path)
    try:
        if _kind(facts) is WhisperRecipe:
            return WhisperRecipe.from_facts(name, facts)
        evidence, vocabulary = facts.pop("evidence"), facts.pop("vocabulary")
        listed = {key: tuple(vocabulary.pop(key, ())) for key in ("tokens", "added")}
        facts["languages"] = tuple(facts["languages"])
        return Recipe(name=name, vocabulary=Vocabulary(**vocabulary, **listed), **facts, **evidence)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ExportRefused(f"{path}: not a recipe ({error})") from error


def find(source: str, kind: type[Kind] = Recipe) -> Kind | None:
    """Return the recipe of that name; None for a hub's name, and for an existing folder, which comes first.

    Raises `ExportRefused` for the name of a recipe of another kind.
    """
    if Path(source).exists() or source not in _files():
        return None
    recipe = read(source)
    if not isinstance(recipe, kind):
        raise ExportRefused(f"{source}: a recipe for {SCRIPTS[type(recipe)]}, not for {SCRIPTS[kind]}")
    return recipe


def of_source(source: str, kind: type[Kind]) -> Kind | None:
    """Return the recipe of the checkpoint with that name on the hub; None without one, and on Python 3.10."""
    if sys.version_info < (3, 11) or Path(source).exists():
        return None
    return next((recipe for recipe in map(read, names(kind)) if recipe.source == source), None)


def apply(parser: argparse.ArgumentParser, asked: argparse.Namespace, given: Sequence[str] | None, kind: type) -> bool:
    """Complete `asked` from the recipe that its source names, if any; what its user set in `given` stays.

    Prints the error and returns False where the name is one of a recipe that does not serve.
    """
    try:
        # By its hub name too: a Whisper checkpoint does not say what it was trained for, its recipe does.
        recipe = find(asked.source, kind) or (of_source(asked.source, kind) if kind is WhisperRecipe else None)
    except ExportRefused as error:
        print(f"error: {error}", file=sys.stderr)
        return False
    if recipe:
        parser.set_defaults(**recipe.options())
        vars(asked).update(vars(parser.parse_args(given)), source=recipe.source)
    return True


def _files() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _kind(facts: dict[str, Any]) -> type:
    return WhisperRecipe if facts.get("kind") == KIND else Recipe


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


def table(kind: type = Recipe) -> str:
    """Return the recipes of one kind as a Markdown table."""
    head = ("recipe", "source", "languages", "licence", "size", "tokens", "blank", "words end at", "not verified")
    recipes = [read(name) for name in names(kind)]
    if kind is WhisperRecipe:
        head, rows = WhisperRecipe.HEAD, [recipe.row() for recipe in recipes]
    else:
        rows = [_row(recipe) for recipe in recipes]
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
    """`--list-recipes`: print the table of one kind and leave, whatever else the command line says or lacks."""

    def __init__(self, option_strings: Sequence[str], dest: str, kind: type = Recipe, **named: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, **named)
        self.kind = kind

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(table(self.kind))
        parser.exit()


if __name__ == "__main__":
    print(table(Recipe), table(WhisperRecipe), sep="\n\n")
