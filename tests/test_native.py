"""Where our own int8 operator runs and is preferred, what is said where it does not, and how it comes to be built."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from malsori.cli import doctor
from malsori.engines import native
from malsori.engines.network import Network
from malsori.errors import ModelIncompatible

ROOT = Path(__file__).resolve().parent.parent
AVX2 = {"sse4_2", "avx", "avx2", "fma"}
INTEL = """\
processor\t: 0
model name\t: Some Processor
vmx flags\t: vnmi invvpid
flags\t\t: fpu vme avx avx2 fma avx_vnni
bugs\t\t: spectre_v1

processor\t: 1
flags\t\t: fpu
"""
ARM = "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm aes crc32\n\nHardware\t: BCM2835\n"


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """What is remembered for the life of a process is asked anew in each test."""
    for remembered in (native._failure, native.processor_flags):
        remembered.cache_clear()
    yield
    for remembered in (native._failure, native.processor_flags):
        remembered.cache_clear()


@pytest.mark.parametrize(
    ("content", "flags"),
    [(INTEL, {"fpu", "vme", "avx", "avx2", "fma", "avx_vnni"}), (ARM, set()), ("", set()), ("flags", set())],
    ids=["x86-64", "ARM", "empty", "cut"],
)
def test_flags_are_those_of_the_first_processor(tmp_path: Path, content: str, flags: set[str]) -> None:
    (tmp_path / "cpuinfo").write_text(content)
    assert native.processor_flags(tmp_path / "cpuinfo") == flags


def test_bytes_that_are_no_text_hide_no_flags(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_bytes(b"model name\t: \xff\xfe\nflags\t\t: avx2 fma\n")
    assert native.processor_flags(tmp_path / "cpuinfo") == {"avx2", "fma"}


def test_where_nothing_is_said_of_processors_there_are_no_flags(tmp_path: Path) -> None:
    assert native.processor_flags(tmp_path / "none") == frozenset()
    assert native.processor_flags(tmp_path) == frozenset()


def processor(monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    monkeypatch.setattr(native, "processor_flags", lambda: frozenset(flags))


def library(monkeypatch: pytest.MonkeyPatch, failure: str = "") -> None:
    monkeypatch.setattr(native, "_failure", lambda: failure)


def test_a_processor_with_avx2_alone_prefers_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *AVX2)
    library(monkeypatch)
    assert (native.runnable(), native.preferred(), native.reason(), native.obstacle()) == (True, True, "", "")


@pytest.mark.parametrize("better", ["avx_vnni", "avx512_vnni"])
def test_a_processor_with_vnni_runs_the_operator_and_prefers_onnx_runtimes(
    monkeypatch: pytest.MonkeyPatch, better: str
) -> None:
    processor(monkeypatch, *AVX2, better)
    library(monkeypatch)
    assert (native.runnable(), native.preferred(), native.obstacle()) == (True, False, "")
    assert native.reason() == f"ONNX Runtime's own are faster with {better}"


def test_with_vnni_a_library_that_is_not_there_is_what_keeps_it_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *AVX2, "avx512_vnni")
    library(monkeypatch, "not built")
    assert (native.runnable(), native.preferred(), native.obstacle()) == (False, False, "not built")
    assert "faster" in native.reason()


@pytest.mark.parametrize(("flags", "lacks"), [((), "avx2 and fma"), (("avx2",), "fma"), (("fma", "avx_vnni"), "avx2")])
def test_a_processor_without_the_instructions_does_not_run_it(
    monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], lacks: str
) -> None:
    processor(monkeypatch, *flags)
    library(monkeypatch)
    assert (native.runnable(), native.preferred()) == (False, False)
    assert native.obstacle() == f"the processor lacks {lacks}"
    assert native.reason()


def test_a_library_that_was_not_built_is_told_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    processor(monkeypatch, *AVX2)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "none.so")
    assert (native.runnable(), native.preferred()) == (False, False)
    assert native.reason() == native.obstacle()
    assert native.reason().startswith("not built; with a C compiler, `pip install ")


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF\x02\x01\x01" + bytes(100)])
def test_a_library_that_does_not_load_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    processor(monkeypatch, *AVX2)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "broken.so")
    (tmp_path / "broken.so").write_bytes(content)
    assert (native.runnable(), native.preferred()) == (False, False)
    assert "broken.so" in native.reason()
    assert "\n" not in native.reason()


@pytest.mark.parametrize("content", [None, b"not a library"])
def test_a_graph_whose_library_does_not_load_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "library.so").write_bytes(content)
    monkeypatch.setattr("malsori.engines.network.LIBRARY", tmp_path / "library.so")
    with pytest.raises(ModelIncompatible, match=r"encoder\.native\.onnx.*library\.so"):
        Network(tmp_path / "encoder.native.onnx", "cpu", 1)


def told() -> str:
    """Return what `malsori doctor` says of the operator."""
    (fact,) = [fact for fact in doctor._engines() if fact.name == "int8 operator"]
    assert fact.ok  # without it everything runs, and nothing needs mending
    return fact.value


def test_doctor_tells_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *AVX2)
    library(monkeypatch)
    assert told() == "our own runs, in bundles that were exported for it"


def test_doctor_tells_why_it_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    processor(monkeypatch, *AVX2)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "none.so")
    assert told() == native.reason() != ""
    processor(monkeypatch)
    assert told() == "the processor lacks avx2 and fma"


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
    folder = ROOT / "runtime" / "malsori" / "engines" / "native"
    shutil.copytree(folder, tmp_path / "native", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    (tmp_path / "native" / "int8_linear.so").write_bytes(b"of an earlier build")
    return tmp_path / "native"


builds = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") or not shutil.which("cc"),
    reason="the operator is built on Linux on x86-64, with a C compiler",
)


@builds
def test_the_library_is_built_where_its_sources_are_and_loads(
    hook: ModuleType, sources: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    built = hook.compiled(sources)
    assert built == sources / "int8_linear.so"
    assert ctypes.CDLL(str(built)).RegisterCustomOps
    assert capfd.readouterr() == ("", "")


@builds
def test_the_library_shows_the_one_name_that_onnx_runtime_asks_for(hook: ModuleType, sources: Path) -> None:
    built = ctypes.CDLL(str(hook.compiled(sources)))
    assert not hasattr(built, "linear_multiply")


@builds
def test_the_compiler_may_have_arguments_of_its_own(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "cc -g -Wall -Wextra -Werror")
    assert hook.compiled(sources) is not None


@builds
def test_an_empty_variable_is_the_usual_compiler(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "")
    assert hook.compiled(sources) is not None


@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="no compiler is asked elsewhere")
@pytest.mark.parametrize(
    ("compiler", "why"),
    [
        ("false", "false ended with 1"),
        ("true", "true ended with 0 and gave no library"),
        ("no-such-compiler-here -m64", "no-such-compiler-here"),
        ("cc '", "No closing quotation"),
        ("sh -c 'echo half > int8_linear.so; echo no room >&2; exit 1'", "no room"),
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
    assert hook.compiled(sources) is None
    assert not (sources / "int8_linear.so").exists()
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
    assert hook.compiled(sources) is None
    assert not (sources / "int8_linear.so").exists()
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
    assert hook.compiled(sources) is None
    assert not (sources / "int8_linear.so").exists()
    assert capsys.readouterr() == ("", "")
