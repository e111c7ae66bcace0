"""Every recipe, exercised: a checkpoint of its exact configuration with random weights, but for the number of layers.

The vocabulary is the published one where the recipe lists it, else one of the same size with the special tokens at the
same ids. Logits are compared with Hugging Face's forward, texts with Hugging Face's own tokenizer.
"""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tomllib")

from export import recipes  # noqa: E402
from export.common import ExportRefused  # noqa: E402
from export.proof import compare, synthetic_speech  # noqa: E402
from export.wav2vec2 import export, main  # noqa: E402
from malsori.engines.base import DecodeOptions  # noqa: E402
from malsori.engines.ctc.decoder import CtcDecoder  # noqa: E402
from tests.export.test_wav2vec2_export import LAYER, TINY, HuggingFace, open_engine, save_checkpoint  # noqa: E402
from tests.export.vocabularies import save_tokenizer  # noqa: E402

LETTERS = {
    "ko": 0xAC00,
    "ja": 0x4E00,
    "zh": 0x4E00,
    "de": ord("A"),
}  # where the letters of an unlisted vocabulary start
JAMO = 0x3131
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "|")
FRAMES = 400  # of the made-up paths below


def tokens(recipe: recipes.Recipe) -> list[str]:
    """Return the published tokens in the order of their ids, or letters around the special ones."""
    vocabulary = recipe.vocabulary
    if vocabulary.tokens:
        return list(vocabulary.tokens)
    at = {index: token for token, index in vocabulary.special.items()}
    first = JAMO if recipe.name == "wav2vec2-base-ko" else LETTERS[recipe.languages[0]]
    letters = map(chr, range(first, first + vocabulary.size))
    return [at.get(index) or next(letters) for index in range(vocabulary.size)]


def save_letters(recipe: recipes.Recipe, folder: Path) -> None:
    vocabulary = recipe.vocabulary
    save_tokenizer(
        folder,
        tokens(recipe),
        pad_token=vocabulary.blank,
        unk_token=vocabulary.unknown,
        word_delimiter_token=vocabulary.delimiter,
        do_lower_case=vocabulary.lower_case,
    )


def save_recipe(recipe: recipes.Recipe, folder: Path, layers: int | None = 1) -> Path:
    """Write a checkpoint of the recipe with random weights; `layers` None keeps the published number."""
    torch.manual_seed(3)
    model = recipe.model | ({} if layers is None else {"num_hidden_layers": layers})
    network = transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**model)).eval()
    special = list(recipe.vocabulary.special.values())
    with torch.no_grad():
        network.lm_head.weight.mul_(20)  # logits of a trained model's size, so that frames decide
        network.lm_head.weight[special] *= 2  # among a thousand letters blanks and delimiters win now and then
    network.save_pretrained(folder)
    save_letters(recipe, folder)
    sound = {"do_normalize": recipe.sound["normalize"], "return_attention_mask": recipe.sound["attention_mask"]}
    transformers.Wav2Vec2FeatureExtractor(**sound).save_pretrained(folder)
    return folder


def change_tokenizer(checkpoint: Path, **settings) -> None:
    path = checkpoint / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")


def text_of_hugging_face(tokenizer, ids) -> str:
    """Return what its tokenizer decodes, less the special tokens that it spells out, composed, single spaces.

    Not `skip_special_tokens`: that drops them before it collapses repeats, so that "a [UNK] a" becomes one "a".
    """
    text = tokenizer.decode(ids)
    for token in tokenizer.all_special_tokens:
        for spelled in (token, token.lower()):
            text = text.replace(spelled, "")
    return " ".join(unicodedata.normalize("NFC", text).split())


def spoken(segments) -> str:
    return " ".join(segment.text for segment in segments)


@pytest.fixture(scope="module", params=recipes.names())
def made(request, tmp_path_factory):
    """A recipe, its checkpoint in transformers, its tokenizer, and its bundle in the runtime."""
    recipe = recipes.read(request.param)
    folder = tmp_path_factory.mktemp(recipe.name)
    checkpoint = save_recipe(recipe, folder / "checkpoint")
    manifest = export(checkpoint, folder / "bundle", languages=recipe.languages, licence=recipe.licence)
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(checkpoint)
    yield recipe, HuggingFace(checkpoint), tokenizer, open_engine(folder / "bundle", manifest)
    for path in (folder / "checkpoint").glob("*.safetensors"):
        path.unlink()


def test_logits_and_text_are_those_of_hugging_face(made):
    _, theirs, tokenizer, ours = made
    for seconds in (0.4, 2.1):
        clip = synthetic_speech(seconds, 5)
        ((logits, _),) = theirs([clip])
        assert compare([logits], ours.logits([clip])).relative < 1e-4
        expected = text_of_hugging_face(tokenizer, logits.argmax(-1))
        assert spoken(ours.transcribe([clip])[0].segments) == expected
        assert expected


def test_any_path_of_tokens_reads_as_hugging_face_reads_it(made):
    """Blanks, delimiters, unknowns and repeats far more often than speech has them."""
    recipe, _, tokenizer, ours = made
    random = np.random.default_rng(11)
    decoder = CtcDecoder(ours.vocabulary, ours.frames)
    special = list(recipe.vocabulary.special.values())
    for _ in range(20):
        letters = random.integers(recipe.model["vocab_size"], size=FRAMES)
        path = np.where(random.random(FRAMES) < 0.5, random.choice(special, FRAMES), letters)
        path = path.repeat(random.integers(1, 4, FRAMES))
        logits = np.where(np.arange(recipe.model["vocab_size"]) == path[:, None], 9.0, 0.0).astype(np.float32)
        segments = decoder.segments(logits, len(path) * ours.frames.stride, DecodeOptions())
        assert spoken(segments) == text_of_hugging_face(tokenizer, path)


