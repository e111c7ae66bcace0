"""Bundles with our own int8 operator: each graph twice on the same weights, and whichever this machine runs better.

The checkpoint is as in `test_wav2vec2_export`, of sizes that the operator takes.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import onnx  # noqa: E402

from export import wav2vec2  # noqa: E402
from export.common import ExportRefused  # noqa: E402
from export.graph import choose  # noqa: E402
from export.graph.native import Native, Portable  # noqa: E402
from export.proof import compare, synthetic_speech  # noqa: E402
from export.wav2vec2 import TOLERANCES, export, main  # noqa: E402
from malsori.bundles import describe_files, read_manifest  # noqa: E402
from malsori.engines.base import DecodeOptions  # noqa: E402
from malsori.engines.onnx.native import native_of, preferred, why_unavailable  # noqa: E402
from malsori.engines.session import SessionOptions  # noqa: E402
from malsori.engines.wav2vec2 import graphs as engine_graphs  # noqa: E402
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine  # noqa: E402
from malsori.engines.wav2vec2.graphs import ENCODER, WEIGHTS, SplitGraphs  # noqa: E402
from malsori.engines.wav2vec2.live.ways import open_reader  # noqa: E402
from malsori.errors import ModelIncompatible  # noqa: E402
from tests.export.test_wav2vec2_export import (  # noqa: E402
    GROUP,
    LAYER,
    TINY,
    HuggingFace,
    open_engine,
    save_checkpoint,
    words,
)

if why_unavailable():
    pytest.skip(f"the int8 operator does not run here: {why_unavailable()}", allow_module_level=True)

SIZES = TINY | {"hidden_size": 64, "intermediate_size": 128}
PORTABLE = {"frontend.onnx", "encoder.onnx", "layers.onnx", "stream.onnx"}
SECONDS = (0.1, 1.0, 2.5, 2.4, 0.025, 3.1, 2.45)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds decide how many frames are ties: with those used here the tolerance is met by far, with some it is not."""
    return save_checkpoint(tmp_path_factory.mktemp("native") / "checkpoint", seed=5, **SIZES, **LAYER)


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory):
    """The bundle with our own operator and its manifest; no test changes it."""
    folder = tmp_path_factory.mktemp("native") / "bundle"
    return folder, export(checkpoint, folder, quantization="int8", native=True, languages=["ko"])


@pytest.fixture(params=[True, False], ids=["native", "portable"])
def engine(bundle, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Wav2Vec2Engine:
    """The bundle on a machine that prefers our own operator, and on one that does not."""
    monkeypatch.setattr(engine_graphs, "preferred", lambda: request.param)
    opened = open_engine(*bundle)
    assert opened.acoustic.graphs.native is request.param
    return opened


@pytest.fixture(scope="module")
def clips():
    return [synthetic_speech(seconds, seed) for seed, seconds in enumerate(SECONDS)]


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path, load_external_data=False).graph.node]


def places(path: Path) -> dict[str, tuple[int, int]]:
    """Return where each tensor of a graph lies in `weights.bin`: offset and length."""
    found = {}
    for tensor in onnx.load(path, load_external_data=False).graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if entries:
            assert entries["location"] == WEIGHTS
            found[tensor.name] = int(entries["offset"]), int(entries["length"])
    return found


def test_the_manifest_lists_both_sets_of_graphs(bundle) -> None:
    folder, manifest = bundle
    assert manifest.files.keys() == {*PORTABLE, *map(native_of, PORTABLE), WEIGHTS, "vocab.json"}
    assert read_manifest(folder) == manifest
    assert describe_files(folder) == manifest.files


def test_the_manifest_says_how_the_weights_are_stored_and_proves_both(bundle) -> None:
    measured = bundle[1].measured
    assert measured["quantization"]["weights"].startswith(
        "int8 (signed, per channel, for our own operator), float32 for"
    )
    assert measured["quantization"]["activations"] == "dynamic, 7 bits in each frame"
    assert choose.OWN in measured["quantization"]["tried"]
    other = "portable" if preferred() else "native"
    proven = {"logits", "logits_batch", "hidden", "logits_stream", f"logits_{other}", f"logits_stream_{other}"}
    assert proven <= measured["proof"].keys()
    assert measured["proof"][f"logits_{other}"] != measured["proof"]["logits"]  # of other arithmetic indeed


