"""Bundles made from random Whisper checkpoints, against Hugging Face's own features and forward of the same weights.

The checkpoints have the real vocabulary, window and positions, with 80 and with 128 mels; only the layers are few and
narrow.
"""

import json
import shutil
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
try:
    metadata.distribution("openai-whisper")
except metadata.PackageNotFoundError:
    pytest.skip("the tokenizer's ranks are in the package openai-whisper", allow_module_level=True)

from export.common import ExportRefused  # noqa: E402
from export.proof import synthetic_speech  # noqa: E402
from export.whisper import QUANTIZATIONS, export, main  # noqa: E402
from export.whisper_checkpoint import Checkpoint  # noqa: E402
from export.whisper_tokenizer import build_tokenizer, ranks_file  # noqa: E402
from malsori.bundles import read_manifest  # noqa: E402
from malsori.engines.base import DecodeOptions  # noqa: E402
from malsori.engines.whisper.engine import WhisperEngine  # noqa: E402
from malsori.engines.whisper.features import HOP, WINDOW, LogMel  # noqa: E402

HEADS = ("encoder_attention_heads", "decoder_attention_heads")
WIDTHS = ("encoder_ffn_dim", "decoder_ffn_dim")


def layers(d_model: int, encoder: int, decoder: int, heads: int) -> dict[str, int]:
    """Return the sizes of a Whisper; feed-forward layers are four times as wide as the model, as in all of them."""
    sizes = {"d_model": d_model, "encoder_layers": encoder, "decoder_layers": decoder}
    return sizes | dict.fromkeys(HEADS, heads) | dict.fromkeys(WIDTHS, 4 * d_model)


TINY = layers(64, 2, 2, 2) | dict.fromkeys(WIDTHS, 128)
PUBLISHED = {"tiny": (80, layers(384, 4, 4, 6)), "turbo": (128, layers(1280, 32, 4, 20))}  # mels, sizes
LANGUAGES = {80: 99, 128: 100}  # of the published checkpoints, by mels
TEXT = [1027, 220, 15, 30_000, 42, 9001]  # any text tokens
GREEDY = DecodeOptions(beam_size=1, temperature=(0.0,))


@cache
def tokenizer_for(mels: int):
    return build_tokenizer(LANGUAGES[mels])


@cache
def english_tokenizer():
    """The tokenizer of the .en checkpoints: the same tokens behind another text vocabulary."""
    return build_tokenizer(99, ranks_file().with_name("gpt2.tiktoken"))


def save_checkpoint(
    folder: Path, mels: int, change=lambda model: None, sizes=TINY, contrast=3.0, *, english=False
) -> Path:
    """Write what `save_pretrained` leaves behind, with random weights; an `english` one has GPT-2's vocabulary."""
    torch.manual_seed(mels)
    tokenizer = english_tokenizer() if english else tokenizer_for(mels)
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    ids = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": end + 1}
    config = transformers.WhisperConfig(vocab_size=len(tokenizer), num_mel_bins=mels, **ids, **sizes)
    model = transformers.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.mul_(contrast)  # a trained model's contrasts, so that logits decide
        change(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=mels).save_pretrained(folder)
    return folder


def ruin_for_int8(model) -> None:
    """Make one input of most layers always zero and its weights huge: nothing for floats, but the scale of each row.

    The other weights of the row then round to nothing.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.LayerNorm):
            layer.weight[0], layer.bias[0] = 0, 0
        if name.endswith(("q_proj", "k_proj", "v_proj", "fc1")):
            layer.weight[:, 0] = 1000


@pytest.fixture(scope="module", params=[80, 128], ids=["80-mels", "128-mels"])
def checkpoint(request, tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint"), request.param)


@pytest.fixture(scope="module")
def checkpoint_80(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint"), 80)


@pytest.fixture(scope="module")
def gentle_80(tmp_path_factory):
    """Weights that 8 bits hold on every processor: without VNNI, 16-bit sums of large ones saturate now and then."""
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint"), 80, contrast=1.0)


def open_engine(folder: Path) -> WhisperEngine:
    return WhisperEngine(folder, read_manifest(folder), device="cpu", compute_type="float32", threads=1)


@pytest.fixture(scope="module")
def pair(checkpoint, tmp_path_factory):
    """One checkpoint's folder, and its fp32 bundle in the runtime."""
    out = tmp_path_factory.mktemp("pair") / "bundle"
    export(checkpoint, out, quantization="float32", languages=("ko", "en"))
    return checkpoint, open_engine(out)


def hugging_face(folder: Path, clip, prompt, tokens):
    """Return features, encoder states and logits after the prompt and each token, through transformers alone."""
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(folder)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folder).eval()
    features = extractor(clip, sampling_rate=16_000, return_tensors="pt").input_features
    with torch.no_grad():
        output = model(features, decoder_input_ids=torch.tensor([[*prompt, *tokens]]))
    states = output.encoder_last_hidden_state[0].numpy()
    return features[0].numpy(), states, output.logits[0, len(prompt) - 1 :].numpy()


def prompt_of(folder: Path):
    tokenizer = transformers.WhisperTokenizerFast.from_pretrained(folder)
    return tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|ko|>", "<|transcribe|>", "<|notimestamps|>"])


