"""What an installed malsori is: its version, its types, its requirements, and the bundles inside the wheel."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import malsori
from tests.shipped import ROOT

PYPROJECT = ROOT / "pyproject.toml"
BUNDLED = ("nano-ctc-ko", "nano-whisper")
OPERATOR = "malsori/engines/onnx/native/libint8_linear.so.1"
COMPILED = (sys.platform, platform.machine()) == ("linux", "x86_64") and shutil.which("cc") is not None


def _requirements() -> list[Requirement]:
    return [Requirement(line) for line in requires("malsori") or []]


def _needed(name: str) -> Requirement:
    return next(need for need in _requirements() if need.name == name)


def test_the_version_is_the_one_of_the_project() -> None:
    declared = re.search(r'^version = "(.+)"$', PYPROJECT.read_text(), re.MULTILINE)
    assert declared is not None
    assert malsori.__version__ == version("malsori") == declared[1]


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(malsori.__file__).parent / "py.typed").is_file()


def test_no_training_framework_is_required_by_any_extra() -> None:
    assert not {need.name for need in _requirements()} & {"torch", "torchaudio", "transformers", "optimum", "onnx"}


def test_what_is_installed_here_is_within_the_ranges_declared() -> None:
    for need in _requirements():
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            assert need.specifier.contains(version(need.name)), need


def test_the_pyav_that_breaks_faster_whisper_is_outside_the_range() -> None:
    assert "19.0.0" not in _needed("av").specifier
    assert "17.1.0" in _needed("av").specifier  # the last for Python 3.10


def test_faster_whispers_own_decoder_works_with_this_pyav(tmp_path: Path) -> None:
    import numpy as np
    import soundfile
    from faster_whisper import decode_audio

    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(8000) / 20) / 2, 8000)
    assert decode_audio(str(tmp_path / "tone.wav")).shape == (16000,)


def test_the_extra_cuda_is_all_of_cuda_12_and_leaves_onnxruntime_gpu_out() -> None:
    extra = [need for need in _requirements() if need.marker and need.marker.evaluate({"extra": "cuda"})]
    names = {need.name for need in extra if not need.marker.evaluate({"extra": ""})}  # type: ignore[union-attr]
    assert all(name.startswith("nvidia-") and name.endswith("-cu12") for name in names)
    assert not any(need.name == "onnxruntime-gpu" for need in _requirements())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built without a network in a copy of what the build reads."""
    pytest.importorskip("hatchling")
    return _built(_copy(tmp_path_factory.mktemp("source")))


def _copy(target: Path) -> Path:
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    for name in (".gitignore", "pyproject.toml", "README.md", "docs", "deploy", "runtime", "models", "samples"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=left_out)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, target / name)
    return target


def _built(source: Path, **environment: str) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(source / "out")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120, env=os.environ | environment)
    return zipfile.ZipFile(next((source / "out").glob("*.whl")))


@pytest.mark.slow
def test_the_wheel_holds_the_package_with_its_types_and_licence(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert {"malsori/__init__.py", "malsori/py.typed", "malsori/bundles/find.py", "malsori/cli/main.py"} <= set(names)
    assert {f"malsori/service/page/{name}" for name in ("index.html", "page.css", "page.js", "icon.svg")} <= set(names)
    assert any(name.endswith("LICENSE") for name in names)
    assert all(name.startswith(("malsori/", "malsori-")) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLED)
def test_the_wheel_holds_every_file_of_the_small_bundles_unchanged(wheel: zipfile.ZipFile, name: str) -> None:
    folder = ROOT / "models" / name
    for path in filter(Path.is_file, folder.rglob("*")):
        assert wheel.read(f"malsori/_models/{name}/{path.relative_to(folder).as_posix()}") == path.read_bytes()


@pytest.mark.slow
def test_the_wheel_holds_the_recording_by_which_a_service_measures_itself(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("malsori/_samples/english.wav") == (ROOT / "samples" / "english.wav").read_bytes()


def _described(wheel: zipfile.ZipFile) -> str:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/WHEEL"))
    return wheel.read(name).decode()


@pytest.mark.slow
@pytest.mark.skipif(not COMPILED, reason="the int8 operator is built on Linux on x86-64, with a C compiler")
def test_a_wheel_with_the_operator_is_for_linux_on_x86_64_and_any_python(wheel: zipfile.ZipFile) -> None:
    assert wheel.read(OPERATOR).startswith(b"\x7fELF")
    assert str(wheel.filename).endswith("-py3-none-linux_x86_64.whl")
    assert "Tag: py3-none-linux_x86_64\n" in _described(wheel)
    assert "Root-Is-Purelib: false\n" in _described(wheel)


@pytest.fixture(scope="module")
def bare_wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built without a compiler beside a library of an earlier build, of two bundles, one without a manifest."""
    pytest.importorskip("hatchling")
    source = _copy(tmp_path_factory.mktemp("bare"))
    (source / "runtime" / OPERATOR).write_bytes(b"of an earlier build")
    shutil.rmtree(source / "models", ignore_errors=True)
    for name in BUNDLED:
        (source / "models" / name).mkdir(parents=True)
        (source / "models" / name / "model.bin").write_bytes(b"weights")
    (source / "models" / BUNDLED[0] / "manifest.json").write_text("{}")
    return _built(source, CC="false")


@pytest.mark.slow
def test_a_bundle_in_models_reaches_the_wheel_and_one_without_a_manifest_does_not(bare_wheel: zipfile.ZipFile) -> None:
    names = [name for name in bare_wheel.namelist() if "_models" in name]
    assert sorted(names) == [f"malsori/_models/{BUNDLED[0]}/{name}" for name in ("manifest.json", "model.bin")]


@pytest.mark.slow
def test_a_wheel_without_the_operator_is_for_any_machine(bare_wheel: zipfile.ZipFile) -> None:
    assert OPERATOR not in bare_wheel.namelist()
    assert str(bare_wheel.filename).endswith("-py3-none-any.whl")
    assert "Root-Is-Purelib: true\n" in _described(bare_wheel)
