"""The build hook: how our own int8 operator comes to be built, and that a build without it goes on."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.shipped import ROOT


@pytest.fixture
def hook() -> ModuleType:
    """`deploy/build_hook.py`, which is no part of a package."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("build_hook", ROOT / "deploy" / "build_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The sources of the operator in a folder of their own, beside a library of an earlier build."""
    folder = ROOT / "runtime" / "malsori" / "engines" / "onnx" / "native"
    shutil.copytree(folder, tmp_path / "native", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    (tmp_path / "native" / "libint8_linear.so.1").write_bytes(b"of an earlier build")
    return tmp_path / "native"


builds = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") or not shutil.which("cc"),
    reason="the operator is built on Linux on x86-64, with a C compiler",
)


@builds
def test_the_library_is_built_where_its_sources_are_and_loads(
    hook: ModuleType, sources: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    built = hook.build(sources, sources / "libint8_linear.so.1")
    assert built
    assert ctypes.CDLL(str(sources / "libint8_linear.so.1")).RegisterCustomOps
    assert capfd.readouterr() == ("", "")


@builds
def test_the_library_shows_the_one_name_that_onnx_runtime_asks_for(hook: ModuleType, sources: Path) -> None:
    hook.build(sources, sources / "libint8_linear.so.1")
    assert not hasattr(ctypes.CDLL(str(sources / "libint8_linear.so.1")), "linear_multiply")


@builds
@pytest.mark.parametrize("compiler", ["cc -g -Wall -Wextra -Werror", ""])
def test_the_compiler_may_have_arguments_of_its_own_and_an_empty_variable_is_the_usual_one(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.setenv("CC", compiler)
    assert hook.build(sources, sources / "libint8_linear.so.1")


@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="no compiler is asked elsewhere")
@pytest.mark.parametrize(
    ("compiler", "why"),
    [
        ("false", "false ended with 1"),
        ("true", "true ended with 0 and gave no library"),
        ("no-such-compiler-here -m64", "no-such-compiler-here"),
        ("cc '", "No closing quotation"),
        ("sh -c 'echo half; echo no room >&2; exit 1'", "no room"),
    ],
)
def test_without_a_compiler_the_library_is_left_out_saying_why_and_none_of_before_is_left(
    hook: ModuleType,
    sources: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    compiler: str,
    why: str,
) -> None:
    monkeypatch.setenv("CC", compiler)
    assert not hook.build(sources, sources / "libint8_linear.so.1")
    assert not (sources / "libint8_linear.so.1").exists()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("malsori: its own int8 operator is left out (")
    assert why in err
    assert err.count("\n") == 1


@builds
def test_sources_that_do_not_compile_leave_the_library_out_with_the_compilers_last_words(
    hook: ModuleType, sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / "linear.c").write_text("int broken(")
    assert not hook.build(sources, sources / "libint8_linear.so.1")
    assert not (sources / "libint8_linear.so.1").exists()
    assert "linear.c" in capsys.readouterr().err


@pytest.mark.parametrize("machine", [("linux", "aarch64"), ("darwin", "x86_64"), ("win32", "AMD64")])
def test_elsewhere_no_compiler_is_asked_and_nothing_is_said(
    hook: ModuleType,
    sources: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    machine: tuple[str, str],
) -> None:
    monkeypatch.setattr(sys, "platform", machine[0])
    monkeypatch.setattr(platform, "machine", lambda: machine[1])
    assert not hook.build(sources, sources / "libint8_linear.so.1")
    assert capsys.readouterr() == ("", "")


def test_a_library_that_cannot_be_written_is_told_and_stops_no_build(
    hook: ModuleType, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not hook.build(sources, tmp_path / "no-such-folder" / "libint8_linear.so.1")
    assert "no-such-folder" in capsys.readouterr().err or not shutil.which("cc")
