"""Bundles made from random wav2vec2 checkpoints, against Hugging Face's own forward of the same weights.

The checkpoints have the real architecture (seven convolutions with their kernels and strides, both normalisation
kinds, weight-normed positional convolution), only narrower; the slow ones have the published sizes.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from export.common import ExportRefused  # noqa: E402
from export.proof import Tolerance, compare, synthetic_speech  # noqa: E402
from export.wav2vec2 import TOLERANCES, export, main  # noqa: E402
from malsori.bundles import describe_files, read_manifest  # noqa: E402
from malsori.engines.base import DecodeOptions  # noqa: E402
from malsori.engines.onnx.graph import Graph  # noqa: E402
from malsori.engines.wav2vec2.acoustic import normalize  # noqa: E402
from malsori.engines.wav2vec2.batches import pad_frames  # noqa: E402
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine  # noqa: E402
from malsori.engines.wav2vec2.graphs import ENCODER  # noqa: E402
from malsori.errors import ModelIncompatible  # noqa: E402
from tests.export.vocabularies import save_tokenizer  # noqa: E402
from tests.shipped import ROOT  # noqa: E402

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"가나다라마바사아자차카타파하"]
SECONDS = (0.1, 0.3, 1.0, 2.5, 0.55, 7.3, 20.0, 1.0, 0.025, 3.1)
TINY = {"hidden_size": 48, "num_attention_heads": 4, "intermediate_size": 96, "num_hidden_layers": 2}
TINY |= {"conv_dim": (32,) * 7, "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}  # XLSR
GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False}  # base-960h
LARGE = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096, "num_hidden_layers": 24}


def save_checkpoint(folder: Path, *, tokens=TOKENS, seed=1, normalize=True, **config) -> Path:
    """Write what `save_pretrained` leaves behind after fine-tuning, with random weights."""
    torch.manual_seed(seed)
    full = transformers.Wav2Vec2Config(vocab_size=len(TOKENS), pad_token_id=0, **config)
    model = transformers.Wav2Vec2ForCTC(full).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(20)  # logits of a trained model's size, so that frames decide
        model.wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original0.mul_(1.5)  # a norm that matters
    model.save_pretrained(folder)
    save_tokenizer(folder, tokens)
    masked = config["feat_extract_norm"] == "layer"
    transformers.Wav2Vec2FeatureExtractor(do_normalize=normalize, return_attention_mask=masked).save_pretrained(folder)
    return folder


class HuggingFace:
    """The checkpoint through transformers' own feature extractor and forward, sdpa attention and all."""

    def __init__(self, folder: Path) -> None:
        self.extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
        self.model = transformers.Wav2Vec2ForCTC.from_pretrained(folder).eval()

    def __call__(self, clips):
        """Return logits and hidden states, each cut to the frames of its own clip."""
        inputs = self.extractor(clips, sampling_rate=16_000, return_tensors="pt", padding=True)
        with torch.no_grad():
            result = self.model(**inputs, output_hidden_states=True)
            counts = [self.model.wav2vec2.feature_extractor(torch.zeros(1, len(clip))).shape[-1] for clip in clips]
        cut = zip(result.logits.numpy(), result.hidden_states[-1].numpy(), counts, strict=True)
        return [(logits[:count], hidden[:count]) for logits, hidden, count in cut]

    def layers(self, clip):
        """Return the hidden states of one clip: what goes into each layer, and what comes out of the last."""
        inputs = self.extractor([clip], sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            return [state[0].numpy() for state in self.model(**inputs, output_hidden_states=True).hidden_states]


def open_engine(folder: Path, manifest) -> Wav2Vec2Engine:
    return Wav2Vec2Engine(folder, manifest, device="cpu", threads=1)


@pytest.fixture(scope="module", params=[LAYER, GROUP], ids=["layer-norm", "group-norm"])
def pair(request, tmp_path_factory):
    """One checkpoint in transformers, and its fp32 bundle in the runtime."""
    folder = tmp_path_factory.mktemp("pair")
    checkpoint = save_checkpoint(folder / "checkpoint", **TINY, **request.param)
    manifest = export(checkpoint, folder / "bundle", languages=["ko"])
    return HuggingFace(checkpoint), open_engine(folder / "bundle", manifest)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("layer") / "checkpoint", **TINY, **LAYER)


