"""float16 bundles, on the CPU: against Hugging Face's float32, and the forms of one encoder against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.export
pytest.importorskip("torch")
pytest.importorskip("transformers")

import onnx  # noqa: E402
from onnx import TensorProto  # noqa: E402

from export.common import ExportRefused  # noqa: E402
from export.graph.builder import Builder, Weights  # noqa: E402
from export.graph.half import half  # noqa: E402
from export.graph.operators import Cuda  # noqa: E402
from export.proof import Tolerance, compare, synthetic_speech  # noqa: E402
from export.wav2vec2 import TOLERANCES, export  # noqa: E402
from malsori.engines.onnx.graph import Graph  # noqa: E402
from malsori.engines.wav2vec2.batches import pad_frames  # noqa: E402
from malsori.engines.wav2vec2.graphs import ENCODER, FRONTEND, LAYERS, PLAIN  # noqa: E402
from malsori.engines.wav2vec2.on_gpu import BoundGraphs  # noqa: E402
from malsori.errors import OptionError  # noqa: E402
from tests.export.test_wav2vec2_export import GROUP, LAYER, TINY, HuggingFace, open_engine, save_checkpoint  # noqa: E402

SECONDS = (1.0, 0.3, 2.5, 0.025, 1.3, 7.3)
GRAPHS = (FRONTEND, ENCODER, LAYERS, PLAIN)


@pytest.fixture(scope="module", params=[LAYER, GROUP], ids=["layer-norm", "group-norm"])
def made(request, tmp_path_factory):
    """A checkpoint, and the folders and manifests of its float16 and float32 bundles."""
    folder = tmp_path_factory.mktemp("float16")
    checkpoint = save_checkpoint(folder / "checkpoint", **TINY, **request.param)
    bundles = {
        name: (folder / name, export(checkpoint, folder / name, quantization=name, languages=["ko"]))
        for name in ("float16", "none")
    }
    return checkpoint, bundles


@pytest.fixture(scope="module")
def clips():
    return [synthetic_speech(seconds, seed) for seed, seconds in enumerate(SECONDS)]


def test_float16_says_what_hugging_face_says_in_float32(made, clips):
    checkpoint, bundles = made
    theirs = HuggingFace(checkpoint)
    expected = [theirs([clip])[0][0] for clip in clips]
    difference = compare(expected, open_engine(*bundles["float16"]).logits(clips))
    assert TOLERANCES["float16"].complaints("logits", difference) == []
    assert difference.relative > 1e-5  # it is float16


def test_the_manifest_says_float16_and_the_weights_take_half_the_room(made):
    _, bundles = made
    folder, manifest = bundles["float16"]
    assert manifest.quantization == "float16"
    assert manifest.files.keys() == {*GRAPHS, "weights.bin", "vocab.json"}
    assert manifest.measured["proof"]["logits_tensorrt"]["agreement"] >= 0.99
    full = bundles["none"][1].files["weights.bin"].size
    assert manifest.files["weights.bin"].size < 0.6 * full
    with pytest.raises(OptionError, match="exported in float16, not float32"):
        type(open_engine(folder, manifest))(folder, manifest, device="cpu", compute_type="float32")


def test_callers_see_float32_only_and_nothing_inside_is_wider_than_it_must_be(made):
    folder = made[1]["float16"][0]
    for name in GRAPHS:
        graph = onnx.load(folder / name, load_external_data=False).graph
        meets = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output) if value.name != "mask"]
        assert set(meets) == {TensorProto.FLOAT}
        assert TensorProto.FLOAT not in {tensor.data_type for tensor in graph.initializer}
        wide = {value.name for value in graph.output}
        for node in graph.node:
            if node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT and node.output[0] not in wide:
                assert node.output[0].endswith(":wide")


def test_the_graph_for_tensorrt_has_no_operators_of_onnxruntimes_own(made):
    folder = made[1]["float16"][0]
    for name, own in ((PLAIN, False), (ENCODER, True)):
        nodes = onnx.load(folder / name, load_external_data=False).graph.node
        assert any(node.domain for node in nodes) == own
        assert not any(node.op_type == "If" for node in nodes)


def test_lengths_and_starts_of_rows_are_what_the_cuda_kernel_reads(tmp_path):
    """The CPU's kernel looks at the lengths alone, so the rest is held here."""
    graph = Builder("masking")
    masking = Cuda().masking(graph, graph.input("mask", ("batch", "frames"), TensorProto.INT32))
    graph.output(masking, "masking", ("numbers",), TensorProto.INT32)
    graph.save(tmp_path / "masking.onnx", Weights(tmp_path / "weights.bin"))
    mask = (np.arange(10) < np.array([[10], [7], [4]])).astype(np.int32)
    (found,) = Graph(tmp_path / "masking.onnx", "cpu", 1).run(["masking"], {"mask": mask})
    assert found.tolist() == [10, 7, 4, 0, 10, 20, 30, 0, 10, 20, 30]


