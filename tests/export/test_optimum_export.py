"""Bundles through optimum's exporter, against Hugging Face's own forward: five architectures, both norms, many lengths.

The checkpoints are tiny and random, and what the exporter might freeze at the length it traced (relative positions of
WavLM and the conformer) is scaled up so far that freezing it would show.
"""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("optimum.exporters.onnx")

from export.common import ExportRefused  # noqa: E402
from export.optimum_graph import ARCHITECTURES  # noqa: E402
from export.proof import compare, synthetic_speech  # noqa: E402
from export.wav2vec2 import export, main  # noqa: E402
from malsori.bundles import read_manifest  # noqa: E402
from malsori.engines.load import load_engine  # noqa: E402
from malsori.engines.onnx.graph import Graph  # noqa: E402
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine  # noqa: E402
from malsori.engines.wav2vec2.graphs import SINGLE  # noqa: E402
from tests.export.test_recipes_export import spoken, text_of_hugging_face  # noqa: E402
from tests.export.vocabularies import save_tokenizer  # noqa: E402

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"가나다라마바사아자차카타파하"]
SIZES = {"hidden_size": 48, "num_attention_heads": 4, "intermediate_size": 96, "num_hidden_layers": 2}
SIZES |= {"conv_dim": (32,) * 7, "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
LAYER = {"feat_extract_norm": "layer", "conv_bias": True}
STABLE = LAYER | {"do_stable_layer_norm": True}
CASES = {
    "hubert-base": ("Hubert", {}),
    "hubert-large": ("Hubert", STABLE),
    "wavlm-base": ("WavLM", {}),
    "wavlm-large": ("WavLM", STABLE),
    "conformer-relative": ("Wav2Vec2Conformer", LAYER | {"position_embeddings_type": "relative"}),
    "conformer-rotary": ("Wav2Vec2Conformer", LAYER | {"position_embeddings_type": "rotary"}),
    "data2vec-audio": ("Data2VecAudio", {"num_conv_pos_embeddings": 5, "conv_pos_kernel_size": 19}),
    "wav2vec2-base": ("Wav2Vec2", {}),
    "wav2vec2-xlsr": ("Wav2Vec2", STABLE),
    "wav2vec2-adapters": ("Wav2Vec2", STABLE | {"adapter_attn_dim": 8}),
    "unispeech": ("UniSpeech", STABLE),
    "unispeech-sat": ("UniSpeechSat", STABLE),
}
POSITIONS = ("rel_attn_embed", "gru_rel_pos", "pos_bias", "linear_pos")
ATTENTION = ("v_proj", "out_proj", "linear_v", "linear_out")
SAMPLES = (400, 800, 1_600, 5_000, 16_000, 16_001, 52_000, 200_000)  # optimum traces 16,000


def save_checkpoint(folder: Path, case: str, **sizes) -> Path:
    kind, config = CASES[case]
    torch.manual_seed(1)
    known = {"vocab_size": len(TOKENS), "pad_token_id": 0} | SIZES | config | sizes
    model = getattr(transformers, f"{kind}ForCTC")(getattr(transformers, f"{kind}Config")(**known)).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(20)  # logits of a trained model's size, so that frames decide
        for name, weight in model.named_parameters():
            if any(part in name for part in POSITIONS + ATTENTION) and weight.ndim == 2:
                weight.copy_(torch.randn_like(weight) * 0.3)
            if "pos_conv_embed" in name and "original0" in name:
                weight.mul_(1.5)
    model.save_pretrained(folder)
    save_tokenizer(folder, TOKENS)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


class HuggingFace:
    """The checkpoint through transformers' own classes, one clip at a time."""

    def __init__(self, folder: Path) -> None:
        self.extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
        self.model = transformers.AutoModelForCTC.from_pretrained(folder).eval()
        self.tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)

    def __call__(self, clip):
        inputs = self.extractor(clip, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            result = self.model(inputs.input_values, output_hidden_states=True)
            hidden = self.model.base_model(inputs.input_values).last_hidden_state
        return result.logits[0].numpy(), hidden[0].numpy()


@pytest.fixture(scope="module", params=CASES)
def pair(request, tmp_path_factory):
    """One checkpoint in transformers, and its fp32 bundle as the runtime loads it."""
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = save_checkpoint(folder / "checkpoint", request.param)
    export(checkpoint, folder / "bundle", languages=["ko"], exporter="optimum")
    manifest = read_manifest(folder / "bundle")
    return HuggingFace(checkpoint), load_engine(folder / "bundle", manifest, device="cpu", threads=1)


@pytest.fixture(scope="module")
def hubert(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("hubert") / "checkpoint", "hubert-large")


def test_logits_hidden_states_and_text_are_those_of_hugging_face_at_every_length(pair):
    theirs, ours = pair
    for samples in SAMPLES:
        clip = synthetic_speech(samples / 16_000, samples)
        logits, hidden = theirs(clip)
        assert compare([logits], ours.logits([clip])).relative < 1e-4
        assert compare([hidden], [ours.embed(clip)]).relative < 1e-4
        assert spoken(ours.transcribe([clip])[0].segments) == text_of_hugging_face(theirs.tokenizer, logits.argmax(-1))


def test_clips_in_one_call_give_what_they_give_alone(pair):
    theirs, ours = pair
    clips = [synthetic_speech(seconds, seed) for seed, seconds in enumerate((1.0, 2.0, 1.0, 0.4, 2.0, 1.0))]
    together = ours.logits(clips, batch_size=4)
    assert compare([theirs(clip)[0] for clip in clips], together).relative < 1e-4


@pytest.mark.parametrize("case", ["wavlm-base", "wavlm-large", "conformer-relative"])
def test_relative_positions_matter_in_these_checkpoints(tmp_path, case):
    """The test of lengths could not fail if they did nothing: here they are gone, and the logits move."""
    theirs = HuggingFace(save_checkpoint(tmp_path / "checkpoint", case))
    clip = synthetic_speech(3.0, 3)
    with_positions, _ = theirs(clip)
    with torch.no_grad():
        for name, weight in theirs.model.named_parameters():
            if any(part in name for part in POSITIONS):
                weight.zero_()
    assert compare([with_positions], [theirs(clip)[0]]).relative > 1e-2


def test_the_manifest_says_that_it_is_one_graph_without_a_mask(pair):
    _, ours = pair
    manifest = ours.manifest
    assert manifest.kind == "wav2vec2-ctc"
    assert manifest.files.keys() == {"model.onnx", "vocab.json"}
    assert manifest.attention_mask is False
    assert manifest.sizes["model_type"] in ARCHITECTURES
    assert manifest.sizes["hidden_size"] == 48
    assert manifest.measured["quantization"]["exporter"].startswith("optimum-onnx ")
    assert manifest.measured["proof"]["logits"]["agreement"] == 1.0


def test_the_graph_takes_audio_and_gives_logits_and_hidden_of_stated_widths(hubert, tmp_path):
    export(hubert, tmp_path / "bundle", languages=["ko"], exporter="optimum")
    network = Graph(tmp_path / "bundle" / SINGLE, "cpu", 1)
    assert network.inputs == {"audio"}
    assert network.outputs == {"logits": len(TOKENS), "hidden": 48}


@pytest.mark.parametrize("case", ["hubert-large", "wavlm-large", "conformer-relative", "data2vec-audio"])
def test_int8_stays_within_its_tolerance(tmp_path, case):
    import onnx

    checkpoint = save_checkpoint(tmp_path / "checkpoint", case)
    # Random weights of 48 columns lose more than trained ones of 1024: the figures count here, not the refusal.
    options = {"quantization": "int8", "languages": ["ko"], "exporter": "optimum", "force": True}
    manifest = export(checkpoint, tmp_path / "bundle", **options)
    assert manifest.quantization == "int8"
    assert manifest.measured["proof"]["logits"]["cosine"] > 0.98
    operators = [node.op_type for node in onnx.load(tmp_path / "bundle" / SINGLE).graph.node]
    assert operators.count("MatMulInteger") >= 2 * 6 + 1
    assert "ConvInteger" not in operators


def test_our_own_exporter_names_the_other_one_and_what_it_knows(hubert, tmp_path):
    with pytest.raises(ExportRefused, match=r"found hubert; try --exporter optimum, which knows .*wavlm"):
        export(hubert, tmp_path / "bundle")


def test_adapters_inside_the_layers_are_left_to_the_other_exporter(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", "wav2vec2-adapters")
    with pytest.raises(ExportRefused, match="adapters for its languages inside its layers; try --exporter optimum"):
        export(checkpoint, tmp_path / "bundle")


def test_an_architecture_that_neither_knows_is_refused(tmp_path):
    transformers.SEWConfig().save_pretrained(tmp_path / "checkpoint")
    with pytest.raises(ExportRefused, match=r"expected a wav2vec2 checkpoint, found sew$"):
        export(tmp_path / "checkpoint", tmp_path / "bundle")
    with pytest.raises(ExportRefused, match=r"expected one of .*hubert.*; found sew$"):
        export(tmp_path / "checkpoint", tmp_path / "bundle", exporter="optimum")


def test_without_optimum_the_error_says_what_to_install(hubert, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optimum.exporters.onnx", None)
    with pytest.raises(ExportRefused, match="pip install --group export"):
        export(hubert, tmp_path / "bundle", exporter="optimum")
    assert not (tmp_path / "bundle").exists()


def test_weights_above_the_limit_of_one_file_go_beside_it(hubert, tmp_path, monkeypatch):
    monkeypatch.setattr("export.optimum_graph.LARGEST_FILE", 10_000)
    manifest = export(hubert, tmp_path / "bundle", languages=["ko"], exporter="optimum")
    assert manifest.files.keys() == {"model.onnx", "model.onnx.data", "vocab.json"}
    clip = synthetic_speech(1.0, 4)
    engine = Wav2Vec2Engine(tmp_path / "bundle", manifest, device="cpu", threads=1)
    assert compare([HuggingFace(hubert)(clip)[0]], engine.logits([clip])).relative < 1e-4


def test_the_command_takes_the_exporter(hubert, tmp_path, capsys):
    assert main([str(hubert), str(tmp_path / "bundle"), "--exporter", "optimum", "--languages", "ko"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'bundle'}\n"
    assert read_manifest(tmp_path / "bundle").sizes["model_type"] == "hubert"


@pytest.mark.slow
@pytest.mark.parametrize("case", ["hubert-large", "wavlm-large"])
def test_the_published_size_of_a_large_one_in_int8(tmp_path, case):
    """24 layers of 1024, random weights; some 6 GB of memory."""
    large = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096, "num_hidden_layers": 24}
    checkpoint = save_checkpoint(tmp_path / "checkpoint", case, conv_dim=(512,) * 7, **large)
    options = {"quantization": "int8", "languages": ["ko"], "exporter": "optimum", "force": True}
    manifest = export(checkpoint, tmp_path / "bundle", **options)
    clip = synthetic_speech(1.0, 7)
    engine = Wav2Vec2Engine(tmp_path / "bundle", manifest, device="cpu", threads=1)
    assert compare([HuggingFace(checkpoint)(clip)[0]], engine.logits([clip])).cosine > 0.98
