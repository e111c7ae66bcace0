"""Every Whisper recipe, exercised: a checkpoint of its configuration with random weights, exported, loaded and run.

Tiny is whole. The others keep vocabulary, mels, the decoder's heads and up to four of its layers; heads are 8 wide
instead of 64, and the encoder has two layers. In float32: what int8 does to random weights says nothing of trained
ones, and so the proof is the strictest.
"""

import json
from contextlib import nullcontext
from dataclasses import replace
from importlib import metadata

import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tomllib")
try:
    metadata.distribution("openai-whisper")
except metadata.PackageNotFoundError:
    pytest.skip("the tokenizer's ranks are in the package openai-whisper", allow_module_level=True)

from export import recipes  # noqa: E402
from export.common import ExportRefused  # noqa: E402
from export.proof import synthetic_speech  # noqa: E402
from export.whisper import export, main  # noqa: E402
from export.whisper_checkpoint import Checkpoint  # noqa: E402
from export.whisper_recipe import WhisperRecipe  # noqa: E402
from malsori.engines.base import DecodeOptions  # noqa: E402
from malsori.errors import OptionError  # noqa: E402
from malsori.languages import LANGUAGES  # noqa: E402
from tests.export.test_whisper_export import open_engine, save_checkpoint  # noqa: E402

HEARD = DecodeOptions(beam_size=1, temperature=(0.0,), word_timestamps=True)
FULL_WIDTH = "whisper-tiny"
ENCODER = {"encoder_layers": 2, "encoder_attention_heads": 2}
NARROW = 8  # of a head; 64 in all published sizes


def sizes(recipe: WhisperRecipe) -> dict[str, int]:
    """Return the sizes of the checkpoint to make."""
    model = {name: value for name, value in recipe.model.items() if name not in ("model_type", "vocab_size")}
    if recipe.name == FULL_WIDTH:
        return model
    width = NARROW * model["decoder_attention_heads"]
    small = ENCODER | {"decoder_layers": min(4, model["decoder_layers"])}
    return model | small | {"d_model": width, "encoder_ffn_dim": 4 * width, "decoder_ffn_dim": 4 * width}


@pytest.fixture(scope="module", params=recipes.names(WhisperRecipe))
def made(request, tmp_path_factory):
    """A recipe and the bundle of its checkpoint, exported with what the recipe sets."""
    recipe = recipes.read(request.param)
    folder = tmp_path_factory.mktemp(recipe.name)
    settings = sizes(recipe)
    mels = settings.pop("num_mel_bins")
    checkpoint = save_checkpoint(
        folder / "checkpoint", mels, sizes=settings, contrast=1.0, english=recipe.name.endswith(".en")
    )
    options = recipe.options()
    assert options.pop("quantize") == "int8"
    manifest = export(checkpoint, folder / "bundle", quantization="float32", **options)
    yield recipe, manifest, folder / "bundle"
    for path in folder.glob("*/*.safetensors"):
        path.unlink()


def test_the_manifest_says_what_the_recipe_says(made):
    recipe, manifest, _ = made
    assert (manifest.tasks, manifest.audio_context) == (recipe.tasks, recipe.audio_context)
    assert (manifest.licence, manifest.description) == (recipe.licence, recipe.description)
    assert manifest.languages == (recipe.languages or LANGUAGES[: recipe.token_languages])
    expected = recipe.model | sizes(recipe)
    del expected["model_type"]
    assert {name: manifest.sizes[name] for name in expected} == expected


def test_the_network_looks_for_words_with_the_published_heads_where_it_has_their_layers(made):
    recipe, manifest, bundle = made
    heads = json.loads((bundle / "config.json").read_text("utf-8"))["alignment_heads"]
    layers, count = (manifest.sizes[f"decoder_{what}"] for what in ("layers", "attention_heads"))
    if recipe.alignment_heads and layers == recipe.model["decoder_layers"]:
        assert heads == [list(pair) for pair in recipe.alignment_heads]
    else:
        assert heads == [[layer, head] for layer in range(layers // 2, layers) for head in range(count)]


def test_it_hears_in_a_language_of_its_own_and_times_the_words(made):
    recipe, _, bundle = made
    engine = open_engine(bundle)
    clip = synthetic_speech(2.0)
    (heard,) = engine.transcribe([clip], HEARD)
    assert heard.language in (recipe.languages or LANGUAGES)
    for segment in heard.segments:
        assert all(0 <= word.start <= word.end <= 2.0 for word in segment.words)
    assert set(engine.detect_language(clip)) == set(recipe.languages or LANGUAGES[: recipe.token_languages])


def test_it_translates_only_if_it_was_trained_to(made):
    recipe, _, bundle = made
    refused = nullcontext() if "translate" in recipe.tasks else pytest.raises(OptionError, match="translate")
    with refused:
        open_engine(bundle).check(DecodeOptions(task="translate"))


def test_parameters_are_counted_as_pytorch_counts_them(made):
    recipe, manifest, _ = made
    if recipe.name == FULL_WIDTH:
        assert recipe.parameters == manifest.sizes["parameters"]
    assert replace(recipe, model=recipe.model | sizes(recipe)).parameters == manifest.sizes["parameters"]


def test_heads_of_layers_that_the_decoder_does_not_have_are_left_out(tmp_path):
    recipe = recipes.read("distil-large-v3")
    settings = sizes(recipe)
    checkpoint = Checkpoint.load(str(save_checkpoint(tmp_path, settings.pop("num_mel_bins"), sizes=settings)))
    assert checkpoint.alignment_heads([[0, 3], [1, 19]]) == [[0, 3], [1, 19]]
    last = [[1, head] for head in range(20)]
    for wrong in ([], [[7, 0], [10, 17]], [[1, 20]], [[-1, 0]]):
        assert checkpoint.alignment_heads(wrong) == last


def test_the_command_takes_a_recipes_name_or_its_source_and_the_users_flags_win(tmp_path, monkeypatch, capsys):
    calls = []

    def called(**options):
        calls.append(options)
        raise ExportRefused("stopped")

    monkeypatch.setattr("export.whisper.export", called)
    for line in (
        ["whisper-large-v3-turbo"],
        ["openai/whisper-large-v3-turbo", "--quantize", "float16", "--languages", "ko", "--licence", "MIT"],
        ["someone/else"],
    ):
        assert main([line[0], str(tmp_path / "out"), *line[1:]]) == 1
    plain, flags, other = calls
    assert (plain["source"], plain["quantization"]) == ("openai/whisper-large-v3-turbo", "int8")
    assert (plain["tasks"], plain["languages"], plain["licence"]) == (("transcribe",), None, "mit")
    assert plain["audio_context"] == {"floor_s": 10.0, "margin_s": 2.0}
    assert plain["alignment_heads"][0] == (2, 4)
    assert (flags["source"], flags["tasks"]) == ("openai/whisper-large-v3-turbo", ("transcribe",))
    assert (flags["quantization"], flags["languages"], flags["licence"]) == ("float16", ("ko",), "MIT")
    assert (other["source"], other["licence"], "tasks" in other) == ("someone/else", None, False)


def test_a_recipe_of_xlsr_is_sent_to_its_own_script(tmp_path, capsys):
    assert main(["xlsr-ko", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == "error: xlsr-ko: a recipe for export/wav2vec2.py, not for export/whisper.py\n"


def test_listing_prints_the_recipes_of_whisper(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--list-recipes"])
    assert left.value.code == 0
    assert capsys.readouterr().out == recipes.table(WhisperRecipe) + "\n"
