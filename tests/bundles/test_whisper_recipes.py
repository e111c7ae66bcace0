"""The recipes of Whisper: they agree with themselves and with the catalogue, and say what vouches for them."""

import pytest

pytest.importorskip("tomllib")

from export import recipes
from export.common import ExportRefused
from export.whisper_recipe import PARTS, WhisperRecipe
from malsori.bundles.catalog import CATALOG, find
from malsori.bundles.names import audio_context
from malsori.languages import LANGUAGES

ALL = [recipes.read(name) for name in recipes.names(WhisperRecipe)]
by_name = pytest.mark.parametrize("recipe", ALL, ids=[recipe.name for recipe in ALL])
ENGLISH = ("tiny.en", "base.en", "small.en", "medium.en")
SIZES = ("tiny", "base", "small", "medium", "large-v3", "large-v3-turbo", *ENGLISH)


def write(folder, monkeypatch, text):
    (folder / "mine.toml").write_text(text, "utf-8")
    monkeypatch.setattr(recipes, "FOLDER", folder)


def whisper(name: str = "whisper-tiny") -> str:
    return (recipes.FOLDER / f"{name}.toml").read_text("utf-8")


def test_every_stock_size_has_one_and_so_has_the_distilled_model():
    assert {recipe.name for recipe in ALL} == {*(f"whisper-{size}" for size in SIZES), "distil-large-v3"}


def test_neither_kind_is_among_the_names_of_the_other():
    assert not set(recipes.names()) & set(recipes.names(WhisperRecipe))


@by_name
def test_its_network_is_a_whisper(recipe):
    model = recipe.model
    assert (model["model_type"], model["max_source_positions"], model["max_target_positions"]) == ("whisper", 1500, 448)
    for half in ("encoder", "decoder"):
        assert model["d_model"] == 64 * model[f"{half}_attention_heads"]
        assert model[f"{half}_ffn_dim"] == 4 * model["d_model"]
    assert (model["num_mel_bins"], recipe.token_languages) in {(80, 99), (128, 100)}


@by_name
def test_its_alignment_heads_are_heads_of_its_decoder(recipe):
    for layer, head in recipe.alignment_heads:
        assert layer < recipe.model["decoder_layers"]
        assert head < recipe.model["decoder_attention_heads"]
    assert bool(recipe.alignment_heads) == (recipe.name != "distil-large-v3")


@by_name
def test_each_part_is_verified_or_marked_as_not(recipe):
    said = {*recipe.verified, *recipe.unverified}
    assert said == set(PARTS)
    assert not recipe.verified.keys() & recipe.unverified.keys()


@by_name
def test_it_agrees_with_the_catalogue(recipe):
    known = find(recipe.name)
    assert known.kind == "whisper"
    assert known.parameters == round(recipe.parameters / 1e6)
    assert known.languages == (recipe.languages or LANGUAGES[: recipe.token_languages])
    assert ("translation" in known.lacks) == ("translate" not in recipe.tasks)


def test_whoever_is_in_the_catalogue_has_a_recipe_of_its_kind():
    kinds = {"whisper": WhisperRecipe, "wav2vec2-ctc": recipes.Recipe}
    for known in CATALOG:
        recipe = recipes.find(known.name, kinds[known.kind])
        assert recipe is not None
        assert known.kind == "whisper" or known.languages == recipe.languages


def test_the_window_is_the_one_that_the_runtime_gives_the_model():
    assert {recipe.name: recipe.audio_context for recipe in ALL} == {
        recipe.name: audio_context(recipe.name) for recipe in ALL
    }
    assert recipes.read("whisper-large-v3").audio_context == {"floor_s": 10.0, "margin_s": 2.0}
    assert recipes.read("whisper-medium").audio_context == {}


def test_turbo_and_those_that_know_english_only_do_not_translate():
    english = ["distil-large-v3", *sorted(f"whisper-{size}" for size in ENGLISH)]
    only_transcribe = {recipe.name for recipe in ALL if recipe.tasks == ("transcribe",)}
    assert only_transcribe == {*english, "whisper-large-v3-turbo"}
    assert sorted(recipe.name for recipe in ALL if recipe.languages) == english


def test_an_english_model_is_its_sibling_with_one_entry_less():
    for size in ENGLISH:
        english, sibling = recipes.read(f"whisper-{size}"), recipes.read(f"whisper-{size.removesuffix('.en')}")
        assert english.model == sibling.model | {"vocab_size": 51864}
        assert sibling.parameters - english.parameters == sibling.model["d_model"]
        assert english.languages == ("en",)
        assert english.alignment_heads != sibling.alignment_heads


@by_name
def test_its_table_names_it_with_its_figures(recipe):
    line = next(line for line in recipes.table(WhisperRecipe).splitlines() if line.startswith(f"| {recipe.name} |"))
    for part in (recipe.source, f"{recipe.parameters / 1e6:.0f} M", str(recipe.model["vocab_size"])):
        assert f"| {part} |" in line
    assert recipe.name not in recipes.table().split()


def test_a_checkpoint_on_the_hub_is_known_by_its_own_name_too():
    assert recipes.of_source("openai/whisper-large-v3-turbo", WhisperRecipe).name == "whisper-large-v3-turbo"
    assert recipes.of_source("someone/else", WhisperRecipe) is None


@pytest.mark.parametrize(
    ("name", "kind", "script"),
    [("whisper-tiny", recipes.Recipe, "whisper"), ("xlsr-ko", WhisperRecipe, "wav2vec2")],
)
def test_a_recipe_of_the_other_kind_is_refused_with_the_script_it_is_for(name, kind, script):
    with pytest.raises(ExportRefused, match=rf"{name}: a recipe for export/{script}\.py"):
        recipes.find(name, kind)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("languages = 99", "languages = 100"),
        ("languages = 99", 'languages = "en"'),
        ('tasks = ["transcribe", "translate"]', ""),
        ("vocab_size = 51865", ""),
        ("[2, 2]", "[2]"),
        ("[2, 2]", "2"),
        ('licence = "apache-2.0"', 'license = "apache-2.0"'),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_by_name(tmp_path, monkeypatch, old, new):
    text = whisper()
    assert old in text
    write(tmp_path, monkeypatch, text.replace(old, new, 1))
    with pytest.raises(ExportRefused, match=r"mine\.toml: not a recipe"):
        recipes.read("mine")