@pytest.mark.parametrize("seconds", [0.3, 4.0, 29.5])
def test_features_states_and_logits_are_those_of_hugging_face(pair, seconds):
    checkpoint, engine = pair
    clip, prompt = synthetic_speech(seconds), prompt_of(checkpoint)
    features, states, logits = hugging_face(checkpoint, clip, prompt, TEXT)
    # float32 on both sides in another order of sums: 2e-5 and 1e-6 are measured, of values around 1 to 3
    ours = LogMel(len(features))(np.pad(clip, (0, WINDOW * HOP - len(clip))))
    np.testing.assert_allclose(ours, features, atol=2e-4)
    np.testing.assert_allclose(engine.embed(clip), states[: -(-len(clip) // 320)], atol=1e-4)
    np.testing.assert_allclose(engine.logits(clip, prompt, TEXT), logits, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("size", PUBLISHED)
def test_the_published_sizes_agree_with_hugging_face(tmp_path, size):
    """Random weights at the sizes of tiny and turbo (809 M parameters; some 10 GB of memory)."""
    mels, sizes = PUBLISHED[size]
    checkpoint = save_checkpoint(tmp_path / "checkpoint", mels, sizes=sizes, contrast=1.0)
    export(checkpoint, tmp_path / "bundle", quantization="float32", languages=("ko", "en"))
    clip, prompt = synthetic_speech(4.0), prompt_of(checkpoint)
    _, states, logits = hugging_face(checkpoint, clip, prompt, TEXT)
    engine = open_engine(tmp_path / "bundle")
    # float32 in another order of sums, through up to 32 layers
    np.testing.assert_allclose(engine.embed(clip), states[: len(clip) // 320], atol=1e-3)
    np.testing.assert_allclose(engine.logits(clip, prompt, TEXT), logits, atol=1e-3)


def test_the_language_probabilities_are_those_of_hugging_face(pair):
    checkpoint, engine = pair
    clip = synthetic_speech(3.0)
    _, _, logits = hugging_face(checkpoint, clip, [50_258], [])
    ours = engine.detect_language(clip)
    two = np.exp(logits[0, [50_264, 50_259]])  # ko, en
    assert [ours["ko"], ours["en"]] == pytest.approx(two / two.sum(), abs=1e-4)


def test_a_bundle_transcribes_and_knows_the_languages_it_was_exported_for(pair):
    _, engine = pair
    (heard,) = engine.transcribe([synthetic_speech(3.0)], GREEDY)
    assert heard.language in {"ko", "en"}
    assert set(engine.detect_language(synthetic_speech(3.0))) == {"ko", "en"}


@pytest.mark.parametrize("quantization", sorted(set(QUANTIZATIONS) - {"float32"}))  # that one is in `pair`
def test_each_quantization_is_proven_and_says_so_in_its_manifest(gentle_80, tmp_path, quantization):
    export(gentle_80, tmp_path / "b", quantization=quantization, name="b", languages=("ko",), licence="MIT")
    manifest = read_manifest(tmp_path / "b")
    proof = manifest.measured["proof"]
    assert (manifest.kind, manifest.quantization, manifest.licence) == ("whisper", quantization, "MIT")
    assert (manifest.languages, manifest.tasks) == (("ko",), ("transcribe", "translate"))
    assert (manifest.frame_stride, manifest.sizes["num_mel_bins"], manifest.sizes["vocab_size"]) == (320, 80, 51_865)
    assert proof["encoder"]["cosine"] >= 0.99
    assert proof["logits"]["agreement"] >= 0.9
    assert proof["tokens_compared"] > 3
    assert set(proof) >= {"date", "bytes", "encoder_seconds_bundle", "encoder_seconds_pytorch", "compute_type"}
    assert set(manifest.files) >= {"model.bin", "config.json", "vocabulary.json", "tokenizer.json"}


@pytest.mark.parametrize(("mels", "count"), [(80, 99), (128, 100)])
def test_without_languages_the_bundle_knows_all_that_the_tokenizer_has(mels, count, tmp_path):
    checkpoint = Checkpoint.load(str(save_checkpoint(tmp_path, mels)))
    assert len(checkpoint.languages) == len(checkpoint.language_ids()) == count
    assert checkpoint.manifest().languages[:2] == ("en", "zh")


def test_weights_that_int8_cannot_hold_are_refused_unless_forced(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "outlier", 80, ruin_for_int8)
    with pytest.raises(ExportRefused, match="outside the tolerance"):
        export(checkpoint, tmp_path / "b", quantization="int8")
    assert [path.name for path in tmp_path.iterdir()] == ["outlier"]
    forced = export(checkpoint, tmp_path / "b", quantization="int8", force=True)
    assert forced.measured["proof"]["logits"]["agreement"] < 0.9 or forced.measured["proof"]["encoder"]["cosine"] < 0.99


def test_a_folder_that_is_there_is_not_touched(checkpoint_80, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("mine")
    with pytest.raises(ExportRefused, match="already there"):
        export(checkpoint_80, tmp_path / "b")
    assert (tmp_path / "b" / "mine.txt").read_text() == "mine"


def test_a_language_without_a_token_is_refused(checkpoint_80, tmp_path):
    with pytest.raises(ExportRefused, match="no token for yue"):
        export(checkpoint_80, tmp_path / "b", languages=("ko", "yue"))


def with_settings(checkpoint: Path, folder: Path, name: str, **values) -> Path:
    shutil.copytree(checkpoint, folder)
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("config.json", {"model_type": "wav2vec2"}, "expected a Whisper checkpoint, found wav2vec2"),
        ("config.json", {"vocab_size": 400}, "vocabulary of 51864 or more, found 400"),
        ("config.json", {"max_source_positions": 500}, "found 500 and 448"),
        ("preprocessor_config.json", {"feature_size": 128}, "expected features .*'feature_size': 80"),
    ],
)
def test_a_checkpoint_that_the_runtime_cannot_serve_is_refused(checkpoint_80, tmp_path, name, values, message):
    source = with_settings(checkpoint_80, tmp_path / "altered", name, **values)
    with pytest.raises(ExportRefused, match=message):
        export(source, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_the_command_says_in_one_line_why_it_failed(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), str(tmp_path / "b")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
