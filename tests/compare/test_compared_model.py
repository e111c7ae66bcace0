"""Which models are compared, as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.compare import compared_models, models_here
from malsori.errors import OptionError


def typed(*texts: str) -> list[tuple[str, str, str]]:
    return [(each.name, each.compute_type, each.label) for each in compared_models(texts)]


def test_models_stand_apart_or_with_commas_each_once():
    assert typed("base,tiny.en", "base", "base@float32") == [
        ("base", "default", "base"),
        ("tiny.en", "default", "tiny.en"),
        ("base", "float32", "base@float32"),
    ]


def test_a_path_may_have_commas_and_ats_and_is_called_by_its_last_part(tmp_path: Path):
    for name in ("a,b", "c@int8"):
        (tmp_path / name).mkdir()
    assert [each[2] for each in typed(str(tmp_path / "a,b"), str(tmp_path / "c@int8"))] == ["a,b", "c@int8"]
    assert typed(f"{tmp_path / 'a,b'}")[0][0] == str(tmp_path / "a,b")


def test_two_paths_that_end_in_the_same_are_called_by_all_of_it(tmp_path: Path):
    paths = [tmp_path / "x" / "m", tmp_path / "y" / "m"]
    for path in paths:
        path.mkdir(parents=True)
    assert [each[2] for each in typed(*map(str, paths))] == list(map(str, paths))


def test_a_compute_type_that_there_is_not_is_told_with_those_there_are():
    with pytest.raises(
        OptionError, match=r"base@flaot32: expected MODEL@TYPE with one of default, .*, found 'flaot32'"
    ):
        compared_models(["base@flaot32"])
    with pytest.raises(OptionError, match="found none"):
        compared_models([","])


def test_all_models_here_are_taken_but_those_that_do_not_know_the_language():
    here, left_out = models_here()
    assert ({each.name for each in here}, left_out) == ({"nano-ctc-ko", "nano-whisper"}, [])
    here, left_out = models_here("english")
    assert ([each.name for each in here], left_out) == (
        ["nano-whisper"],
        ["nano-ctc-ko does not know the language 'english'"],
    )
