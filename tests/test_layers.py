"""The layers, read from the source: who may import whom, and what an import of the package costs."""

from __future__ import annotations

import ast
import json
import resource
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import malsori

PACKAGE = Path(malsori.__file__).parent
LEVELS = {
    "types": 0,
    "errors": 0,
    "file_lock": 0,
    "formats": 0,
    "joining": 0,
    "urls": 0,
    "child_process": 1,
    "kinds": 1,
    "languages": 1,
    "option": 2,
    "aligned": 3,
    "atomic": 0,
    "events": 3,
    "audio": 3,
    "bundles": 3,
    "sound_options": 3,
    "subtitles": 3,
    "vad": 4,
    "engines": 4,
    "pipeline": 5,
    "output": 5,
    "service": 6,
    "batch": 6,
    "compare": 6,
    "cli": 7,
    "__main__": 8,
    "__init__": 8,
}
ENGINES = frozenset({"onnxruntime", "ctranslate2", "faster_whisper", "tokenizers"})
HOMES = {  # who may import what is neither ours nor Python's; argparse and asyncio are Python's, and still have a home
    "numpy": set(LEVELS),
    "onnxruntime": {"vad", "engines"},
    "ctranslate2": {"engines"},
    "faster_whisper": {"vad", "engines"},
    "tokenizers": {"engines"},
    "webrtcvad": {"vad"},
    "kenlm": {"engines"},
    "sounddevice": {"audio"},
    "soundfile": set(),
    "soxr": {"audio"},
    "av": {"audio"},
    "packaging": {"cli"},
    "rich": {"cli"},
    "matplotlib": {"cli"},
    "argparse": {"cli"},
    "asyncio": {"service"},
    "starlette": {"service"},
    "uvicorn": {"service"},
    "h11": {"service"},
    "python_multipart": {"service"},
    "zeroconf": {"service"},
    "prometheus_client": {"service"},
    "ray": {"batch"},
    "fsspec": {"batch"},
}
HEAVY = (*ENGINES, "numpy", "av", "soundfile", "soxr", "torch", "transformers", "optimum", "rich")


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _part(path: Path) -> str:
    """The folder of a file below the package, or the file's own name at its top."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _imports(tree: ast.AST, path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the absolute name of every module imported anywhere in a file, and whether it is one of ours."""
    package = ["malsori", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.name.split(".")[0] == "malsori") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.module.split(".")[0] == "malsori"
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((".".join([*base, name]), True) for name in names)


def _all_imports() -> Iterator[tuple[Path, str, bool]]:
    for path in _files():
        for name, ours in _imports(ast.parse(path.read_text("utf-8")), path):
            yield path.relative_to(PACKAGE), name, ours


def test_every_file_belongs_to_a_layer() -> None:
    assert {_part(path) for path in _files()} <= set(LEVELS)


def test_a_file_imports_lower_layers_only_and_never_sideways() -> None:
    wrong = []
    for path, name, ours in _all_imports():
        if not ours or str(path) == "__init__.py":
            continue
        own, other = _part(PACKAGE / path), name.split(".")[1] if "." in name else "__init__"
        # The package itself is imported for its version alone, which is looked up lazily.
        if (
            own != other
            and other != "__init__"
            and LEVELS.get(other, 0 if other == "__version__" else 99) >= LEVELS[own]
        ):
            wrong.append(f"{path} imports {name}")
    assert not wrong


def test_the_import_graph_has_no_circle_with_lazy_and_type_only_imports_counted() -> None:
    modules = {_module(path): path for path in _files()}
    assert _circle({name: _edges(name, path, modules) for name, path in modules.items()}) == []