def test_the_operator_is_in_the_native_graphs_and_in_no_other(bundle) -> None:
    folder, _ = bundle
    for name in PORTABLE:
        assert "Int8Linear" not in operators(folder / name)
        assert "DynamicQuantizeMatMul" not in operators(folder / native_of(name))
    linear = 1 + 2 * 4  # projection; q k v in one, out, ff, ff in each of two layers
    for name in PORTABLE - {"frontend.onnx"}:
        assert operators(folder / name).count("DynamicQuantizeMatMul") == linear
        assert operators(folder / native_of(name)).count("Int8Linear") == linear
    convolutions = operators(folder / "frontend.native.onnx")
    assert convolutions.count("Int8Linear") == 6  # of seven: the first has 10 inputs
    assert convolutions.count("MatMul") == 1
    assert (
        operators(folder / "encoder.onnx").count("Gelu") - operators(folder / "encoder.native.onnx").count("Gelu") == 2
    )


def test_weights_bin_holds_each_tensor_once(bundle) -> None:
    folder, manifest = bundle
    found: dict[str, tuple[int, int]] = {}
    for path in folder.glob("*.onnx"):
        for name, place in places(path).items():
            assert found.setdefault(name, place) == place
    encoder, native = (places(folder / name) for name in (ENCODER, native_of(ENCODER)))
    assert native.items() <= encoder.items()
    ends = 0
    for offset, length in sorted(found.values()):
        assert 0 <= offset - ends < 4096  # the next page
        ends = offset + length
    assert manifest.files[WEIGHTS].size == ends
    content = (folder / WEIGHTS).read_bytes()
    tensors = [content[offset : offset + length] for offset, length in found.values()]
    assert len(set(tensors)) == len(tensors)


def test_the_engine_is_near_pytorch_with_either_set_of_graphs(checkpoint: Path, engine: Wav2Vec2Engine, clips) -> None:
    theirs, tolerance = HuggingFace(checkpoint), TOLERANCES["int8"]
    spoken = clips[1:4]
    expected = [theirs([clip])[0] for clip in spoken]
    logits = [logits for logits, _ in expected]
    assert tolerance.complaints("logits", compare(logits, [engine.logits([clip])[0] for clip in spoken])) == []
    assert tolerance.complaints("batch", compare(logits, engine.logits(spoken))) == []
    lenient = replace(tolerance, agreement=0)  # the largest of the hidden values decides nothing
    assert lenient.complaints("hidden", compare([hidden for _, hidden in expected], engine.hidden(spoken))) == []


def test_every_layer_is_near_pytorch_with_either_set_of_graphs(checkpoint: Path, engine: Wav2Vec2Engine, clips) -> None:
    states, layers = HuggingFace(checkpoint).layers(clips[2]), engine.embed(clips[2], "all")
    assert layers.shape == (SIZES["num_hidden_layers"] + 1, *states[0].shape)
    for number, layer in enumerate(layers):
        cosines = [compare([state], [layer]).cosine for state in states]
        assert cosines[number] > TOLERANCES["int8"].cosine
        assert np.argmax(cosines) == number  # they could not be mistaken for each other
        assert np.array_equal(layer, engine.embed(clips[2], number))


def test_the_stream_is_near_the_whole_clip_with_either_set_of_graphs(engine: Wav2Vec2Engine, clips) -> None:
    """Every frame sees all before it and as much behind it as the whole clip has."""
    options = SessionOptions(method="cached", lookahead_s=4, left_s=30)
    # The sound is normalised as a whole, so that nothing else differs.
    reader, _ = open_reader(replace(engine.acoustic, normalizes=False), engine.manifest, options)
    sound = ((clips[2] - clips[2].mean()) / np.sqrt(clips[2].var() + 1e-7)).astype(np.float32)
    read = reader.read(sound)
    found = np.concatenate([read.committed, read.ahead])
    assert TOLERANCES["int8"].complaints("stream", compare(engine.logits([clips[2]]), [found])) == []


def test_the_two_sets_of_graphs_are_two(bundle, clips) -> None:
    """The tests above could not fail if both opened the same files."""
    folder, manifest = bundle
    both = [SplitGraphs(folder, manifest, "cpu", 1, "normal", native=native) for native in (True, False)]
    first, second = (graphs.run(["logits"], [clips[2]])[0] for graphs in both)
    assert not np.array_equal(first, second)
    assert np.allclose(first, second, atol=0.1 * np.abs(first).max())