@pytest.fixture(scope="module")
def bundle(checkpoint, tmp_path_factory):
    """The fp32 bundle of `checkpoint`; no test changes it."""
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    options = {"name": "tiny", "languages": ["ko"], "licence": "MIT", "measured": {"a": 1}}
    return folder, export(checkpoint, folder, **options)


@pytest.fixture(scope="module")
def clips():
    return [synthetic_speech(seconds, seed) for seed, seconds in enumerate(SECONDS)]


def test_one_clip_gives_the_logits_and_hidden_states_of_hugging_face(pair, clips):
    theirs, ours = pair
    for clip in clips:
        ((logits, hidden),) = theirs([clip])
        # fp32 in another order of summation: 1e-4 of the scale, ten times what was seen
        assert compare([logits], ours.logits([clip])).relative < 1e-4
        assert compare([hidden], [ours.embed(clip)]).relative < 1e-4


def test_every_layer_is_the_hidden_state_of_hugging_face_with_its_number(pair, clips):
    theirs, ours = pair
    for clip in (clips[1], clips[3], clips[6]):
        states = theirs.layers(clip)
        layers = ours.embed(clip, "all")
        assert layers.shape == (TINY["num_hidden_layers"] + 1, *states[0].shape)
        for number, state in enumerate(states):  # fp32 in another order of summation, as above
            assert compare([state], [layers[number]]).relative < 1e-4
            assert compare([state], [ours.embed(clip, number - len(states))]).relative < 1e-4
        assert compare([states[0]], [states[-1]]).relative > 1e-2  # they could not be mistaken for each other


def test_a_padded_batch_gives_what_the_clips_give_alone(pair, clips):
    _, ours = pair
    alone = [ours.logits([clip])[0] for clip in clips]
    together = ours.logits(clips, batch_size=4)
    difference = compare(alone, together)
    assert difference.relative < 1e-4
    assert difference.agreement == 1.0


def test_texts_and_times_of_a_batch_are_identical_to_one_by_one(pair, clips):
    _, ours = pair
    options = DecodeOptions(word_timestamps=True)
    alone = [ours.transcribe([clip], options)[0] for clip in clips]
    together = ours.transcribe(clips, options)
    assert [words(one) for one in together] == [words(one) for one in alone]
    assert any(words(one) for one in together)


def words(hypothesis):
    return [(word.text, word.start, word.end) for segment in hypothesis.segments for word in segment.words]


def test_a_masked_batch_equals_the_masked_batch_of_hugging_face(checkpoint, bundle, clips):
    similar = [clip for clip in clips if 1.0 <= len(clip) / 16_000 <= 3.1]
    theirs = [logits for logits, _ in HuggingFace(checkpoint)(similar)]
    assert compare(theirs, open_engine(*bundle).logits(similar)).relative < 1e-4


def test_the_mask_is_what_keeps_the_neighbours_out(bundle, clips):
    """The other tests could not fail if padding did no harm: here the mask lies, and the logits move."""
    engine, network = open_engine(*bundle), Graph(bundle[0] / ENCODER, "cpu", 1)
    short, long = (engine.acoustic.graphs.features(normalize(clips[index])) for index in (2, 3))
    features, mask = pad_frames([short, long])
    honest = network.run(["logits"], {"features": features, "mask": mask})[0][0][:49]
    lying = network.run(["logits"], {"features": features, "mask": np.ones_like(mask)})[0][0][:49]
    assert compare([honest], [lying]).relative > 1e-3