def test_the_check_for_circles_sees_lazy_imports_and_those_of_a_package_on_the_way(tmp_path: Path) -> None:
    files = {
        "audio/__init__.py": "from .wav import read",
        "audio/wav.py": "from . import flac",
        "audio/flac.py": "def f():\n    from ..vad import gate",
        "vad/__init__.py": "",
        "vad/gate.py": "if TYPE_CHECKING:\n    from ..audio.flac import Flac",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    modules = {_module(tmp_path / name, tmp_path): tmp_path / name for name in files}
    graph = {name: _edges(name, path, modules, tmp_path) for name, path in modules.items()}
    assert graph["malsori.audio.wav"] == {"malsori.audio.flac"}
    assert graph["malsori.audio.flac"] == {"malsori.vad", "malsori.vad.gate"}
    assert graph["malsori.vad.gate"] == {"malsori.audio", "malsori.audio.flac"}
    assert {"malsori.audio.flac", "malsori.vad.gate"} <= set(_circle(graph))


def _circle(graph: Mapping[str, Collection[str]]) -> list[str]:
    """The modules of one circle, if there is any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _edges(name: str, path: Path, modules: Collection[str], root: Path = PACKAGE) -> set[str]:
    """The modules that one imports, anywhere in it, and the packages whose `__init__` Python runs on the way there.

    Left out are packages that the module lies in itself, unless it takes a name from their `__init__`: Python runs them
    before it whatever it says, so each `__init__` that hands on a name of its own folder would be a circle.
    """
    found: set[str] = set()
    package = ["malsori", *path.relative_to(root).parent.parts]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:  # what is ours is imported in no other way
            home = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            targets = {f"{home}.{alias.name}" for alias in node.names}
            found |= {target if target in modules else home for target in targets}
            on_the_way = {home.rsplit(".", count)[0] for count in range(home.count(".") + 1)}
            found |= {each for each in on_the_way if not f"{name}.".startswith(f"{each}.")}
    return found - {name}


def _module(path: Path, root: Path = PACKAGE) -> str:
    return ".".join(["malsori", *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")


def test_what_is_not_ours_is_imported_only_where_it_is_at_home() -> None:
    wrong = []
    for path, name, ours in _all_imports():
        top = name.split(".")[0]
        homes = HOMES.get(top, set(LEVELS) if top in sys.stdlib_module_names else set())
        if not ours and _part(PACKAGE / path) not in homes:
            wrong.append(f"{path} imports {name}")
    assert not wrong


def test_engines_are_imported_inside_the_function_that_needs_them() -> None:
    wrong = []
    for path in _files():
        tree = ast.parse(path.read_text("utf-8"))
        inside = {id(node) for outer in ast.walk(tree) if _is_function(outer) for node in ast.walk(outer)}
        for node in ast.walk(tree):
            if id(node) not in inside and isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {name.split(".")[0] for name, ours in _imports(node, path) if not ours}
                wrong.extend(f"{path}:{node.lineno} imports {name}" for name in names & ENGINES)
    assert not wrong


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def test_the_checks_above_see_what_they_are_for() -> None:
    source = "from ..cli import main\nfrom . import x\nimport torch.nn\ndef f():\n    from ...malsori import y\n"
    seen = list(_imports(ast.parse(source), PACKAGE / "audio" / "a.py"))
    assert ("malsori.cli", True) in seen
    assert ("malsori.audio.x", True) in seen
    assert ("torch.nn", False) in seen


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_importing_the_package_loads_neither_numpy_nor_an_engine() -> None:
    loaded = set(json.loads(_run("import sys, json, malsori; print(json.dumps(sorted(sys.modules)))")))
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("module", ["bundles", "errors", "cli.main", "cli.doctor", "cli.models"])
def test_modules_that_every_start_needs_load_nothing_heavy(module: str) -> None:
    code = f"import sys, json, malsori.{module}; print(json.dumps(sorted(sys.modules)))"
    assert not set(json.loads(_run(code))) & (set(HEAVY) - {"numpy"})


def test_importing_the_package_takes_less_than_150_ms() -> None:
    code = "import time; a = time.process_time(); import malsori; print(time.process_time() - a)"
    assert min(float(_run(code)) for _ in range(3)) < 0.15  # processor time: the machine may be busy with others


@pytest.mark.parametrize("command", ["", "transcribe", "live", "models", "compare"])
def test_no_help_loads_numpy(command: str) -> None:
    code = f"""
import sys
from malsori.cli.main import main
try:
    main([*{command.split()!r}, "--help"])
except SystemExit:
    pass
print("numpy" in sys.modules)
"""
    assert _run(code).endswith("False\n")


def test_help_takes_less_than_300_ms() -> None:
    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run("import sys; from malsori.cli.main import main; sys.exit(main(['--help']))")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.3
