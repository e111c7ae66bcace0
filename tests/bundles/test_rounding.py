"""Weights rounded to int8: what CTranslate2 makes of the floats itself, in half the bytes."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import malsori
from malsori.bundles import find_bundle, read_manifest, verify
from malsori.bundles.adopt import adopt
from malsori.bundles.infer.model_bin import Header
from malsori.bundles.pull import File, Model, pull, pulling, round_here
from malsori.bundles.pull.hub import Hub
from malsori.bundles.pull.work import lock_of
from malsori.bundles.rounding import round_weights
from malsori.cli.main import main
from malsori.errors import ModelCorrupt, OptionError, OutputError
from malsori.file_lock import locked
from tests.hub_server import FILES, REPOSITORY, REVISION, Server, hub_server, nano, sha
from tests.plain import ctc_folder, hub_repository, stored_in_floats, whisper_folder
from tests.shipped import ROOT

SPEECH = ROOT / "samples" / "numbers.wav"


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_it_hears_what_ctranslate2_hears_when_it_rounds_the_floats_itself(tmp_path: Path, kind: str) -> None:
    floats, ours = whisper_folder(tmp_path / "floats"), whisper_folder(tmp_path / "ours")
    stored_in_floats(floats, kind)
    path = stored_in_floats(ours, kind)
    size = path.stat().st_size
    assert round_weights(path)
    assert path.stat().st_size < size
    theirs, found = (
        malsori.load(each, device="cpu", compute_type="int8").transcribe(SPEECH, word_timestamps=True)
        for each in (floats, ours)
    )
    assert found.text
    assert found.segments == theirs.segments  # with probabilities to the last digit


def test_what_is_in_int8_already_is_left_as_it_is(tmp_path: Path) -> None:
    path = whisper_folder(tmp_path / "mine") / "model.bin"
    before = path.read_bytes()
    assert not round_weights(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []


def test_progress_goes_up_to_the_whole_file(tmp_path: Path) -> None:
    path = stored_in_floats(whisper_folder(tmp_path / "mine"))
    heard: list[tuple[float, float]] = []
    size = path.stat().st_size
    round_weights(path, lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert size - 4096 < heard[-1][0] <= size
    assert {total for _, total in heard} == {size}


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored_in_floats(whisper_folder(tmp_path / "mine"))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        round_weights(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"something else")
    with pytest.raises(ModelCorrupt, match="a model of CTranslate2"):
        round_weights(path)


@pytest.mark.parametrize("move", [False, True])
def test_an_adopted_folder_is_rounded_where_that_is_asked_for(
    tmp_path: Path, move: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = whisper_folder(tmp_path / "mine")
    before = stored_in_floats(folder).read_bytes()
    target = adopt(find_bundle(folder), tmp_path / "models", "kitchen", int8=True, move=move)
    manifest = read_manifest(target)
    verify(target, manifest)
    assert manifest.quantization == "int8"
    assert len((target / "model.bin").read_bytes()) < len(before)
    assert folder.exists() is not move
    assert move or (folder / "model.bin").read_bytes() == before


def test_the_command_adopts_in_int8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = whisper_folder(tmp_path / "mine")
    stored_in_floats(folder)
    assert main(["models", "adopt", str(folder), "kitchen", "--quantize", "int8", "-q"]) == 0
    assert read_manifest(tmp_path / "cache" / "malsori" / "models" / "kitchen").quantization == "int8"


def test_a_model_of_another_kind_is_not_rounded(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine")
    with pytest.raises(OptionError, match="only Whisper models for CTranslate2 that are stored in floats"):
        adopt(find_bundle(folder), tmp_path / "models", "kitchen", int8=True)
    assert not (tmp_path / "models" / "kitchen").exists()


def _published(folder: Path, server: Server) -> Model:
    """Put a model with float weights on a hub; return what is known of it."""
    folder = whisper_folder(folder, vocabulary="vocabulary.json")
    stored_in_floats(folder)
    contents = {name: (folder / name).read_bytes() for name in FILES}
    for name, content in contents.items():
        server.files[f"/{REPOSITORY}/resolve/{REVISION}/{name}"] = content
    return replace(nano(), files=tuple(File(name, len(each), sha(each)) for name, each in contents.items()))


def test_a_pulled_model_is_rounded_when_it_is_here_and_right(tmp_path: Path) -> None:
    with hub_server() as server:
        model = _published(tmp_path / "published", server)
        pulled = pull(model, tmp_path / "models", [Hub(server.url)], int8=True)
        assert pull(model, tmp_path / "models", [], int8=True).there
    verify(pulled.folder, pulled.manifest)
    assert pulled.manifest.quantization == "int8"
    assert pulled.size < model.size
    assert not list((tmp_path / "models").glob(".*.pull"))


def test_what_was_pulled_is_rounded_when_no_other_process_has_it(tmp_path: Path) -> None:
    models = tmp_path / "models"
    with hub_server() as server:
        model = _published(tmp_path / "published", server)
        folder = pull(model, models, [Hub(server.url)]).folder
    told = []
    with ExitStack() as held:
        held.enter_context(locked(lock_of(folder), pytest.fail))

        def say(label: str, done: float, total: float) -> None:
            told.append((label, read_manifest(folder).quantization))
            held.close()

        rounded = round_here(model, models, say)
    assert told[0] == ("another process pulls whisper-nano, waiting", "float16")
    assert rounded is not None
    assert rounded.manifest.quantization == read_manifest(folder).quantization == "int8"
    assert rounded == round_here(model, models)


def test_nothing_is_rounded_that_has_gone_meanwhile(tmp_path: Path) -> None:
    assert round_here(nano(), tmp_path) is None


def test_a_pull_that_ends_behind_the_rounding_brings_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with hub_server() as server:
        model = _published(tmp_path / "published", server)
        with monkeypatch.context() as patch:
            patch.setattr(pulling, "seal", stopped)
            with pytest.raises(KeyboardInterrupt):
                pull(model, tmp_path / "models", [Hub(server.url)], int8=True)
        before = len(server.gets)
        assert pull(model, tmp_path / "models", [Hub(server.url)], int8=True).manifest.quantization == "int8"
        assert len(server.gets) == before


def test_a_bundle_is_rounded_where_it_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = whisper_folder(tmp_path / "published")
    stored_in_floats(folder)
    target = adopt(find_bundle(folder), tmp_path / "models", "kitchen")
    before = {path.name: path.read_bytes() for path in target.iterdir()}

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("malsori.bundles.adopt.seal", stopped)
        with pytest.raises(KeyboardInterrupt):
            adopt(find_bundle(target), tmp_path / "models", "kitchen", int8=True)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert adopt(find_bundle(target), tmp_path / "models", "kitchen", int8=True) == target
    manifest = read_manifest(target)
    verify(target, manifest)
    assert manifest.quantization == "int8"
    assert [path.name for path in target.parent.iterdir()] == ["kitchen"]


def test_a_length_that_is_not_the_shapes_is_told(tmp_path: Path) -> None:
    path = stored_in_floats(whisper_folder(tmp_path / "mine"))
    content = bytearray(path.read_bytes())
    variable = next(each for each in Header.read(path).stored if len(each.shape) == 2)
    content[variable.offset - 13 : variable.offset - 9] = (variable.shape[0] + 1).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt, match="cut short or something else"):
        round_weights(path)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_no_numbers_are_told(tmp_path: Path, value: float) -> None:
    path = stored_in_floats(whisper_folder(tmp_path / "mine"), "float32")
    content = bytearray(path.read_bytes())
    variable = next(each for each in Header.read(path).stored if each.name.endswith("ffn/linear_0/weight"))
    content[variable.offset : variable.offset + 4] = np.float32(value).tobytes()
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt, match="finite weights"):
        round_weights(path)
    assert path.read_bytes() == content


def test_where_a_pull_that_was_not_finished_came_from_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with hub_server() as server, hub_server() as other:
        model = _published(tmp_path / "published", server)
        with monkeypatch.context() as patch:
            patch.setattr(pulling, "seal", stopped)
            with pytest.raises(KeyboardInterrupt):
                pull(model, tmp_path / "models", [Hub(server.url)], int8=True)
        elsewhere = replace(model, repository="somebody/else")
        pulled = pull(elsewhere, tmp_path / "models", [Hub(other.url)], int8=True)
    assert pulled.manifest.source == model.repository
    assert pulled.manifest.quantization == "int8"
    assert not other.asked


def test_what_a_link_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    before = stored_in_floats(folder).read_bytes()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "linked").symlink_to(folder)
    found = find_bundle(tmp_path / "models" / "linked")
    with pytest.raises(OutputError, match="is there already"):
        adopt(found, tmp_path / "models", "linked", int8=True)
    assert not adopt(found, tmp_path / "models", "linked", int8=True, force=True).is_symlink()
    assert (folder / "model.bin").read_bytes() == before
    assert not (folder / "manifest.json").exists()


def test_the_hubs_own_files_are_not_rounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    folder = whisper_folder(tmp_path / "mine")
    before = stored_in_floats(folder).read_bytes()
    snapshot = hub_repository(tmp_path / "hf" / "hub", "me/nano", folder)
    with pytest.raises(OutputError, match="is there already"):
        adopt(find_bundle("me/nano"), snapshot.parent, snapshot.name, int8=True)
    assert (snapshot / "model.bin").is_symlink()
    assert (snapshot / "model.bin").read_bytes() == before


def test_a_row_of_almost_nothing_is_rounded_to_nothing(tmp_path: Path) -> None:
    path = stored_in_floats(whisper_folder(tmp_path / "mine"), "float32")
    content = bytearray(path.read_bytes())
    variable = next(each for each in Header.read(path).stored if each.name.endswith("ffn/linear_0/weight"))
    width = variable.shape[1]
    content[variable.offset : variable.offset + 4 * width] = np.full(width, 1e-40, np.float32).tobytes()
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert round_weights(path)
    rounded = next(each for each in Header.read(path).stored if each.name == variable.name)
    assert not any(path.read_bytes()[rounded.offset : rounded.offset + width])


def test_a_plain_folder_that_is_rounded_where_it_is_keeps_all_its_files(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "models" / "kitchen")
    stored_in_floats(folder)
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("mine")
    assert adopt(find_bundle(folder), tmp_path / "models", "kitchen", int8=True) == folder
    assert (folder / "notes" / "mine.txt").read_text() == "mine"
    verify(folder, read_manifest(folder))


def test_a_link_that_is_replaced_by_what_it_leads_to_leaves_the_bundle(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    stored_in_floats(folder)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "linked").symlink_to(folder)
    found = find_bundle(tmp_path / "models" / "linked")
    target = adopt(found, tmp_path / "models", "linked", int8=True, move=True, force=True)
    verify(target, read_manifest(target))
    assert (target / "model.bin").is_file()


def test_what_an_unfinished_pull_had_kept_is_not_removed_unsaid(tmp_path: Path) -> None:
    told: list[str] = []
    with hub_server() as server:
        model = _published(tmp_path / "published", server)
        pull(model, tmp_path / "models", [Hub(server.url)], int8=True)
        parts = tmp_path / "models" / f".{model.name}.pull" / "parts"
        parts.mkdir(parents=True)
        (parts / "model.bin.0123").write_bytes(bytes(2_000_000))
        assert pull(model, tmp_path / "models", [], int8=True, tell=told.append).there
    assert told == [f"2.0 MB that an unfinished pull of {model.name} had kept are removed"]
