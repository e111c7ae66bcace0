"""Benches and export use the names that the runtime has, and none of its private ones; read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import malsori
from tests.shipped import ROOT

RUNTIME = Path(malsori.__file__).parent
FILES = sorted([*(ROOT / "bench").rglob("*.py"), *(ROOT / "export").rglob("*.py")])
OWN = ("self", "cls", "super()")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_names(tree: ast.AST) -> set[str]:
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {name for name in attributes | defined | assigned if is_private(name)}


TREES = [ast.parse(path.read_text("utf-8")) for path in sorted(RUNTIME.rglob("*.py"))]
PRIVATE = set().union(*map(private_names, TREES))
OF_CLASS = {
    node.name: private_names(node) for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
}


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the modules of the runtime, each with a name that is imported from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "malsori":
            yield from ((str(node.module), alias.name) for alias in node.names)


def reached_into(tree: ast.AST) -> Iterator[str]:
    """Yield the private names of the runtime that a file imports, asks an object for, or takes over in a subclass."""
    yield from (name for _, name in imported(tree) if is_private(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in PRIVATE and ast.unparse(node.value) not in OWN:
            yield node.attr
        elif isinstance(node, ast.ClassDef):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)} & {
                name for _, name in imported(tree)
            }
            yield from private_names(node) & set().union(*(OF_CLASS.get(base, set()) for base in bases))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_benches_and_export_ask_the_runtime_for_public_names_that_it_has(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not [*reached_into(tree)]
    for module, name in imported(tree):
        assert hasattr(import_module(module), name) or find_spec(f"{module}.{name}"), f"{module} has no {name}"


@pytest.mark.parametrize(
    "code",
    [
        "from malsori.pipeline.live.stream import _outbox",
        "engine._network.lanes",
        "from malsori.engines.whisper.whisper_session import WhisperSession\n"
        "class Mine(WhisperSession):\n    def look(self):\n        return self._sound",
    ],
)
def test_a_private_name_is_seen_however_it_is_reached(code: str) -> None:
    assert [*reached_into(ast.parse(code))]
