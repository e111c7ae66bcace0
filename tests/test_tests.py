"""The tests of this folder, read as text: they use what is public, and they may be moved."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.shipped import ROOT

TESTS = ROOT / "tests"
OWN = {"self", "cls"}
BY_NAME = {"setattr", "getattr", "delattr", "hasattr"}  # of Python, and of pytest's monkeypatch
IMPORTED_FOR_EFFECT = re.compile(r"#\s*noqa:[^#]*\b(F401|F811)\b")


@cache
def sources() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(TESTS.rglob("*.py"))}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name.strip("_") != ""


def uses(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each use of what is private to something else."""
    for node in ast.walk(ast.parse(source)):
        for name in named(node):
            if private(name):
                yield getattr(node, "lineno", 0), name


def named(node: ast.AST) -> list[str]:
    """Return the names that a piece of a test takes from elsewhere."""
    if isinstance(node, ast.Attribute):
        return [] if isinstance(node.value, ast.Name) and node.value.id in OWN else [node.attr]
    if isinstance(node, ast.ImportFrom):
        return [*(node.module or "").split("."), *(alias.name for alias in node.names)]
    if isinstance(node, ast.Import):
        return [part for alias in node.names for part in alias.name.split(".")]
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)] if called in BY_NAME else []
        return [part for text in texts if isinstance(text, str) for part in text.split(".")]
    return []


@cache
def fixtures(source: str) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).partition("(")[0] in ("pytest.fixture", "fixture")
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("engine._network = other", ["_network"]),
        ("self._a + cls._b + engine.__class__ + names._", []),
        ("self.engine._network", ["_network"]),
        ("super()._hear()", ["_hear"]),
        ("from malsori.cli.doctor import _mark, run", ["_mark"]),
        ("import malsori._inner", ["_inner"]),
        ("monkeypatch.setattr(doctor, '_mark', None)", ["_mark"]),
        ("monkeypatch.setattr('malsori.cli.doctor._mark', None)", ["_mark"]),
        ("getattr(engine, '_network')", ["_network"]),
        ("text.replace('_', '-') + '_models'", []),
    ],
)
def test_what_is_private_is_known_however_it_is_reached(source: str, found: list[str]) -> None:
    assert [name for _, name in uses(source)] == found


def test_no_test_uses_what_is_private_to_something_else() -> None:
    assert [f"{path}:{line}: {name}" for path, source in sources().items() for line, name in uses(source)] == []


def test_no_fixture_is_imported() -> None:
    imported = {
        f"{path}:{node.lineno}: {alias.name}"
        for path, source in sources().items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests")
        for alias in node.names
        if alias.name in fixtures(sources().get(f"{(node.module or '').replace('.', '/')}.py", ""))
    }
    assert imported == set()
    assert fixtures(sources()["tests/conftest.py"]) > {"clips", "loudness"}


def test_nothing_is_imported_for_its_effect_on_other_tests() -> None:
    assert {path for path, source in sources().items() if IMPORTED_FOR_EFFECT.search(source)} == set()


def test_no_test_finds_the_repository_by_its_own_place() -> None:
    places = {path for path, source in sources().items() if "Path(__file__)" in source}
    assert places - {Path(__file__).relative_to(ROOT).as_posix()} == {"tests/shipped.py"}
