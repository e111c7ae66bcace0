"""What `export/` may import, read from the source: this needs no torch."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter

import pytest

from tests.shipped import ROOT

EXPORT = ROOT / "export"


def imported(source: str) -> set[str]:
    """Return the absolute names of all modules that a file imports, or imports from, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def of_the_command(names: set[str]) -> list[str]:
    return sorted(name for name in names if f"{name}.".startswith("malsori.cli."))


def test_export_takes_nothing_from_the_command() -> None:
    files = sorted(EXPORT.rglob("*.py"))
    wrong = {str(path.relative_to(EXPORT)): of_the_command(imported(path.read_text("utf-8"))) for path in files}
    assert files
    assert not {path: names for path, names in wrong.items() if names}


def test_the_loop_knows_neither_of_its_subjects() -> None:
    wrong = [
        (path.name, name)
        for path in sorted((EXPORT / "training").glob("*.py"))
        for name in imported(path.read_text("utf-8"))
        if f"{name}.".startswith(("export.training.ctc.", "export.training.context."))
    ]
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "import malsori.cli",
        "from malsori import cli",
        "from malsori.cli.progress import Reporter",
        "import malsori.cli.x",
    ],
)
def test_the_checks_above_see_what_they_are_for(line: str) -> None:
    assert of_the_command(imported(f"def f():\n    {line}\n"))
    assert not of_the_command(imported("import malsori.clips"))


def test_no_circle_of_files_with_type_only_imports_counted() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in EXPORT.rglob("*.py")}
    graph = {name: (imported(path.read_text("utf-8")) & {*modules}) - {name} for name, path in modules.items()}
    assert sum(map(len, graph.values())) > 100
    TopologicalSorter(graph).prepare()  # CycleError names the circle
