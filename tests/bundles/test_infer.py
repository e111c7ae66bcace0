"""Plain folders: what is inferred of them, that they hear what their bundles hear, and what others are called."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import malsori
from malsori.bundles import FileEntry, inferred, read_manifest, seal
from malsori.bundles.infer.ct2_folder import window
from malsori.bundles.infer.model_bin import Header
from malsori.bundles.infer.onnx_graph import OnnxGraph
from malsori.bundles.infer.strangers import strange_file
from malsori.bundles.names import audio_context
from malsori.bundles.pull import find
from malsori.engines.load import load_engine
from malsori.engines.whisper.tokenizer import rebuilt
from malsori.errors import ModelCorrupt, ModelError, ModelIncompatible, ModelNotFound
from tests.plain import CTC, WHISPER, ctc_folder, whisper_folder
from tests.shipped import ROOT, model

SAMPLE = ROOT / "samples" / "korean.wav"
BAD = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("vocabulary", ["vocabulary.txt", "vocabulary.json"])
@pytest.mark.parametrize("features", [True, False])
def test_a_whisper_folder_says_what_its_bundle_says(tmp_path: Path, vocabulary: str, features: bool) -> None:
    folder = whisper_folder(tmp_path / "mine", vocabulary=vocabulary, features=features)
    found, sealed = inferred(folder, "mine"), read_manifest(WHISPER)
    assert (found.name, found.kind, found.quantization, found.tasks) == ("mine", "whisper", "int8", sealed.tasks)
    told = {name: value for name, value in found.sizes.items() if name not in ("parameters", "alignment_heads")}
    assert told == {name: value for name, value in sealed.sizes.items() if name != "parameters"}
    assert found.sizes["alignment_heads"] == json.loads((folder / "config.json").read_text())["alignment_heads"]
    assert len(found.languages) == 99
    assert {"ko", "en"} < set(found.languages)
    assert {name: entry.size for name, entry in found.files.items()} == {
        path.name: path.stat().st_size for path in folder.iterdir()
    }


def test_a_plain_whisper_hears_what_the_bundle_hears(tmp_path: Path) -> None:
    plain = malsori.load(whisper_folder(tmp_path / "mine"))
    options = {"language": "ko", "audio_context": "full"}
    theirs = model("nano-whisper").transcribe(SAMPLE, **options)
    assert plain.transcribe(SAMPLE, **options).text == theirs.text != ""


def test_the_tokenizer_of_a_folder_without_one_is_made_from_its_list_of_tokens(tmp_path: Path) -> None:
    from malsori.engines.whisper.tokens import Tokens

    folder = whisper_folder(tmp_path / "mine")
    given_tokens = Tokens.read(folder)
    (folder / "tokenizer.json").unlink()
    made = Tokens.read(folder)
    assert made == given_tokens
    for text in ("거실 불 켜 줘.", " it's 12 o'clock,  naïve", "日本語\n🎉"):
        assert made.encode(text) == given_tokens.encode(text)
        assert made.decode(made.encode(text)) == text
    assert malsori.load(folder).transcribe(SAMPLE, language="ko").text


def test_a_list_of_tokens_that_lacks_one_that_others_are_made_of_is_told(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine", vocabulary="vocabulary.json")
    (folder / "tokenizer.json").unlink()
    tokens = json.loads((folder / "vocabulary.json").read_text("utf-8"))
    whole = next(token for token in tokens[256:] if len(token) == 3)
    left = [token for token in tokens if token not in (whole[:2], whole[1:])]
    (folder / "vocabulary.json").write_text(json.dumps(left), "utf-8")
    with pytest.raises(ModelIncompatible, match=r"mine: its list of tokens has '.*', but not '.*', of which"):
        rebuilt(folder)


LARGE = {"d_model": 1280, "encoder_layers": 32, "decoder_layers": 32, "num_mel_bins": 128, "vocab_size": 51_866}


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        ({}, "whisper-large-v3"),
        ({"num_mel_bins": 80, "vocab_size": 51_865}, ""),
        ({"decoder_layers": 4}, "whisper-large-v3-turbo"),
        ({"decoder_layers": 2}, ""),
        ({"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "num_mel_bins": 80}, "whisper-base"),
        ({"d_model": 400}, ""),
    ],
)
def test_a_model_of_a_published_size_gets_the_window_of_the_published_one(sizes: dict[str, int], name: str) -> None:
    assert window({**LARGE, **sizes}) == audio_context(name)
    assert bool(audio_context(name)) == bool(name)


def test_without_a_vocabulary_it_says_what_is_missing(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine", vocabulary="")
    (folder / "config.json").unlink()
    with pytest.raises(ModelIncompatible, match=r"without config\.json, vocabulary\.json or vocabulary\.txt"):
        inferred(folder, "mine")


def test_an_english_model_by_its_name_knows_english_though_its_tokens_name_more(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    found = inferred(folder, "faster-distil-whisper-large-v3")
    assert (found.languages, found.tasks) == (("en",), ("transcribe",))


def test_a_ctc_model_with_the_name_of_an_english_whisper_keeps_its_languages(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine")
    (folder / "README.md").write_text("---\nlanguage: ko\n---\n")
    assert inferred(folder, "distil-large-v3").languages == ("ko",)


def test_languages_and_licence_of_a_card_are_read(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nlanguage:\n- ko\n- en\ntags: [x]\n---\n# A model\n")
    found = inferred(folder, "mine")
    assert (found.languages, found.licence) == (("ko", "en"), "apache-2.0")
    (folder / "README.md").write_text('---\nlanguage: "de"\n---\n')
    assert inferred(folder, "mine").languages == ("de",)


@pytest.mark.parametrize("graph", ["model.onnx", "onnx/model.onnx", "model_quantized.onnx"])
def test_a_ctc_folder_as_optimum_writes_it_hears_what_the_bundle_hears(tmp_path: Path, graph: str) -> None:
    folder = ctc_folder(tmp_path / "mine", graph=graph)
    found, sealed = inferred(folder, "mine"), read_manifest(CTC)
    same = (
        "kind",
        "normalize",
        "conv_kernels",
        "conv_strides",
        "blank",
        "word_delimiter",
        "frame_stride",
        "quantization",
    )
    assert [getattr(found, name) for name in same] == [getattr(sealed, name) for name in same]
    assert (found.languages, found.attention_mask) == (("und",), False)
    assert {graph, "vocab.json"} < found.files.keys()
    plain = malsori.load(folder, device="cpu")
    assert plain.transcribe(SAMPLE).text == model().transcribe(SAMPLE).text
    assert plain.transcribe(SAMPLE, language="ko").language == "ko"
    clip = malsori.decode(SAMPLE).samples
    np.testing.assert_allclose(plain.engine.logits([clip])[0], model().engine.logits([clip])[0], atol=1e-3)


def test_a_folder_whose_vocabulary_lacks_the_last_tokens_runs(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine", vocab_size=72)
    tokens = json.loads((folder / "vocab.json").read_text())
    last = max(tokens, key=tokens.__getitem__)
    (folder / "vocab.json").write_text(json.dumps({**{t: i for t, i in tokens.items() if t != last}, "<s>": 72}))
    engine = malsori.load(folder, device="cpu").engine
    assert len(engine.vocabulary) == 72
    assert engine.vocabulary.silent >= {tokens[last]}


def test_a_tokenizer_that_wants_lower_case_gets_it(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine")
    tokens = json.loads((folder / "vocab.json").read_text())
    letter = next(token for token, index in tokens.items() if index == 40)
    (folder / "vocab.json").write_text(json.dumps({"A" if t == letter else t: index for t, index in tokens.items()}))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "do_lower_case": True}))
    assert malsori.load(folder, device="cpu").engine.vocabulary.tokens[40] == "a"


def test_what_is_adopted_by_seal_loads_like_any_bundle(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    seal(folder, inferred(folder, "mine"))
    manifest = read_manifest(folder)
    assert all(len(entry.sha256) == 64 for entry in manifest.files.values())
    assert load_engine(folder, manifest, device="cpu").manifest.name == "mine"


def _no_model(folder: Path) -> None:
    (folder / "notes.txt").write_text("none")


def _ggml(folder: Path) -> None:
    (folder / "ggml-base.en.bin").write_bytes(struct.pack("<I", 0x67676D6C) + bytes(100))


def _gguf(folder: Path) -> None:
    (folder / "whisper-small.gguf").write_bytes(b"GGUF" + bytes(100))


def _transducer(folder: Path) -> None:
    for part in ("encoder", "decoder", "joiner"):
        (folder / f"{part}-epoch-99.onnx").write_bytes(b"")
    (folder / "tokens.txt").write_text("")


def _safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "config.json").write_text('{"model_type": "whisper"}')


def _checkpoint(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"")
    (folder / "config.json").write_text('{"model_type": "wav2vec2"}')


def _openai(folder: Path) -> None:
    (folder / "small.pt").write_bytes(b"")


def _sherpa(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"")
    (folder / "tokens.txt").write_text("")


def _nemo(folder: Path) -> None:
    (folder / "parakeet.nemo").write_bytes(b"")


def _nemo_in_onnx(folder: Path) -> None:
    for part in ("encoder-model", "decoder_joint-model"):
        (folder / f"{part}.onnx").write_bytes(b"")


def _tiny_by_its_sizes(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    sizes = {"d_model": 384, "encoder_layers": 4, "decoder_layers": 4, "vocab_size": 51_864}
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper", **sizes}))


def _odd_sizes(folder: Path) -> None:
    _tiny_by_its_sizes(folder)
    (folder / "config.json").write_text('{"model_type": "whisper", "d_model": [384]}')


def _without_head(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"")
    (folder / "config.json").write_text('{"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForPreTraining"]}')


def _another_kind(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "config.json").write_text('{"model_type": "moonshine"}')


def _weights_alone(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _adapter(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"")
    (folder / "adapter_config.json").write_text("{}")


def _mlx(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"")
    (folder / "config.json").write_text('{"n_audio_state": 384}')


def _core_ml(folder: Path) -> None:
    (folder / "AudioEncoder.mlmodelc").mkdir()


def _vosk(folder: Path) -> None:
    (folder / "am").mkdir()
    (folder / "am" / "final.mdl").write_bytes(b"")


def _above(folder: Path) -> None:
    whisper_folder(folder / "inner")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_no_model, r"looked for manifest\.json .* model\.bin .* model\.onnx .*; there is notes\.txt"),
        (_ggml, r"ggml-base\.en\.bin, a model of whisper\.cpp .*malsori models pull base\.en gets a form"),
        (_gguf, r"whisper-small\.gguf, a model of whisper\.cpp .*malsori models pull small "),
        (_nemo, r"parakeet\.nemo, a model of NeMo, and no form of it runs here; malsori models recommend"),
        (_nemo_in_onnx, r"is a transducer .*malsori models recommend"),
        (
            _tiny_by_its_sizes,
            r"\(whisper\).*malsori models pull tiny\.en gets a form that does, or where there is torch",
        ),
        (_odd_sizes, r"\(whisper\).*malsori models pull lists what does, or where there is torch"),
        (_without_head, r"has no CTC head \(Wav2Vec2ForPreTraining\).*malsori models recommend"),
        (_another_kind, r"\(moonshine\).*no form of this kind runs here: malsori models recommend"),
        (_weights_alone, r"model\.safetensors, weights of PyTorch, .*config\.json, which is not there"),
        (_adapter, r"adapter_model\.safetensors, an adapter \(LoRA\) without its model"),
        (_mlx, r"weights\.safetensors, a Whisper for MLX.*malsori models pull"),
        (_core_ml, r"AudioEncoder\.mlmodelc, a model for Core ML.*malsori models pull"),
        (_vosk, r"a model of Kaldi \(Vosk\).*malsori models recommend"),
        (_transducer, r"is a transducer .*malsori models recommend"),
        (_safetensors, r"model\.safetensors, weights of PyTorch \(whisper\).*ct2-transformers-converter"),
        (_checkpoint, r"pytorch_model\.bin, weights of PyTorch \(wav2vec2\).*optimum-cli export onnx"),
        (_openai, r"small\.pt, weights of openai-whisper .*malsori models pull small"),
        (_sherpa, r"model of sherpa-onnx"),
        (_above, r"one is in it: give .*inner"),
    ],
)
def test_another_kind_of_model_is_named_with_the_way_to_one_that_runs(tmp_path: Path, make, told: str) -> None:
    make(tmp_path)
    with pytest.raises(ModelIncompatible, match=told):
        malsori.load(tmp_path)


@pytest.mark.parametrize(
    ("make", "file", "told"),
    [
        (
            _ggml,
            "ggml-base.en.bin",
            r"that is ggml-base\.en\.bin, a model of whisper\.cpp .*malsori models pull base\.en ",
        ),
        (_nemo, "parakeet.nemo", r"that is parakeet\.nemo, a model of NeMo.*malsori models recommend"),
        (_openai, "small.pt", r"that is small\.pt, weights of openai-whisper .*malsori models pull small "),
        (_transducer, "encoder-epoch-99.onnx", r"that is a file, and its folder .* is a transducer .*recommend"),
        (_safetensors, "model.safetensors", r"its folder .* holds model\.safetensors, weights of PyTorch \(whisper\)"),
        (_no_model, "notes.txt", r"that is a file; a model is a folder, here "),
    ],
)
def test_a_file_of_another_kind_of_model_is_named_too(tmp_path: Path, make, file: str, told: str) -> None:
    make(tmp_path)
    with pytest.raises(ModelNotFound, match=told):
        malsori.load(str(tmp_path / file))


@pytest.mark.parametrize(
    ("size", "name"),
    [
        ("ggml-large-v3-turbo-q5_0", "large-v3-turbo"),
        ("ggml-distil-large-v3", "distil-large-v3"),
        ("ggml-large", "large"),
        ("ggml-Base-q8_0", "base"),
        ("ggml-medium.en", "medium.en"),
    ],
)
def test_the_size_that_a_file_names_is_one_that_can_be_pulled(tmp_path: Path, size: str, name: str) -> None:
    path = tmp_path / f"{size}.bin"
    path.write_bytes(struct.pack("<I", 0x67676D6C))
    assert f"malsori models pull {name} gets a form that does" in strange_file(path)
    assert find(name).short


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"model_type": "sew"}, "expected one of .*wav2vec2.* found sew"),
        ({"architectures": ["Wav2Vec2ForPreTraining"]}, "expected a model with a CTC head"),
        ({"architectures": 5}, "expected a model with a CTC head, found 5"),
        ({"conv_stride": None}, r"config\.json: conv_stride: expected a list of whole numbers from 1 on, found None"),
        ({"conv_stride": [5, 2, "2"]}, "conv_stride: expected"),
        ({"conv_stride": [5, 0]}, "conv_stride: expected"),
        ({"conv_kernel": 3}, "conv_kernel: expected .*, found 3"),
        ({"conv_kernel": [10, 2.5]}, "conv_kernel: expected"),
        ({"conv_kernel": [True]}, "conv_kernel: expected"),
        ({"conv_kernel": []}, "conv_kernel: expected"),
    ],
)
def test_an_onnx_model_that_is_no_ctc_is_refused(tmp_path: Path, config: dict[str, object], told: str) -> None:
    with pytest.raises(ModelIncompatible, match=told):
        inferred(ctc_folder(tmp_path / "mine", **config), "mine")


def test_a_file_that_cannot_be_read_is_no_model_and_no_failure(tmp_path: Path) -> None:
    if not Path("/proc/self/mem").is_file():
        pytest.skip("no file here that opens and cannot be read")
    (tmp_path / "ggml-base.bin").symlink_to("/proc/self/mem")
    with pytest.raises(ModelNotFound, match="that is a file; a model is a folder"):
        malsori.load(tmp_path / "ggml-base.bin")


def test_vocabularies_of_several_languages_are_told(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine")
    (folder / "vocab.json").write_text('{"eng": {"<pad>": 0}, "kor": {"<pad>": 0}}')
    with pytest.raises(ModelIncompatible, match=r"several languages \(eng, kor"):
        inferred(folder, "mine")


def test_weights_that_are_not_beside_their_graph_are_told(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path / "mine")
    (folder / "weights.bin").unlink()
    with pytest.raises(ModelCorrupt, match=r"weights beside it, weights\.bin, found no such file"):
        inferred(folder, "mine")


def test_a_pointer_of_git_lfs_is_told_as_such(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    (folder / "model.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(ModelCorrupt, match="git-lfs pointer"):
        inferred(folder, "mine")


@BAD
@given(data=st.data())
def test_a_damaged_header_is_an_error_of_ours_or_changes_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    """Cut short or altered anywhere in its first kilobytes: `ModelError` or nothing."""
    path = tmp_path / "model.bin"
    content = bytearray(_headers(WHISPER / "model.bin"))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, 3000))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    for read in (Header.read, OnnxGraph.read):
        try:
            found: object = read(path)
        except ModelError as error:
            found = str(error)
            assert path.name in found  # which file is damaged
        assert found


@BAD
@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_graph_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelCorrupt):
        OnnxGraph.read(path)


def _headers(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8000)


def test_a_bundle_of_several_graphs_is_no_single_one():
    from malsori.engines.wav2vec2.graphs import single

    names = ("frontend.onnx", "encoder.onnx", "layers.onnx", "stream.onnx", "weights.bin")
    files = {name: FileEntry(1, "") for name in names}
    manifest = replace(read_manifest(CTC), files=files)
    assert single(manifest) is None
    alone = {"export.onnx": FileEntry(1, ""), "vocab.json": FileEntry(1, "")}
    assert single(replace(manifest, files=alone)) == "export.onnx"