def test_a_model_that_wants_raw_sound_gets_raw_sound(tmp_path, clips):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", normalize=False, **TINY, **LAYER)
    manifest = export(checkpoint, tmp_path / "bundle", languages=["ko"])
    assert manifest.normalize is False
    theirs = [HuggingFace(checkpoint)([clips[3]])[0][0]]
    assert compare(theirs, open_engine(tmp_path / "bundle", manifest).logits([clips[3]])).relative < 1e-4


def test_int8_stays_within_its_tolerance_and_batches_are_identical_to_the_last_bit(checkpoint, tmp_path, clips):
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"])
    engine = open_engine(tmp_path / "bundle", manifest)
    theirs = HuggingFace(checkpoint)
    assert compare([theirs([clip])[0][0] for clip in clips[2:6]], engine.logits(clips[2:6])).cosine > 0.99
    for together, clip in zip(engine.logits(clips, batch_size=8), clips, strict=True):
        assert np.array_equal(together, engine.logits([clip])[0])


def test_int8_is_for_the_encoders_matrices_and_nothing_else(checkpoint, tmp_path):
    import onnx

    export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"], force=True)
    encoder, frontend = (onnx.load(tmp_path / "bundle" / name).graph.node for name in ("encoder.onnx", "frontend.onnx"))
    operators = [node.op_type for node in encoder]
    assert operators.count("DynamicQuantizeMatMul") == 1 + 2 * 4  # projection; q k v in one, out, ff, ff
    assert operators.count("MatMul") == 1  # the head
    assert {"MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul"}.isdisjoint(node.op_type for node in frontend)


def test_the_manifest_says_what_the_checkpoint_said(bundle):
    folder, manifest = bundle
    assert (manifest.name, manifest.kind) == ("tiny", "wav2vec2-ctc")
    assert (manifest.licence, manifest.languages) == ("MIT", ("ko",))
    assert (manifest.source, manifest.revision) == ("checkpoint", "local")
    assert (manifest.normalize, manifest.attention_mask) == (True, True)
    assert manifest.conv_kernels == (10, 3, 3, 3, 3, 2, 2)
    assert (manifest.frame_stride, manifest.blank, manifest.word_delimiter) == (320, "<pad>", "|")
    assert manifest.sizes["hidden_size"] == 48
    assert manifest.sizes["parameters"] > 50_000
    graphs = {f"{graph}.onnx" for graph in ("frontend", "encoder", "layers", "stream")}
    assert manifest.files.keys() == {*graphs, "weights.bin", "vocab.json"}
    proof = manifest.measured["proof"]
    assert proof["logits"]["agreement"] == proof["logits_batch"]["agreement"] == 1.0
    assert proof["date"][:2] == "20"
    assert proof["bytes"] == sum(entry.size for entry in manifest.files.values())
    assert manifest.measured["a"] == 1
    assert read_manifest(folder) == manifest
    assert describe_files(folder) == manifest.files


def test_languages_and_licence_come_from_the_model_card(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **LAYER)
    (checkpoint / "README.md").write_text("---\nlanguage: ko\nlicense: apache-2.0\n---\n# A model\n", "utf-8")
    manifest = export(checkpoint, tmp_path / "bundle")
    assert (manifest.languages, manifest.licence) == (("ko",), "apache-2.0")


def test_an_existing_folder_is_refused_and_untouched(checkpoint, tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "precious").write_text("kept", "utf-8")
    with pytest.raises(ExportRefused, match="already there"):
        export(checkpoint, tmp_path / "bundle")
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "precious"]