def test_clips_run_alone_and_batches_are_identical_to_the_last_bit(engine: Wav2Vec2Engine, clips) -> None:
    """In a batch attention would move by 1e-7 with the padding, and now and then that moves a level of our operator."""
    assert all(len(batch) == 1 for batch in engine.batches([len(clip) for clip in clips]))
    options = DecodeOptions(word_timestamps=True)
    alone = [engine.transcribe([clip], options)[0] for clip in clips]
    together = engine.transcribe(clips, options)
    assert [words(one) for one in together] == [words(one) for one in alone]
    assert any(words(one) for one in alone)
    for logits, clip in zip(engine.logits(clips, batch_size=8), clips, strict=True):
        assert np.array_equal(logits, engine.logits([clip])[0])


def test_features_do_not_depend_on_where_the_sound_is_cut(bundle, clips, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lets a stream compute each frame once: in int8 too, because each row of a convolution has its own scale."""
    graphs = SplitGraphs(*bundle, "cpu", 1, "normal", native=True)
    cut = graphs.features(clips[2])
    monkeypatch.setattr(engine_graphs, "BLOCK", len(cut))
    whole = SplitGraphs(*bundle, "cpu", 1, "normal", native=True)
    np.testing.assert_allclose(whole.features(clips[2]), cut, rtol=0, atol=1e-4 * np.abs(cut).max())


def test_a_bundle_without_native_graphs_still_opens(
    bundle, tmp_path: Path, clips, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bundle[0], tmp_path / "old")
    for name in PORTABLE:
        (tmp_path / "old" / native_of(name)).unlink()
    old = open_engine(tmp_path / "old", replace(bundle[1], files=describe_files(tmp_path / "old")))
    assert old.acoustic.graphs.native is False
    monkeypatch.setattr(engine_graphs, "preferred", lambda: False)
    assert np.array_equal(old.logits([clips[2]])[0], open_engine(*bundle).logits([clips[2]])[0])


def test_a_native_graph_that_is_listed_and_gone_is_refused_by_name(bundle, tmp_path: Path) -> None:
    shutil.copytree(bundle[0], tmp_path / "cut")
    (tmp_path / "cut" / "frontend.native.onnx").unlink()
    with pytest.raises(ModelIncompatible, match=r"frontend\.native\.onnx"):
        SplitGraphs(tmp_path / "cut", bundle[1], "cpu", 1, "normal", native=True)


def test_group_norm_models_have_native_graphs_too_but_for_streams(tmp_path: Path, clips) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **SIZES, **GROUP)
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", native=True, languages=["ko"])
    graphs = PORTABLE - {"stream.onnx"}
    assert {name for name in manifest.files if name.endswith(".onnx")} == {*graphs, *map(native_of, graphs)}
    ours = SplitGraphs(tmp_path / "bundle", manifest, "cpu", 1, "normal", native=True)
    engine = open_engine(tmp_path / "bundle", manifest)
    theirs = [HuggingFace(checkpoint)([clips[2]])[0][0]]
    model = replace(engine.acoustic, graphs=ours)
    difference = compare(theirs, [model.run(["logits"], [clips[2]], 1)[0][0]])
    assert TOLERANCES["int8"].complaints("logits", difference) == []


def test_two_checkpoints_exported_by_one_process_keep_their_own_weights(bundle, tmp_path: Path, clips) -> None:
    """Layers of both have the same names."""
    other = save_checkpoint(tmp_path / "other", seed=3, **SIZES, **LAYER)
    manifest = export(other, tmp_path / "bundle", quantization="int8", native=True, languages=["ko"])
    theirs = [HuggingFace(other)([clips[2]])[0][0]]
    difference = compare(theirs, open_engine(tmp_path / "bundle", manifest).logits([clips[2]]))
    assert TOLERANCES["int8"].complaints("logits", difference) == []


@pytest.mark.parametrize(("preferred", "native"), [(True, True), (False, False)])
def test_unless_told_it_is_tried_where_this_machine_prefers_it_and_taken_if_it_is_the_fastest(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, preferred: bool, native: bool
) -> None:
    monkeypatch.setattr(choose, "preferred", lambda: preferred)
    monkeypatch.setattr(choose, "best", lambda trials: list(trials)[-1])  # of speeds that no test should rest on
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"])
    assert (native_of(ENCODER) in manifest.files) is native
    assert (choose.OWN in manifest.measured["quantization"]["tried"]) is native


def test_the_command_makes_graphs_with_the_operator_when_told(checkpoint: Path, tmp_path: Path) -> None:
    arguments = [str(checkpoint), str(tmp_path / "bundle"), "--quantize", "int8", "--languages", "ko"]
    assert main([*arguments, "--native"]) == 0
    assert (tmp_path / "bundle" / native_of(ENCODER)).exists()


def test_the_command_makes_none_when_told_so_however_fast_they_would_be(checkpoint: Path, tmp_path: Path) -> None:
    arguments = [str(checkpoint), str(tmp_path / "bundle"), "--quantize", "int8", "--languages", "ko"]
    assert main([*arguments, "--no-native"]) == 0
    manifest = read_manifest(tmp_path / "bundle")
    assert manifest.files.keys() == {*PORTABLE, WEIGHTS, "vocab.json"}
    assert choose.OWN not in manifest.measured["quantization"]["tried"]
    assert "logits_portable" not in manifest.measured["proof"]


def refused(checkpoint: Path, folder: Path, **asked) -> str:
    """Return why an export is refused, in one line, leaving nothing."""
    with pytest.raises(ExportRefused) as caught:
        export(checkpoint, folder / "bundle", native=True, languages=["ko"], **asked)
    assert not (folder / "bundle").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("quantization", ["none", "int4", "float16"])
def test_the_operator_is_refused_for_what_is_not_int8(checkpoint: Path, tmp_path: Path, quantization: str) -> None:
    assert "--native goes with --quantize int8" in refused(checkpoint, tmp_path, quantization=quantization)


def test_the_operator_is_refused_for_graphs_of_another_exporter(checkpoint: Path, tmp_path: Path) -> None:
    why = refused(checkpoint, tmp_path, quantization="int8", exporter="optimum")
    assert why.endswith("found --quantize int8 and --exporter optimum")


@pytest.mark.parametrize("sizes", [{"hidden_size": 48}, {"intermediate_size": 144}, {"conv_dim": (48,) * 7}])
def test_the_operator_is_refused_for_layers_that_it_does_not_take(tmp_path: Path, sizes) -> None:
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **SIZES | sizes, **LAYER)
    assert "multiples of 32" in refused(checkpoint, tmp_path, quantization="int8")


def test_layers_that_it_does_not_take_are_for_onnx_runtime_unless_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "preferred", lambda: True)
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **SIZES | {"intermediate_size": 144}, **LAYER)
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"])
    assert manifest.files.keys() == {*PORTABLE, WEIGHTS, "vocab.json"}


def test_the_operator_is_refused_where_it_does_not_run_saying_why(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav2vec2, "why_unavailable", lambda: "the processor lacks avx2")
    assert (
        refused(checkpoint, tmp_path, quantization="int8") == "--native cannot be proven here: the processor lacks avx2"
    )


@pytest.mark.parametrize(("preferred", "spoilt", "said"), [(True, Portable, "without"), (False, Native, "with")])
def test_the_graphs_that_this_machine_passes_by_are_proven_as_well(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preferred: bool, spoilt: type, said: str
) -> None:
    true = spoilt.__call__
    monkeypatch.setattr(
        spoilt, "__call__", lambda self, graph, x, name, weight, bias: true(self, graph, x, name, weight, bias - 1)
    )
    monkeypatch.setattr(engine_graphs, "preferred", lambda: preferred)
    why = refused(checkpoint, tmp_path, quantization="int8")
    assert f"logits {said} our own operator" in why
    assert f"logits of the graph for streams, {said} our own operator" in why
    assert why.endswith("; --no-native is slower here, and nearer to float32")


def test_with_little_memory_the_graphs_say_the_same(bundle, clips) -> None:
    folder, manifest = bundle
    normal, low = (SplitGraphs(folder, manifest, "cpu", 1, memory, native=True) for memory in ("normal", "low"))
    assert np.array_equal(normal.run(["logits"], [clips[2]])[0], low.run(["logits"], [clips[2]])[0])