def test_the_manifest_and_the_vocabulary_say_what_the_recipe_says(made):
    recipe, _, _, ours = made
    vocabulary, manifest = recipe.vocabulary, ours.manifest
    assert (manifest.blank, manifest.word_delimiter) == (vocabulary.blank, vocabulary.delimiter)
    assert (manifest.normalize, manifest.attention_mask) == (recipe.sound["normalize"], recipe.sound["attention_mask"])
    assert ours.vocabulary.blank == vocabulary.special[vocabulary.blank]
    assert vocabulary.special[vocabulary.delimiter] in ours.vocabulary.delimiters
    assert len(ours.vocabulary) == recipe.model["vocab_size"]
    assert {name: manifest.sizes[name] for name in ("hidden_size", "feat_extract_norm", "do_stable_layer_norm")} == {
        name: recipe.model[name] for name in ("hidden_size", "feat_extract_norm", "do_stable_layer_norm")
    }


def test_the_command_takes_a_recipes_name_and_the_users_flags_win(tmp_path, monkeypatch, capsys):
    calls = []

    def called(**options):
        calls.append(options)
        raise ExportRefused("stopped")

    monkeypatch.setattr("export.wav2vec2.export", called)
    assert main(["xlsr-ko", str(tmp_path / "out")]) == 1
    assert main(["xlsr-ko", str(tmp_path / "out"), "--quantize", "none", "--languages", "en,ko"]) == 1
    assert main(["someone/else", str(tmp_path / "out")]) == 1
    plain, flags, other = calls
    assert (plain["source"], plain["quantization"]) == ("kresnik/wav2vec2-large-xlsr-korean", "int8")
    assert (plain["languages"], plain["licence"]) == (("ko",), "apache-2.0")
    assert "Zeroth-Korean" in plain["description"]
    assert (flags["quantization"], flags["languages"], flags["licence"]) == ("none", ("en", "ko"), "apache-2.0")
    assert (other["source"], other["quantization"], other["licence"]) == ("someone/else", "none", None)


def test_a_tokenizer_that_lowers_its_text_gives_a_vocabulary_in_lower_case(tmp_path):
    letters = "ABCDEFGHIJKLMN"
    checkpoint = save_checkpoint(tmp_path / "checkpoint", tokens=[*SPECIAL, *letters], **TINY, **LAYER)
    change_tokenizer(checkpoint, do_lower_case=True)
    export(checkpoint, tmp_path / "bundle", languages=["de"])
    vocabulary = json.loads((tmp_path / "bundle" / "vocab.json").read_text("utf-8"))
    assert "".join(list(vocabulary)[5:]) == "abcdefghijklmn"


def test_lowering_two_letters_into_one_is_refused(tmp_path):
    letters = "ABCDEFGHIJKLMa"
    checkpoint = save_checkpoint(tmp_path / "checkpoint", tokens=[*SPECIAL, *letters], **TINY, **LAYER)
    change_tokenizer(checkpoint, do_lower_case=True)
    with pytest.raises(ExportRefused, match="both cases"):
        export(checkpoint, tmp_path / "bundle", languages=["de"])


def test_a_checkpoint_without_settings_for_its_tokenizer_has_the_default_ones(tmp_path):
    """As the family of xlsr-en is published: vocab.json and special_tokens_map.json, no tokenizer_config.json."""
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **LAYER)
    (checkpoint / "tokenizer_config.json").unlink()
    manifest = export(checkpoint, tmp_path / "bundle", languages=["en"])
    assert (manifest.blank, manifest.word_delimiter) == ("<pad>", "|")


def test_a_tokenizer_of_phonemes_is_refused_by_its_name(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **LAYER)
    change_tokenizer(checkpoint, tokenizer_class="Wav2Vec2PhonemeCTCTokenizer")
    with pytest.raises(ExportRefused, match="Wav2Vec2PhonemeCTCTokenizer"):
        export(checkpoint, tmp_path / "bundle", languages=["en"])


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_the_korean_recipe_in_full_size(tmp_path, quantization):
    """24 layers of 1024, 1205 tokens, 316 M random weights; some 6 GB of memory."""
    recipe = recipes.read("xlsr-ko")
    checkpoint = save_recipe(recipe, tmp_path / "checkpoint", layers=None)
    manifest = export(checkpoint, tmp_path / "bundle", quantization=quantization, languages=["ko"], force=True)
    ours, theirs = open_engine(tmp_path / "bundle", manifest), HuggingFace(checkpoint)
    clips = [synthetic_speech(seconds, 7) for seconds in (1.0, 0.3)]
    expected = [theirs([clip])[0][0] for clip in clips]
    difference = compare(expected, ours.logits(clips))
    if quantization == "int8":
        assert difference.cosine > 0.99
        return
    assert difference.relative < 1e-3
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(checkpoint)
    texts = [text_of_hugging_face(tokenizer, logits.argmax(-1)) for logits in expected]
    assert [spoken(result.segments) for result in ours.transcribe(clips)] == texts
