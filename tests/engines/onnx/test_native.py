"""Where our own int8 operator runs and is preferred, and what is said where it does and where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori.bundles import read_manifest
from malsori.cli import doctor
from malsori.engines.onnx import native
from malsori.engines.onnx.graph import Graph
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.errors import ModelIncompatible
from malsori.pipeline.trials import prove
from tests.shipped import ROOT

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
    for remembered in (native.load_failure, native.processor_flags):
        remembered.cache_clear()
    yield
    for remembered in (native.load_failure, native.processor_flags):
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
    monkeypatch.setattr(native, "load_failure", lambda: failure)


def test_a_processor_with_avx2_alone_prefers_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *AVX2)
    library(monkeypatch)
    assert (native.preferred(), native.why_not_preferred(), native.why_unavailable()) == (True, "", "")


@pytest.mark.parametrize("better", ["avx_vnni", "avx512_vnni", "avx512bw"])
def test_a_processor_with_vnni_runs_the_operator_and_prefers_onnx_runtimes(
    monkeypatch: pytest.MonkeyPatch, better: str
) -> None:
    processor(monkeypatch, *AVX2, better)
    library(monkeypatch)
    assert (native.preferred(), native.why_unavailable()) == (False, "")
    assert native.why_not_preferred() == f"ONNX Runtime's own are as fast with {better}"


def test_with_vnni_a_library_that_is_not_there_is_what_keeps_it_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *AVX2, "avx512_vnni")
    library(monkeypatch, "not built")
    assert (native.preferred(), native.why_unavailable()) == (False, "not built")
    assert "as fast" in native.why_not_preferred()


@pytest.mark.parametrize(
    ("flags", "lacks"), [(("sse4_2",), "avx2 and fma"), (("avx2",), "fma"), (("fma", "avx_vnni"), "avx2")]
)
def test_a_processor_without_the_instructions_does_not_run_it(
    monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], lacks: str
) -> None:
    processor(monkeypatch, *flags)
    library(monkeypatch)
    assert not native.preferred()
    assert native.why_unavailable() == f"the processor lacks {lacks}"
    assert native.why_not_preferred()


def test_where_linux_names_no_flags_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch)
    assert not native.preferred()
    assert native.why_unavailable().endswith("/proc/cpuinfo names no flags of such a processor")


def test_a_library_that_was_not_built_is_told_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    processor(monkeypatch, *AVX2)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "none.so")
    assert not native.preferred()
    assert native.why_not_preferred() == native.why_unavailable()
    assert native.why_not_preferred().startswith("not built when malsori was installed; with a C compiler, ")


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF\x02\x01\x01" + bytes(100)])
def test_a_library_that_does_not_load_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    processor(monkeypatch, *AVX2)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "broken.so")
    (tmp_path / "broken.so").write_bytes(content)
    assert not native.preferred()
    assert "broken.so" in native.why_not_preferred()
    assert "\n" not in native.why_not_preferred()


@pytest.mark.parametrize("content", [None, b"not a library"])
def test_a_graph_whose_library_does_not_load_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "library.so").write_bytes(content)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "library.so")
    with pytest.raises(ModelIncompatible, match=r"encoder\.native\.onnx.*library\.so"):
        Graph(tmp_path / "encoder.native.onnx", "cpu", 1)


def told() -> str:
    """Return what `malsori doctor` says of the operator."""
    (fact,) = [fact for fact in doctor.report() if fact.name == "int8 operator"]
    assert fact.ok  # without it everything runs, and nothing needs mending
    return fact.value


def test_doctor_tells_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, *AVX2)
    library(monkeypatch)
    assert told() == "our own runs, in bundles that were exported for it"


def test_doctor_tells_why_it_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    processor(monkeypatch, *AVX2)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "none.so")
    assert told() == native.why_not_preferred() != ""
    processor(monkeypatch, "sse4_2")
    assert told() == "the processor lacks avx2 and fma"


def test_a_proof_says_which_operator_served(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = ROOT / "models" / "nano-ctc-ko"
    sound = [ROOT / "samples" / "korean.wav"]
    for preferred in {False, native.preferred()}:
        monkeypatch.setattr("malsori.engines.wav2vec2.graphs.preferred", lambda preferred=preferred: preferred)
        engine = Wav2Vec2Engine(bundle, read_manifest(bundle), device="cpu", threads=1)
        assert engine.native is preferred
        assert prove(engine, sound, lengths=()).host["native"] is preferred
