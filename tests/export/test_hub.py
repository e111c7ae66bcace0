"""A hub's name as source: the export scripts fetch from a real HTTP server, here one on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.export
pytest.importorskip("transformers")

from tests.export.hub import COMMIT, hub  # noqa: E402
from tests.export.test_wav2vec2_export import LAYER, TINY, save_checkpoint  # noqa: E402
from tests.shipped import ROOT  # noqa: E402


def run_export(script: str, *arguments: str, endpoint: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run an export script with an empty hub cache in `home`, so that all it uses comes from `endpoint`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, str(ROOT / "export" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_wav2vec2_checkpoint_comes_from_the_hub_with_its_commit_and_model_card(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **LAYER)
    (checkpoint / "README.md").write_text("---\nlanguage: ko\nlicense: apache-2.0\n---\nA model.\n")
    with hub("someone/tiny", checkpoint) as endpoint:
        run = run_export("wav2vec2.py", "someone/tiny", str(tmp_path / "out"), endpoint=endpoint, home=tmp_path / "hf")
    assert run.returncode == 0, run.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert (manifest["source"], manifest["revision"]) == ("someone/tiny", COMMIT)
    assert (manifest["languages"], manifest["licence"]) == (["ko"], "apache-2.0")


def test_the_name_of_a_recipe_fetches_its_source_with_its_flags(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    source = "kresnik/wav2vec2-large-xlsr-korean"
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **LAYER)
    with hub(source, checkpoint) as endpoint:
        run = run_export("wav2vec2.py", "xlsr-ko", str(tmp_path / "out"), endpoint=endpoint, home=tmp_path / "hf")
    assert run.returncode == 0, run.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert (manifest["source"], manifest["revision"], manifest["quantization"]) == (source, COMMIT, "int8")
    assert (manifest["languages"], manifest["licence"]) == (["ko"], "apache-2.0")


def test_a_whisper_checkpoint_comes_from_the_hub_with_its_commit(tmp_path: Path) -> None:
    whisper = pytest.importorskip("tests.export.test_whisper_export")
    checkpoint = whisper.save_checkpoint(tmp_path / "checkpoint", 80, contrast=1.0)
    with hub("someone/tiny", checkpoint) as endpoint:
        out = str(tmp_path / "out")
        run = run_export("whisper.py", "someone/tiny", out, endpoint=endpoint, home=tmp_path / "hf")
    assert run.returncode == 0, run.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert (manifest["source"], manifest["revision"]) == ("someone/tiny", COMMIT)


@pytest.mark.parametrize("script", ["wav2vec2.py", "whisper.py"])
def test_a_name_that_the_hub_does_not_know_is_one_line(tmp_path: Path, script: str) -> None:
    (tmp_path / "nothing").mkdir()
    with hub("someone/tiny", tmp_path / "nothing") as endpoint:
        run = run_export(script, "someone/else", str(tmp_path / "out"), endpoint=endpoint, home=tmp_path / "hf")
    assert run.returncode == 1
    assert run.stderr.startswith("error: someone/else")
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
