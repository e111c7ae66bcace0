"""The recipes of `models/*.toml`: they can be read, agree with themselves, and say what vouches for them."""

import argparse

import pytest

pytest.importorskip("tomllib")

from export import recipes
from export.common import ExportRefused

ALL = [recipes.read(name) for name in recipes.names()]
by_name = pytest.mark.parametrize("recipe", ALL, ids=[recipe.name for recipe in ALL])


def write(folder, monkeypatch, text):
    (folder / "mine.toml").write_text(text, "utf-8")
    monkeypatch.setattr(recipes, "FOLDER", folder)


def test_there_are_at_least_eight_of_xlsr_and_korean_is_one():
    assert sum("xls" in recipe.source for recipe in ALL) >= 8
    assert recipes.read("xlsr-ko").source == "kresnik/wav2vec2-large-xlsr-korean"


@by_name
def test_its_vocabulary_holds_what_it_says_of_it(recipe):
    vocabulary = recipe.vocabulary
    assert {vocabulary.blank, vocabulary.unknown, vocabulary.delimiter} <= vocabulary.special.keys()
    assert vocabulary.size <= recipe.model["vocab_size"] <= vocabulary.size + len(vocabulary.added)
    assert recipe.model["pad_token_id"] == vocabulary.special[vocabulary.blank]
    if vocabulary.tokens:
        assert len(set(vocabulary.tokens)) == len(vocabulary.tokens) == vocabulary.size
        assert all(vocabulary.tokens[index] == token for token, index in vocabulary.special.items())
    else:
        assert any(key in recipe.unverified for key in ("vocabulary.tokens", "vocabulary"))


@by_name
def test_each_part_is_verified_or_marked_as_not(recipe):
    said = {*recipe.verified, *recipe.unverified}
    for part in recipes.PARTS:
        assert any(key == part or key.startswith(f"{part}.") for key in said), part
    assert not recipe.verified.keys() & recipe.unverified.keys()


@by_name
def test_only_a_group_norm_front_end_goes_without_a_mask(recipe):
    assert recipe.sound["attention_mask"] == (recipe.model["feat_extract_norm"] == "layer")


@by_name
def test_the_table_names_it(recipe):
    assert f"| {recipe.name} | {recipe.source} |" in recipes.table()


def test_a_name_that_is_no_recipe_is_left_to_the_hub():
    assert recipes.find("someone/else") is None
    assert recipes.find("else") is None


def test_a_folder_of_a_recipes_name_comes_before_the_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recipes.find("xlsr-ko").source == "kresnik/wav2vec2-large-xlsr-korean"
    (tmp_path / "xlsr-ko").mkdir()
    assert recipes.find("xlsr-ko") is None


@pytest.mark.parametrize("text", ["not toml", 'source = "a/b"', "evidence = {}\nvocabulary = {}\nlanguages = []"])
def test_a_file_that_is_no_recipe_is_refused_by_name(tmp_path, monkeypatch, text):
    write(tmp_path, monkeypatch, text)
    with pytest.raises(ExportRefused, match=r"mine\.toml"):
        recipes.read("mine")


def test_a_licence_that_nobody_found_is_left_to_the_model_card():
    assert "licence" not in recipes.read("xls-r-300m-gn").options()
    assert recipes.read("xlsr-ko").options()["licence"] == "apache-2.0"


def test_listing_prints_the_table_and_leaves(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--list-recipes", action=recipes.List)
    with pytest.raises(SystemExit) as left:
        parser.parse_args(["--list-recipes"])
    assert left.value.code == 0
    assert capsys.readouterr().out == recipes.table() + "\n"
