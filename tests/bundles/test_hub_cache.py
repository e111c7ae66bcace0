"""Downloads of the hub's client: found where its variables say, links and all, without it and without network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import malsori
from malsori.bundles import find_bundle, list_bundles
from malsori.bundles.places import cached, hub_folder
from malsori.errors import ModelNotFound
from tests.plain import ctc_folder, hub_repository, whisper_folder
from tests.shipped import ROOT

NAME = "Systran/faster-whisper-base"


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache in an empty home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf" / "hub"


def test_what_is_there_is_listed_and_loads_with_its_source(hub: Path, tmp_path: Path) -> None:
    snapshot = hub_repository(hub, NAME, whisper_folder(tmp_path / "x"))
    (found,) = [found for found in list_bundles() if found.origin == "hub cache"]
    assert (found.name, found.folder, found.plain) == (NAME, snapshot, True)
    manifest = found.manifest()
    assert (manifest.name, manifest.source, manifest.revision) == ("faster-whisper-base", NAME, "0123abcd")
    text = malsori.load(NAME).transcribe(ROOT / "samples" / "korean.wav", language="ko").text
    assert malsori.load("base").transcribe(ROOT / "samples" / "korean.wav", language="ko").text == text != ""


def test_a_ctc_export_is_found_by_its_repository(hub: Path, tmp_path: Path) -> None:
    hub_repository(hub, "someone/xlsr-onnx", ctc_folder(tmp_path / "x"))
    assert find_bundle("someone/xlsr-onnx").manifest().kind == "wav2vec2-ctc"


@pytest.mark.parametrize("part", ["", "snapshots/0123abcd"])
def test_a_path_into_the_cache_is_named_for_the_repository(hub: Path, tmp_path: Path, part: str) -> None:
    snapshot = hub_repository(hub, NAME, whisper_folder(tmp_path / "x"))
    found = find_bundle(snapshot.parent.parent / part)
    assert (found.name, found.folder) == ("faster-whisper-base", snapshot)


def test_the_commit_of_main_is_taken_and_the_newest_one_without(hub: Path, tmp_path: Path) -> None:
    snapshot = hub_repository(hub, NAME, whisper_folder(tmp_path / "x"))
    other = snapshot.with_name("ffff0000")
    other.mkdir()
    assert [each.revision for each in cached()] == ["0123abcd"]
    (hub / "models--Systran--faster-whisper-base" / "refs" / "main").write_text("0" * 40)
    os.utime(snapshot, (1, 1))
    assert [each.revision for each in cached()] == ["ffff0000"]


def test_half_a_download_is_no_model_and_is_told(hub: Path, tmp_path: Path) -> None:
    snapshot = hub_repository(hub, NAME, whisper_folder(tmp_path / "x"))
    (snapshot / "model.bin").resolve().unlink()
    assert not [found for found in list_bundles() if found.origin == "hub cache"]
    with pytest.raises(ModelNotFound, match=rf"in the hub's cache {NAME} .*lacks model\.bin"):
        find_bundle(NAME)


def test_a_download_that_does_not_run_is_told_as_what_it_is(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "x" / "config.json").write_text('{"model_type": "whisper"}')
    hub_repository(hub, "openai/whisper-base", tmp_path / "x")
    with pytest.raises(ModelNotFound, match=r"in the hub's cache .*model\.safetensors, weights of PyTorch"):
        find_bundle("openai/whisper-base")


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HF_HUB_CACHE": "{}/a"}, "a"),
        ({"HUGGINGFACE_HUB_CACHE": "{}/b"}, "b"),
        ({"HF_HOME": "{}/c"}, "c/hub"),
        ({"HF_HOME": "", "XDG_CACHE_HOME": "{}/d"}, "d/huggingface/hub"),
        ({"HF_HOME": "", "XDG_CACHE_HOME": "", "HOME": "{}"}, ".cache/huggingface/hub"),
        ({"HF_HOME": "~/e", "HOME": "{}"}, "e/hub"),
        ({"HF_HOME": "$THERE/f", "THERE": "{}"}, "f/hub"),
    ],
)
def test_the_cache_is_where_the_variables_of_the_client_say(
    variables: dict[str, str], folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert hub_folder() == tmp_path / folder


def test_neither_the_client_nor_the_network_is_needed(hub: Path, tmp_path: Path) -> None:
    hub_repository(hub, NAME, whisper_folder(tmp_path / "x"))
    code = (
        "import sys, socket; socket.socket = None; sys.modules['huggingface_hub'] = None\n"
        "from malsori.bundles import list_bundles; print([f.name for f in list_bundles()])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert NAME in run.stdout


def test_no_cache_and_strange_folders_in_it_are_passed_over(hub: Path) -> None:
    assert cached() == []
    for name in ("models--a--b", "datasets--a--b", "models--c--d/snapshots", "version.txt"):
        (hub / name).mkdir(parents=True)
    assert cached() == []
