"""The runtime without PyTorch: every module imports and both engines transcribe where torch cannot be had."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.shipped import ROOT

BLOCK = """
import sys
for name in ("torch", "transformers", "optimum"):
    sys.modules[name] = None  # an import of it is an ImportError from now on
"""
IMPORT_ALL = """
import importlib, pkgutil
import malsori
names = [module.name for module in pkgutil.walk_packages(malsori.__path__, "malsori.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
TRANSCRIBE = """
import malsori
print(malsori.load(sys.argv[1]).transcribe(sys.argv[2], language="ko").text)
"""


def without_torch(code: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", "-c", BLOCK + code, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_every_module_imports():
    assert int(without_torch(IMPORT_ALL)) > 30


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_a_real_clip_is_transcribed(model: str):
    bundle, sample = ROOT / "models" / model, ROOT / "samples" / "korean.wav"
    spoken = sample.with_suffix(".txt").read_text(encoding="utf-8")
    assert without_torch(TRANSCRIBE, str(bundle), str(sample)).strip() == spoken.strip()
