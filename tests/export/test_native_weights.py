"""Weights for our own int8 operator: no sum of 16 bits runs over, whatever x is, and none is coarser than that needs.

What a sum is, is counted here by hand, from the picture in `runtime/malsori/engines/onnx/native/linear.h`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

pytestmark = pytest.mark.export
pytest.importorskip("onnx")

from export.graph.builder import Builder, Weights  # noqa: E402
from export.graph.native import GROUP, LANE, PANEL, Bounded, Kept, Native, Portable, all_fit, fits  # noqa: E402
from malsori.engines.onnx import native  # noqa: E402
from malsori.engines.onnx.graph import Graph  # noqa: E402

DEPTHS = st.sampled_from([8, 16, 32])
NORMAL = np.finfo(np.float32).tiny  # the smallest scale that there is
Matrix = NDArray[np.float32]


def sums(column: NDArray[np.int8], depth: int) -> tuple[list[int], list[int]]:
    """Return the largest and smallest sums of one output: of pairs, by x up to 255, and of lanes, by x up to 127."""
    weights = [*column.tolist(), *[0] * (-len(column) % 32)]
    pairs = [weights[first : first + 2] for first in range(0, len(weights), 2)]
    blocks = [weights[first : first + depth] for first in range(0, len(weights), depth)]
    lanes = [
        [weight for place, weight in enumerate(block) if place % 4 // 2 == half] for block in blocks for half in (0, 1)
    ]
    return extremes(pairs, 255), extremes(lanes, 127)


def extremes(groups: list[list[int]], level: int) -> list[int]:
    """Return what each group adds up to when x picks one sign and leaves the other out, for both signs."""
    return [level * sum(weight for weight in group if weight * sign > 0) for group in groups for sign in (1, -1)]


def matrices() -> st.SearchStrategy[Matrix]:
    """Matrices `(out, in)` of any size up to 4 x 100, from subnormal numbers to huge ones."""
    values = st.one_of(st.floats(-4, 4, width=32), st.floats(-(2.0**90), 2.0**90, width=32), st.just(0.0))
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 100))
    return shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=values, fill=values))


@given(matrices(), DEPTHS)
@settings(max_examples=300, deadline=None)
@example(np.full((1, 32), 1, np.float32), 32)
@example(np.full((1, 32), 2.4e-43, np.float32), 32)
@example(np.tile(np.array([1, 0.004], np.float32), (2, 31)), 16)
def test_no_sum_of_16_bits_runs_over(weight: Matrix, depth: int) -> None:
    quantized, scale = Bounded(depth=depth).quantize(weight)
    assert (quantized.shape, quantized.dtype, scale.shape) == (weight.shape, np.int8, (len(weight),))
    for column in quantized:
        pairs, lanes = sums(column, depth)
        assert min(pairs + lanes) >= -(2**15)
        assert max(pairs + lanes) < 2**15


@given(matrices(), DEPTHS)
@settings(max_examples=300, deadline=None)
@example(np.full((1, 32), 2.4e-43, np.float32), 32)
def test_each_weight_is_off_by_half_a_scale_at_most(weight: Matrix, depth: int) -> None:
    quantized, scale = Bounded(depth=depth).quantize(weight)
    error = np.abs(quantized * scale[:, None].astype(np.float64) - weight)
    # 127 * 6e-8 of a scale more, from rounding the quotient
    assert (error <= 0.50001 * scale[:, None]).all()


@given(matrices(), DEPTHS)
@settings(max_examples=300, deadline=None)
def test_no_scale_is_larger_than_its_sums_need(weight: Matrix, depth: int) -> None:
    """Rounding adds a half to each of 16 weights at most, 8 in 258: 4 % with the last step of the search."""
    _, scale = Bounded(depth=depth).quantize(weight)
    for row, found in zip(weight.astype(np.float64), scale, strict=True):
        pairs, lanes = sums(row, depth)
        needed = [abs(row).max() / 127, max(map(abs, pairs)) / 255 / 128, max(map(abs, lanes)) / 127 / 258]
        assert found <= max(1.04 * max(needed), NORMAL)


def test_outputs_do_not_share_a_scale() -> None:
    weight = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    alone = [Bounded().quantize(row[None]) for row in weight]
    weight[1] *= 1000
    quantized, scale = Bounded().quantize(weight)
    for row in (0, 2):
        assert np.array_equal(quantized[row], alone[row][0][0])
        assert scale[row] == alone[row][1][0]


def test_an_output_of_zeros_stays_zeros_beside_others() -> None:
    weight = np.zeros((3, 33), np.float32)
    weight[1] = 1
    quantized, scale = Bounded().quantize(weight)
    assert not quantized[[0, 2]].any()
    assert quantized[1].all()
    assert (np.isfinite(scale) & (scale > 0)).all()


def test_a_shallower_sum_has_finer_weights() -> None:
    weight = np.random.default_rng(1).normal(size=(16, 512)).astype(np.float32)
    scales = [Bounded(depth=depth).quantize(weight)[1] for depth in (8, 16, 32)]
    assert (scales[0] <= scales[1]).all()
    assert (scales[1] < scales[2]).all()


@pytest.mark.parametrize(("out", "inputs", "fit"), [(16, 32, True), (48, 96, True), (24, 32, False), (16, 48, False)])
def test_what_fits_the_operator(out: int, inputs: int, fit: bool) -> None:
    assert fits(np.zeros((out, inputs), np.float32)) == fit
    other = np.zeros((16, 32), np.float32)
    prefix = "wav2vec2.encoder.layers.0.attention"
    projection, layer = "wav2vec2.feature_projection.projection.weight", f"{prefix}.q_proj.weight"
    norm = {f"{prefix}.layer_norm.weight": np.zeros(7, np.float32)}  # no matrix, so of any size
    assert all_fit({projection: np.zeros((out, inputs), np.float32), layer: other} | norm) == fit
    assert all_fit({projection: other, layer: np.zeros((out, inputs), np.float32)} | norm) == fit


def test_onnx_runtimes_own_operator_adds_the_same_weights_up_exactly(tmp_path: Path) -> None:
    """x from 0 to 255 is read in steps of 1, without a shift; half of the pairs are full, of either sign."""
    random = np.random.default_rng(2)
    lane = np.array([[64, 64], [0, 0], [-64, -64], [64, 64], [0, 0], [-64, -64], [0, 0], [0, 0]])
    weight = np.stack([np.tile(random.permutation(lane)[:, None], (4, 2, 1)).ravel() for _ in range(16)])
    weight = weight.astype(np.float32)
    quantized, scale = Bounded().quantize(weight)
    assert np.array_equal(quantized, weight)
    x = random.choice([0.0, 255.0], (8, 128)).astype(np.float32)
    x[0, :2] = 0, 255
    graph = Builder("exact")
    y = Bounded()(graph, graph.input("x", ("rows", 128)), "layer", weight, np.zeros(16, np.float32))
    graph.output(y, "y", ("rows", 16))
    graph.save(tmp_path / "exact.onnx", Weights(tmp_path / "weights.bin"))
    found = Graph(tmp_path / "exact.onnx", "cpu", 1).run(["y"], {"x": x})[0]
    expected = (x.astype(np.int64) @ quantized.T.astype(np.int64)) * scale.astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_both_graphs_of_a_layer_have_the_same_weights_under_the_same_names() -> None:
    kept, weight = Kept(Bounded()), np.random.default_rng(3).normal(size=(16, 32)).astype(np.float32)
    graphs = Builder("portable"), Builder("native")
    for graph, linear in zip(graphs, (Portable(kept), Native(kept)), strict=True):
        linear(graph, graph.input("x", ("rows", 32)), "layer", weight, np.zeros(16, np.float32))
    portable, own = (graph.arrays for graph in graphs)
    assert own.keys() < portable.keys()
    assert all(own[name] is portable[name] or np.array_equal(own[name], portable[name]) for name in own)


def test_the_numbers_are_those_of_the_header() -> None:
    text = (Path(native.__file__).parent / "linear.h").read_text("utf-8")
    stated = {name: int(value) for name, value in re.findall(r"^ {4}([A-Z]+) = (\d+),", text, re.MULTILINE)}
    assert (stated["GROUP"], stated["PANEL"]) == (GROUP, PANEL)
    assert LANE * stated["LARGEST"] <= np.iinfo(np.int16).max < (LANE + 1) * stated["LARGEST"]
