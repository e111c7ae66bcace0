"""What can be pulled: every published name has its model, and every fact of it agrees with what else is known."""

from __future__ import annotations

import re

import pytest

from malsori.bundles.catalog import CATALOG
from malsori.bundles.names import NAMES, WINDOWS
from malsori.bundles.pull import Model, find, pullable, sources_for
from malsori.bundles.pull.hub import Hub
from malsori.bundles.pull.packages import Packages
from malsori.errors import DownloadError, ModelNotFound, OptionError
from tests import models_page

ALL = pullable()
by_model = pytest.mark.parametrize("model", ALL, ids=[model.name for model in ALL])
BASE, TINY = find("base"), find("tiny")


def test_every_published_name_can_be_pulled() -> None:
    assert [model.name for model in ALL] == [named.name for named in NAMES]
    assert {known.name for known in CATALOG if known.kind == "whisper"} <= {model.name for model in ALL}
    assert set(WINDOWS) <= {model.name for model in ALL}


@by_model
def test_a_model_is_pinned_to_a_commit_and_has_what_whisper_needs(model: Model) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", model.revision)
    names = [file.name for file in model.files]
    assert {"config.json", "model.bin", "tokenizer.json"} < set(names)
    assert len({"vocabulary.txt", "vocabulary.json"} & set(names)) == 1
    assert all(re.fullmatch(r"[0-9a-f]{64}|", file.sha256) for file in model.files)


@by_model
def test_all_that_is_large_has_a_sum_of_ours(model: Model) -> None:
    unpinned = [file.name for file in model.files if not file.sha256]
    assert not unpinned or model.name.startswith("distil-") or unpinned == ["config.json"]
    assert "model.bin" not in unpinned or model.name == "distil-large-v2"


@by_model
def test_its_size_is_that_of_the_catalogue(model: Model) -> None:
    for known in CATALOG:
        if known.name == model.name:
            assert model.size == pytest.approx(known.bundle_mb["float16"] * 1e6, rel=0.01)


def test_models_of_one_vocabulary_share_its_files_and_no_two_share_weights() -> None:
    sums = [file.sha256 for model in ALL for file in model.files if file.name == "model.bin" and file.sha256]
    assert len(set(sums)) == len(sums)
    revisions = {model.revision for model in ALL}
    assert len(revisions) == len(ALL)


def test_the_packages_of_base_and_tiny_en_hold_every_file() -> None:
    assert [model.short for model in ALL if model.wheels] == ["base", "tiny.en"]
    for model in (BASE, find("tiny.en")):
        assert {name for wheel in model.wheels for name in wheel.holds} == {file.name for file in model.files}
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", wheel.requirement) for wheel in model.wheels)


@pytest.mark.parametrize(
    "name",
    ["base", "whisper-base", "openai/whisper-base", "Systran/faster-whisper-base", "faster-whisper-base", "BASE"],
)
def test_a_model_is_found_by_all_its_names(name: str) -> None:
    assert find(name) is BASE


@pytest.mark.parametrize(("name", "near"), [("bsae", "base"), ("large-v4", "large-v3"), ("tinny", "tiny")])
def test_of_an_unknown_name_the_near_ones_are_told(name: str, near: str) -> None:
    with pytest.raises(ModelNotFound, match=f"no model named {name!r}; did you mean .*{re.escape(near)}"):
        find(name)


def test_a_name_that_is_like_no_other_is_told_where_they_are_listed() -> None:
    with pytest.raises(ModelNotFound, match="no model named 'xyzzy'; malsori models pull lists"):
        find("xyzzy")


def test_the_hub_comes_first_and_the_index_where_it_has_it() -> None:
    assert sources_for(BASE, "", {}) == [Hub(), Packages()]
    assert sources_for(TINY, "", {}) == [Hub()]
    assert sources_for(BASE, "hub", {}) == [Hub()]
    assert sources_for(BASE, "index", {}) == [Packages()]


def test_a_mirror_is_asked_instead_of_the_hub() -> None:
    mirror = [Hub("https://mirror.example.org/hf")]
    assert sources_for(TINY, "", {"HF_ENDPOINT": "https://mirror.example.org/hf/"}) == mirror
    assert sources_for(BASE, "https://mirror.example.org/hf/", {"HF_ENDPOINT": "https://other"}) == mirror


@pytest.mark.parametrize("asked", ["torrent", "ftp://x", "file:///etc", "https://", "//x"])
def test_a_source_is_one_of_three_things(asked: str) -> None:
    with pytest.raises(OptionError, match=r"--source: expected hub, index or the address of a mirror"):
        sources_for(BASE, asked, {})


def test_an_index_without_the_model_is_told() -> None:
    with pytest.raises(OptionError, match="no package holds whisper-tiny; --source hub has it"):
        sources_for(TINY, "index", {})


@pytest.mark.parametrize("variable", ["MALSORI_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize("asked", ["", "hub", "index", "https://mirror.example.org"])
def test_offline_nothing_is_asked(variable: str, asked: str) -> None:
    for value in ("1", "ON", "true"):
        with pytest.raises(DownloadError, match=f"{variable} is set, so nothing is asked for whisper-base"):
            sources_for(BASE, asked, {variable: value})
    assert sources_for(BASE, "", {variable: "0"})


def test_the_table_of_sizes_says_what_the_catalogue_and_the_recipes_say() -> None:
    assert models_page.PAGE.table == models_page.table()
