"""Both graphs with features left on the device between them, tried on the CPU, which binds tensors as a GPU does."""

from dataclasses import replace

import numpy as np
import pytest

from malsori.audio import decode
from malsori.bundles import read_manifest
from malsori.bundles.manifest import FileEntry
from malsori.engines.onnx.graph import Graph
from malsori.engines.wav2vec2 import on_gpu
from malsori.engines.wav2vec2.acoustic import normalize, open_graphs
from malsori.engines.wav2vec2.graphs import ENCODER, FRONTEND, SplitGraphs
from malsori.engines.wav2vec2.on_gpu import BoundGraphs, engine_folder, made
from malsori.errors import EngineError, OptionError
from tests.shipped import ROOT

FOLDER = ROOT / "models" / "nano-ctc-ko"
MANIFEST = read_manifest(FOLDER)


@pytest.fixture(scope="module")
def graphs():
    return BoundGraphs(FOLDER, MANIFEST, "cpu", 1, "normal")


@pytest.fixture(scope="module")
def clips():
    speech = normalize(decode(ROOT / "samples" / "numbers.wav").samples)
    return [speech[:length] for length in (16_000, 15_000, 400, 9_999)]


def without_binding(clips, frames):
    """Run the same padded batch through both graphs by way of the host."""
    audio = np.zeros((len(clips), 400 + 320 * (frames - 1)), np.float32)
    mask = np.zeros((len(clips), frames), np.int32)
    for row, clip in enumerate(clips):
        audio[row, : len(clip)] = clip[: audio.shape[1]]
        mask[row, : (len(clip) - 400) // 320 + 1] = 1
    (features,) = Graph(FOLDER / FRONTEND, "cpu", 1).run(["features"], {"audio": audio})
    return Graph(FOLDER / ENCODER, "cpu", 1).run(["logits", "hidden"], {"features": features, "mask": mask})


def test_what_stays_on_the_device_between_the_graphs_is_what_would_have_come_back(graphs, clips):
    for expected, found in zip(without_binding(clips, 56), graphs.run(["logits", "hidden"], clips), strict=True):
        assert np.array_equal(expected, found)


def test_the_front_end_takes_a_large_batch_in_parts(graphs, clips, monkeypatch):
    whole = graphs.run(["logits"], clips)[0]
    for at_once in (1, 40_000, 60_000):  # a clip, two clips and three at a time
        monkeypatch.setattr(on_gpu, "AT_ONCE", at_once)
        assert np.array_equal(graphs.run(["logits"], clips)[0], whole)


def test_rows_are_as_long_as_the_bucket_of_the_longest_clip(graphs, clips):
    assert graphs.run(["logits"], clips)[0].shape == (4, 56, 72)
    assert graphs.run(["logits"], clips[2:3])[0].shape == (1, 8, 72)


def test_hidden_states_of_any_layer_come_from_the_graph_that_has_them(graphs, clips):
    assert graphs.outputs == SplitGraphs(FOLDER, MANIFEST, "cpu", 1, "normal").outputs
    first, last = graphs.run(["hidden_1", "logits"], clips)
    assert first.shape == (4, 56, 192)
    assert np.array_equal(last, graphs.run(["logits"], clips)[0])


def test_values_that_are_not_finite_are_an_engine_error():
    network = Graph(FOLDER / FRONTEND, "cpu", 1)
    with pytest.raises(EngineError, match="features holds values that are not finite"):
        network.read(["features"], {}, {"audio": np.full((1, 400), np.nan, np.float32)})


def test_a_failing_run_is_an_engine_error_both_ways():
    network = Graph(FOLDER / FRONTEND, "cpu", 1)
    with pytest.raises(EngineError, match="frontend"):
        network.fill("features", network.empty((1, 9, 128)), slice(0, 1), {"audio": np.zeros((1, 400), np.float32)})
    with pytest.raises(EngineError, match="frontend"):
        network.read(["nothing"], {}, {"audio": np.zeros((1, 400), np.float32)})


def test_tensorrt_wants_a_bundle_with_a_graph_for_it_and_says_how_to_make_one():
    with pytest.raises(OptionError, match=r"nano-ctc-ko has no plain\.onnx .*--quantize float16.*--device cuda"):
        open_graphs(FOLDER, MANIFEST, "tensorrt", 1, "normal")


def test_engines_are_kept_by_the_content_of_graph_and_weights(tmp_path):
    def folder(plain, weights):
        files = {"plain.onnx": FileEntry(1, plain * 64), "weights.bin": FileEntry(1, weights * 64)}
        return engine_folder(tmp_path, replace(MANIFEST, files=files))

    assert folder("a", "b").parent == tmp_path / "tensorrt"
    assert len({folder("a", "b"), folder("a", "c"), folder("c", "b")}) == 3
    assert engine_folder(None, MANIFEST) is None


def test_the_folder_of_engines_is_made_and_done_without_where_it_cannot_be(tmp_path):
    assert made(tmp_path / "tensorrt" / "a").is_dir()
    (tmp_path / "file").touch()
    assert made(tmp_path / "file" / "a") is None
    assert made(None) is None
