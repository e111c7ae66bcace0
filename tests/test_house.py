"""The package reads well: no name is used twice, files and functions are short, and the docs name files that exist."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import malsori
from tests.shipped import ROOT

PACKAGE = Path(malsori.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
COMMON = {"__init__", "base", "options", "engine"}  # names that say the same in each folder
LONGEST_FILE, LONGEST_FUNCTION = 250, 60  # lines


def twice(names: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names that stand in more than one place, with these places."""
    places = defaultdict(list)
    for name, place in names:
        places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def test_no_two_classes_have_one_name() -> None:
    classes = [(node.name, str(path)) for path in FILES for node in nodes(path) if isinstance(node, ast.ClassDef)]
    assert len(classes) > 200
    assert twice(classes) == {}


def test_no_two_files_have_one_name() -> None:
    modules = [(path.stem, str(path)) for path in FILES if path.stem not in COMMON]
    assert len(modules) > 150
    assert twice(modules) == {}


@pytest.mark.parametrize(
    ("names", "found"),
    [([("A", "x"), ("B", "x")], {}), ([("A", "x"), ("B", "x"), ("A", "y")], {"A": ["x", "y"]})],
)
def test_a_name_that_stands_twice_is_found(names: list[tuple[str, str]], found: dict[str, list[str]]) -> None:
    assert twice(names) == found


def test_files_and_functions_are_short_enough_to_be_read_at_once() -> None:
    long = [f"{path}: {lines}" for path in FILES if (lines := path.read_text("utf-8").count("\n")) > LONGEST_FILE]
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno}: {node.name}")
    assert not long


def test_all_that_is_public_says_what_it_is() -> None:
    silent = [str(path) for path in FILES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    for path in FILES:
        for node in ast.parse(path.read_text("utf-8")).body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                silent.append(f"{path}:{node.lineno}: {node.name}")
    assert not silent


def test_a_limit_says_in_its_name_of_what_it_is_the_most_or_the_least() -> None:
    bare = [f"{path}:{node.lineno}" for path in FILES for node in nodes(path) if _is_set(node) & {"MOST", "LEAST"}]
    assert bare == []


def _is_set(node: ast.AST) -> set[str]:
    return {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()


def test_no_class_is_deeper_than_two_below_its_first() -> None:
    classes = [node for path in FILES for node in nodes(path) if isinstance(node, ast.ClassDef)]
    bases = {each.name: {base.id for base in each.bases if isinstance(base, ast.Name)} for each in classes}

    def depth(name: str) -> int:
        return max((1 + depth(base) for base in bases[name] & bases.keys()), default=0)

    assert max(map(depth, bases)) == 2
    assert [name for name in bases if depth(name) > 2] == []


def test_the_picture_of_the_house_names_files_that_are_there() -> None:
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.h|\.c|/))`", (ROOT / "docs" / "architecture.md").read_text("utf-8")))
    there = {f"/{path.relative_to(ROOT).as_posix()}{'/' * path.is_dir()}" for path in ROOT.rglob("*")}
    assert len(named) > 60
    assert sorted(name for name in named if not any(path.endswith(f"/{name}") for path in there)) == []