def test_a_bundle_outside_the_tolerance_is_refused_and_leaves_nothing(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(TOLERANCES, "none", Tolerance(relative=1e-12))
    with pytest.raises(ExportRefused, match=r"outside the tolerance.*--force"):
        export(checkpoint, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_force_keeps_a_bundle_outside_the_tolerance(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(TOLERANCES, "none", Tolerance(relative=1e-12))
    export(checkpoint, tmp_path / "bundle", force=True)
    assert (tmp_path / "bundle" / "manifest.json").is_file()


def test_a_checkpoint_without_a_ctc_head_is_refused(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **LAYER)
    transformers.Wav2Vec2ForCTC.from_pretrained(checkpoint).wav2vec2.save_pretrained(checkpoint)
    with pytest.raises(ExportRefused, match="lm_head"):
        export(checkpoint, tmp_path / "bundle")


def test_weights_that_are_cut_off_are_refused_in_one_line(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ExportRefused) as caught:
        export(tmp_path / "cut", tmp_path / "bundle")
    assert "\n" not in str(caught.value)


def test_hidden_states_outside_the_tolerance_are_refused_too(checkpoint, tmp_path, monkeypatch):
    true = Wav2Vec2Engine.hidden
    monkeypatch.setattr(Wav2Vec2Engine, "hidden", lambda engine, clips: [-states for states in true(engine, clips)])
    with pytest.raises(ExportRefused, match=r"outside the tolerance \(hidden states: relative difference 2,"):
        export(checkpoint, tmp_path / "bundle")


def test_a_tokenizer_that_does_not_fit_the_head_is_refused(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", tokens=TOKENS[:-1], **TINY, **LAYER)
    with pytest.raises(ExportRefused, match="18 tokens in the tokenizer for 19 logits"):
        export(checkpoint, tmp_path / "bundle")


def test_tokens_without_a_logit_are_left_out(tmp_path):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", tokens=[*TOKENS, "하나"], **TINY, **LAYER)
    manifest = export(checkpoint, tmp_path / "bundle", languages=["ko"])
    assert len(open_engine(tmp_path / "bundle", manifest).vocabulary) == len(TOKENS)


def test_another_architecture_is_refused(tmp_path):
    transformers.HubertConfig().save_pretrained(tmp_path / "checkpoint")
    with pytest.raises(ExportRefused, match="found hubert"):
        export(tmp_path / "checkpoint", tmp_path / "bundle")


def test_a_folder_that_holds_no_checkpoint_is_refused_in_one_line(tmp_path):
    with pytest.raises(ExportRefused, match=r"config\.json") as caught:
        export(tmp_path, tmp_path / "bundle")
    assert "\n" not in str(caught.value)


def test_a_vocabulary_that_does_not_fit_the_graph_is_refused_at_load(bundle, tmp_path):
    shutil.copytree(bundle[0], tmp_path / "bundle")
    vocabulary = tmp_path / "bundle" / "vocab.json"
    shorter = {token: index for token, index in json.loads(vocabulary.read_text("utf-8")).items() if index < 18}
    vocabulary.write_text(json.dumps(shorter), "utf-8")
    with pytest.raises(ModelIncompatible, match="19 logits for 18 tokens"):
        open_engine(tmp_path / "bundle", bundle[1])


def test_the_script_runs_as_a_file_from_any_folder_and_prints_the_bundle(checkpoint, tmp_path):
    command = [sys.executable, str(ROOT / "export" / "wav2vec2.py"), str(checkpoint), str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'bundle'}\n"


def test_the_command_refuses_in_one_line_and_exits_1(checkpoint, tmp_path, capsys):
    assert main([str(checkpoint), str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: already there; remove it or choose another folder\n"


@pytest.mark.slow
@pytest.mark.parametrize("config", [LARGE | LAYER, GROUP], ids=["xlsr-large", "base"])
@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_the_published_sizes_agree_with_hugging_face(tmp_path, config, quantization):
    """XLSR-large (24 layers of 1024, 316 M parameters) and base (12 of 768), random weights; some 6 GB of memory."""
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **config)
    manifest = export(checkpoint, tmp_path / "bundle", quantization=quantization, languages=["ko"], force=True)
    clips = [synthetic_speech(seconds, 7) for seconds in (1.0, 1.4, 0.1)]
    theirs = [HuggingFace(checkpoint)([clip])[0][0] for clip in clips]
    difference = compare(theirs, open_engine(tmp_path / "bundle", manifest).logits(clips))
    if quantization == "none":
        assert difference.relative < 1e-3
    else:
        assert difference.cosine > 0.99
