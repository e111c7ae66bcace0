"""What people call models: every name leads to what is here, or to the line that gets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from faster_whisper import available_models, download_model

from malsori.bundles import find_bundle
from malsori.bundles.catalog import CATALOG
from malsori.bundles.names import NAMES, known, pull_line
from malsori.errors import ModelNotFound
from tests.plain import hub_repository, whisper_folder

TYPED = {
    "tiny": "whisper-tiny",
    "tiny.en": "whisper-tiny.en",
    "base": "whisper-base",
    "whisper-base": "whisper-base",
    "openai/whisper-small": "whisper-small",
    "Systran/faster-whisper-small": "whisper-small",
    "faster-whisper-small.en": "whisper-small.en",
    "medium": "whisper-medium",
    "large": "whisper-large-v3",
    "large-v1": "whisper-large-v1",
    "large-v2": "whisper-large-v2",
    "Large-V3": "whisper-large-v3",
    "turbo": "whisper-large-v3-turbo",
    "large-v3-turbo": "whisper-large-v3-turbo",
    "mobiuslabsgmbh/faster-whisper-large-v3-turbo": "whisper-large-v3-turbo",
    "distil-large-v3": "distil-large-v3",
    "distil-whisper/distil-large-v3": "distil-large-v3",
    "Systran/faster-distil-whisper-large-v3": "distil-large-v3",
    "distil-large-v3.5": "distil-large-v3.5",
    "distil-small.en": "distil-small.en",
}


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `$MALSORI_MODELS` names, an empty cache, and one of the hub."""
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "shelf"


@pytest.mark.parametrize(("typed", "name"), TYPED.items())
def test_what_everybody_types_is_one_of_our_names(typed: str, name: str) -> None:
    named = known(typed)
    assert named is not None
    assert named.name == name


def test_no_name_means_two_models_and_every_name_means_one() -> None:
    every = [(name.lower(), named.name) for named in NAMES for name in (*named.names, *named.repositories)]
    assert len({name for name, _ in set(every)}) == len(set(every))
    assert all(known(name) is not None for name, _ in every)


def test_every_whisper_of_the_catalogue_has_names_in_its_order() -> None:
    catalogue = [model.name for model in CATALOG if model.kind == "whisper"]
    assert [named.name for named in NAMES if named.name in catalogue] == catalogue


def test_every_name_that_faster_whisper_knows_is_known_with_its_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repository, **_: repository)
    assert available_models()
    for typed in available_models():
        named = known(typed)
        assert named is not None, typed
        assert download_model(typed) in named.repositories


@pytest.mark.parametrize("folder", ["base", "whisper-base", "faster-whisper-base"])
@pytest.mark.parametrize("typed", ["base", "whisper-base", "openai/whisper-base", "Systran/faster-whisper-base"])
def test_any_name_finds_the_folder_under_any_other(shelf: Path, folder: str, typed: str) -> None:
    whisper_folder(shelf / folder)
    assert find_bundle(typed).folder == shelf / folder


def test_the_very_name_wins_over_the_others_and_a_place_over_the_hub(shelf: Path, tmp_path: Path) -> None:
    hub_repository(tmp_path / "hf" / "hub", "Systran/faster-whisper-base", whisper_folder(tmp_path / "x"))
    assert find_bundle("base").origin == "hub cache"
    whisper_folder(shelf / "whisper-base")
    assert find_bundle("base").folder == shelf / "whisper-base"
    whisper_folder(shelf / "base")
    assert find_bundle("base").folder == shelf / "base"


@pytest.mark.parametrize("typed", ["small", "whisper-small", "openai/whisper-small", "Systran/faster-whisper-small"])
def test_a_model_that_is_not_here_is_answered_with_the_line_that_gets_it(typed: str) -> None:
    with pytest.raises(ModelNotFound, match="malsori models pull small gets it"):
        find_bundle(typed)
    assert pull_line(typed) == "malsori models pull small"


def test_a_path_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound, match="looked in this path"):
        find_bundle(Path("base"))
    with pytest.raises(ModelNotFound, match="looked in this path"):
        find_bundle("./base")
    assert find_bundle(whisper_folder(tmp_path / "Systran" / "faster-whisper-base")).origin == "path"
    assert find_bundle("Systran/faster-whisper-base").origin == "path"


def test_a_file_is_answered_with_its_folder(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    with pytest.raises(ModelNotFound, match=r"that is a file; a model is a folder, here .*mine"):
        find_bundle(str(folder / "model.bin"))
    (tmp_path / "ggml-tiny.bin").write_bytes(b"lmgg" + bytes(20))
    with pytest.raises(
        ModelNotFound, match=r"that is ggml-tiny\.bin, a model of whisper\.cpp .*malsori models pull tiny"
    ):
        find_bundle(tmp_path / "ggml-tiny.bin")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("bsae", r"no model named 'bsae'; did you mean base\? malsori models pull base gets it$"),
        ("Systran/faster-whisper-bse", r"did you mean base\? malsori models pull base gets it$"),
        ("large_v3", r"did you mean large-v3\? malsori models pull large-v3 gets it$"),
        ("nano_wisper", r"did you mean nano-whisper\? malsori models list tells which are here$"),
        ("small", r"no model named 'small'; malsori models pull small gets it$"),
        ("zzz", r"malsori models pull base gets one, malsori models list tells which are here$"),
    ],
)
def test_an_unknown_name_is_answered_first_with_what_to_type_and_then_with_where_was_looked(
    shelf: Path, typed: str, told: str
) -> None:
    with pytest.raises(ModelNotFound) as caught:
        find_bundle(typed)
    first, names, places, *_ = caught.value.lines
    assert re.search(told, first)
    assert names == "models here: nano-ctc-ko, nano-whisper"
    assert places.startswith("looked in ")
    assert str(shelf) in str(caught.value)
    assert str(caught.value) == "; ".join(caught.value.lines)


def test_what_was_meant_may_be_here_under_another_of_its_names(shelf: Path) -> None:
    whisper_folder(shelf / "whisper-base")
    with pytest.raises(ModelNotFound, match=r"did you mean base\? malsori models list"):
        find_bundle("bsae")