def test_plain_operators_give_what_onnxruntimes_own_give(made, clips):
    folder, manifest = made[1]["float16"]
    engine = open_engine(folder, manifest)
    batch = clips[:3] if manifest.attention_mask else clips[:1]
    features, mask = pad_frames([engine.acoustic.graphs.features(clip) for clip in batch])
    feeds = {"features": features, "mask": mask} if manifest.attention_mask else {"features": features}
    own, plain = (Graph(folder / name, "cpu", 1).run(["logits", "hidden"], feeds) for name in (ENCODER, PLAIN))
    counts = mask.sum(axis=1)
    for a, b in zip(own, plain, strict=True):
        cut = [[rows[:count] for rows, count in zip(array, counts, strict=True)] for array in (a, b)]
        assert compare(*cut).relative < 0.01


@pytest.mark.parametrize("name", ["float16", "none"])
def test_buckets_and_binding_change_nothing(made, clips, name):
    folder, manifest = made[1][name]
    engine = open_engine(folder, manifest)
    bound = replace(engine.acoustic, graphs=BoundGraphs(folder, manifest, "cpu", 1, "normal"))
    found = [logits for (logits,) in bound.run(["logits"], clips, 4)]
    difference = compare(engine.logits(clips), found)
    assert difference.relative < (0.01 if name == "float16" else 1e-4)


def test_the_mask_is_what_keeps_the_padding_of_a_bucket_out(made, clips):
    """The test above could not fail if padding did no harm: here the mask lies, and the logits move."""
    folder, manifest = made[1]["float16"]
    if not manifest.attention_mask:
        pytest.skip("has no mask")
    features, mask = pad_frames([open_engine(folder, manifest).acoustic.graphs.features(c) for c in clips[:2]])
    for name in (ENCODER, PLAIN):
        network = Graph(folder / name, "cpu", 1)
        honest, lying = (network.run(["logits"], {"features": features, "mask": m}) for m in (mask, mask | 1))
        assert compare([honest[0][1][:14]], [lying[0][1][:14]]).relative > 0.02


def test_a_weight_that_float16_cannot_hold_is_refused_by_name():
    graph = Builder("graph")
    x = graph.input("x", ("batch", 2))
    graph.output(graph.node("Mul", x, graph.weight("huge", np.array([1, 1e5], np.float32))), "y", ("batch", 2))
    with pytest.raises(ExportRefused, match=r"huge: holds 1e\+05, and float16 ends at 65504"):
        half(graph)


def test_a_bundle_outside_the_tolerance_is_refused_and_leaves_nothing(made, tmp_path, monkeypatch):
    monkeypatch.setitem(TOLERANCES, "float16", Tolerance(relative=1e-9))
    with pytest.raises(ExportRefused, match=r"outside the tolerance \(logits: relative difference"):
        export(made[0], tmp_path / "bundle", quantization="float16", languages=["ko"])
    assert list(tmp_path.iterdir()) == []
