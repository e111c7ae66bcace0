"""Our own int8 operator against the same arithmetic in numpy: what it computes, where it ends, what it refuses."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.export
pytest.importorskip("onnx")

from export.graph.native import LANE, Bounded  # noqa: E402
from malsori.engines.onnx.native import register, why_unavailable  # noqa: E402
from malsori.errors import EngineError, ModelIncompatible  # noqa: E402
from tests.export.int8_linear import LARGEST, linear, operator, taps, through  # noqa: E402

if why_unavailable():
    pytest.skip(f"the int8 operator does not run here: {why_unavailable()}", allow_module_level=True)

Int8s = NDArray[np.int8]
Floats = NDArray[np.float32]
# Three roundings of float32, 6e-8 each of what is added: times the step, plus the shift, times the scale plus the bias.
ROUNDINGS = 1e-6


def random_layer(inputs: int, outputs: int, depth: int = 32) -> tuple[Int8s, Floats, Floats]:
    """Return weights `(inputs, outputs)` whose sums hold, their scale and a bias."""
    random = np.random.default_rng(0)
    weight, scale = Bounded(depth=depth).quantize(random.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32))
    return np.ascontiguousarray(weight.T), scale, random.normal(size=outputs).astype(np.float32)


def normal(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.3, 1, shape).astype(np.float32)


@pytest.fixture
def layer(tmp_path: Path) -> tuple[Int8s, Floats, Floats]:
    return random_layer(96, 80)


@pytest.mark.parametrize("outputs", [16, 48, 64, 80, 144])
@pytest.mark.parametrize("inputs", [32, 96, 1024, 4096])
def test_y_is_the_same_arithmetic_in_numpy(tmp_path: Path, inputs: int, outputs: int) -> None:
    stored = random_layer(inputs, outputs)
    networks = {axes: operator(tmp_path / str(axes), *stored, axes=axes) for axes in (2, 3)}
    for rows in (*range(1, 10), 33):
        for x in (normal(rows, inputs, seed=rows), normal(2, rows, inputs, seed=rows)):
            expected, magnitude = linear(x, *stored)
            found = through(networks[x.ndim], x)
            assert found.shape == expected.shape
            assert (np.abs(found - expected) <= ROUNDINGS * magnitude).all()


@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("inputs", [32, 96, 1024, 4096])
def test_whole_numbers_come_out_exact(tmp_path: Path, inputs: int, depth: int) -> None:
    """Rows from 0 to 127 have a step of 1; these sums stay below 2^24, from where float32 would not hold them."""
    weight = random_layer(inputs, 80, depth)[0]
    x = np.random.default_rng(2).integers(0, LARGEST + 1, (9, inputs))
    x[:, :2] = 0, LARGEST
    expected = x @ weight.astype(np.int64)
    assert np.abs(expected).max() < 2**24
    assert (through(operator(tmp_path, weight, depth=depth), x.astype(np.float32)) == expected).all()


def lane_of(inputs: int, depth: int) -> NDArray[np.int64]:
    """Return which sum of 16 bits each input goes into: two of every four to each, `depth` before they are widened."""
    index = np.arange(inputs)
    return index // depth * 2 + index % 4 // 2


def filled(inputs: int, depth: int, total: int) -> tuple[Floats, Int8s]:
    """Return a row of levels, and weights of 16 outputs whose every lane adds up to `total`.

    The first level is 0, for a row that begins there, and its weight is 0; the others are 127.
    """
    lanes, weight = lane_of(inputs, depth), np.zeros(inputs, np.int8)
    for lane in range(lanes.max() + 1):
        places = np.random.default_rng(lane).permutation(np.flatnonzero(lanes == lane))
        weight[places[places != 0][:3]] = LARGEST, LARGEST, total - 2 * LARGEST
    x = np.full((1, inputs), LARGEST, np.float32)
    x[0, 0] = 0
    return x, np.repeat(weight[:, None], 16, axis=1)


@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("inputs", [32, 1024, 4096])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_that_the_bound_allows_are_exact(tmp_path: Path, inputs: int, depth: int, sign: int) -> None:
    x, weight = filled(inputs, depth, LANE)
    lanes = 2 * inputs // depth
    found = through(operator(tmp_path, sign * weight, depth=depth), x)
    assert (found == np.float32(sign * LANE * LARGEST * lanes)).all()


@pytest.mark.parametrize("depth", [16, 32])
def test_lanes_full_of_both_signs_are_exact_whichever_of_them_x_picks(tmp_path: Path, depth: int) -> None:
    random = np.random.default_rng(3)
    lanes, weight = lane_of(128, depth), np.zeros(128, np.int64)
    for lane in range(lanes.max() + 1):
        places = random.permutation(np.flatnonzero(lanes == lane)[2:])  # leaves the first inputs without a weight
        weight[places[:6]] = 127, 127, 4, -127, -127, -4
    picks = np.stack([weight > 0, weight < 0, weight != 0, random.random(128) < 0.5]) * LARGEST
    picks[:, 0], picks[:, 1] = 0, LARGEST
    network = operator(tmp_path, np.repeat(weight[:, None], 32, axis=1).astype(np.int8), depth=depth)
    assert (through(network, picks.astype(np.float32)) == (picks @ weight)[:, None]).all()


@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("sign", [1, -1])
def test_weights_beyond_the_bound_do_run_over(tmp_path: Path, depth: int, sign: int) -> None:
    """Why there is a bound, and that the tests before this one could fail: 259 * 127 is more than 16 bits hold."""
    x, weight = filled(32, depth, LANE + 1)
    lanes = 2 * 32 // depth
    found = through(operator(tmp_path, sign * weight, depth=depth), x)
    assert (found == sign * lanes * ((LANE + 1) * LARGEST - 2**16)).all()


def test_gelu_is_the_exact_one_from_minus_40_to_40(tmp_path: Path) -> None:
    """The approximation of erf is good to 1.5e-7, its exponential to 2e-7; x takes half of both, and float32 rounds."""
    points = np.linspace(-40, 40, 16_001, dtype=np.float32)[:16_000]
    points[8000:8016] = 0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 0.5, -0.5, 1, -1, 2, -2, 4, -4, 40, -40
    network = operator(tmp_path, np.zeros((32, len(points)), np.int8), bias=points, gelu=1)
    exact = np.array([x * math.erfc(-x / math.sqrt(2)) / 2 for x in points.tolist()])
    error = np.abs(through(network, np.zeros((1, 32), np.float32))[0] - exact)
    assert (error <= 3e-7 * np.abs(points)).all()


def test_gelu_is_of_what_the_layer_gives(tmp_path: Path, layer: tuple[Int8s, Floats, Floats]) -> None:
    x = normal(5, 96)
    plain, smooth = (through(operator(tmp_path / str(gelu), *layer, gelu=gelu), x) for gelu in (0, 1))
    exact = plain * np.vectorize(math.erfc)(-plain / math.sqrt(2)) / 2
    np.testing.assert_allclose(smooth, exact, rtol=0, atol=1e-6)  # values of a few, with the tolerance from above


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (2, 1), (4, 1), (1, 2), (2, 5), (1, 1)])
def test_a_convolution_is_the_layer_of_its_taps_side_by_side(tmp_path: Path, kernel: int, stride: int) -> None:
    stored = random_layer(kernel * 32, 48)
    convolution = operator(tmp_path / "convolution", *stored, axes=3, kernel=kernel, stride=stride)
    layer = operator(tmp_path / "layer", *stored, axes=3)
    for frames in (kernel, kernel + 1, 11, 70):
        x = normal(3, frames, 32, seed=frames)
        side_by_side = taps(x, kernel, stride)
        found = through(convolution, x)
        assert found.shape == (3, (frames - kernel) // stride + 1, 48)
        assert np.array_equal(found, through(layer, side_by_side))
        expected, magnitude = linear(side_by_side, *stored)
        assert (np.abs(found - expected) <= ROUNDINGS * magnitude).all()


def test_a_convolution_takes_frames_of_one_clip_alone(tmp_path: Path) -> None:
    """Two axes are one clip, and frames behind the last whole kernel touch nothing."""
    stored = random_layer(3 * 32, 48)
    one = operator(tmp_path / "one", *stored, kernel=3, stride=2)
    several = operator(tmp_path / "several", *stored, axes=3, kernel=3, stride=2)
    x = normal(4, 9, 32)
    assert np.array_equal(through(one, x[2]), through(several, x)[2])
    assert np.array_equal(through(one, np.vstack([x[2], x[:1, 0] * 1000])), through(one, x[2]))


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_fewer_frames_than_the_kernel_give_no_rows(tmp_path: Path, frames: int) -> None:
    network = operator(tmp_path, *random_layer(3 * 32, 48), axes=3, kernel=3, stride=2)
    assert through(network, normal(2, frames, 32)).shape == (2, 0, 48)


@pytest.mark.parametrize("shape", [(0, 96), (2, 0, 96), (0, 5, 96), (0, 0, 96)])
def test_x_without_rows_gives_none(tmp_path: Path, layer: tuple[Int8s, Floats, Floats], shape: tuple[int, ...]) -> None:
    network = operator(tmp_path, *layer, axes=len(shape), gelu=1)
    assert through(network, np.zeros(shape, np.float32)).shape == (*shape[:-1], 80)


def test_an_empty_batch_through_a_convolution_gives_an_empty_batch(tmp_path: Path) -> None:
    network = operator(tmp_path, *random_layer(3 * 32, 48), axes=3, kernel=3, stride=2)
    assert through(network, np.zeros((0, 9, 32), np.float32)).shape == (0, 4, 48)


def test_rows_of_one_value_are_that_value_times_the_sums_of_the_weights(
    tmp_path: Path, layer: tuple[Int8s, Floats, Floats]
) -> None:
    weight, scale, bias = layer
    values = np.array([[0], [-0.0], [1], [-3.25], [1e30], [-1e-30]], np.float32)
    found = through(operator(tmp_path, *layer), np.repeat(values, 96, axis=1))
    shifts = values.astype(np.float64) * weight.sum(axis=0, dtype=np.int64) * scale
    assert (np.abs(found - (shifts + bias)) <= ROUNDINGS * (np.abs(shifts) + np.abs(bias))).all()
    assert np.array_equal(found[:2], [bias, bias])


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_huge_and_tiny_values_are_as_exact_as_others(tmp_path: Path, size: float) -> None:
    weight, scale, bias = random_layer(96, 80)
    x = normal(5, 96) * np.float32(size)
    expected, magnitude = linear(x, weight, scale, bias * 0)
    found = through(operator(tmp_path, weight, scale), x)
    assert (np.abs(found - expected) <= ROUNDINGS * magnitude).all()
    assert (found != 0).all()


def test_a_range_too_small_for_float32_to_divide_by_is_no_range(tmp_path: Path) -> None:
    """Below 1e-38 the step has no inverse: the values are taken for the lowest, and so wrong by less than that."""
    weight = random_layer(96, 80)[0]
    x = np.abs(normal(3, 96)) * np.float32(1e-40)
    found = through(operator(tmp_path, weight), x)
    assert (
        np.abs(found - x @ weight.astype(np.float32)).max() < 1e-38 * np.abs(weight.astype(np.int64)).sum(axis=0).max()
    )


@pytest.mark.parametrize("gelu", [0, 1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_spoils_its_row_wherever_it_stands_and_no_other(
    tmp_path: Path, layer: tuple[Int8s, Floats, Floats], value: float, gelu: int
) -> None:
    network, x = operator(tmp_path, *layer, gelu=gelu), normal(3, 96)
    options = onnxruntime.SessionOptions()
    register(options, network.path)
    session = onnxruntime.InferenceSession(str(network.path), options, providers=["CPUExecutionProvider"])
    healthy = through(network, x)
    for place in range(96):
        spoiled = x.copy()
        spoiled[1, place] = value
        with pytest.raises(EngineError, match="not finite"):
            through(network, spoiled)
        found = session.run(["y"], {"x": spoiled})[0]
        assert not np.isfinite(found[1]).any()
        assert np.array_equal(found[[0, 2]], healthy[[0, 2]])


def test_rows_of_nothing_but_what_is_not_finite_are_refused(tmp_path: Path) -> None:
    network = operator(tmp_path, *random_layer(96, 80))
    for value in (np.nan, np.inf, -np.inf, 3.4e38):
        x = np.full((2, 96), value, np.float32)
        x[:, ::2] *= -1  # of the largest numbers: their range is more than float32 holds
        with pytest.raises(EngineError, match="not finite"):
            through(network, x)


@pytest.mark.parametrize("gelu", [0, 1])
def test_a_row_is_the_same_to_the_last_bit_alone_in_any_batch_and_with_any_threads(tmp_path: Path, gelu: int) -> None:
    stored, x = random_layer(1024, 144), normal(131, 1024)
    x[40] *= 1000  # a neighbour that would change a scale that they shared
    alone, two = (operator(tmp_path / f"{n}", *stored, threads=n, gelu=gelu) for n in (1, 2))
    rows = np.concatenate([through(alone, x[index : index + 1]) for index in range(len(x))])
    for network in (alone, two):
        for count in (1, 2, 3, 4, 5, 8, 33, 131):
            for first in range(0, len(x), count):
                assert np.array_equal(through(network, x[first : first + count]), rows[first : first + count])
    batches = operator(tmp_path / "batches", *stored, threads=2, axes=3, gelu=gelu)
    assert np.array_equal(through(batches, x[:130].reshape(10, 13, 1024)).reshape(130, 144), rows[:130])


def test_two_threads_may_run_one_session_at_once(tmp_path: Path) -> None:
    network = operator(tmp_path, *random_layer(1024, 144), threads=2)
    clips = [normal(rows, 1024, seed=rows) for rows in (7, 130)]
    expected, together = [through(network, x) for x in clips], Barrier(2)

    def repeat(index: int) -> bool:
        together.wait(timeout=60)
        return all(np.array_equal(through(network, clips[index]), expected[index]) for _ in range(50))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(repeat, range(2))) == [True, True]


def test_sessions_may_be_opened_and_dropped_one_after_another(tmp_path: Path) -> None:
    stored, x = random_layer(32, 16), normal(2, 32)
    expected = through(operator(tmp_path / "first", *stored), x)
    kept = operator(tmp_path / "kept", *stored)
    for index in range(5):
        assert np.array_equal(through(operator(tmp_path / str(index), *stored), x), expected)
    assert np.array_equal(through(kept, x), expected)


SIZES = {  # x, weight, scale, bias
    "x is narrower than the weight": ((3, 32), (64, 16), 16, 16),
    "x is wider than the weight": ((3, 128), (64, 16), 16, 16),
    "inputs are no multiple of 32": ((3, 48), (48, 16), 16, 16),
    "no inputs": ((3, 0), (0, 16), 16, 16),
    "outputs are no multiple of 16": ((3, 64), (64, 24), 24, 24),
    "a scale is missing": ((3, 64), (64, 16), 15, 16),
    "a bias is missing": ((3, 64), (64, 16), 16, 1),
    "the weight has three axes": ((3, 64), (64, 16, 1), 16, 16),
    "the weight has one axis": ((3, 64), (1024,), 16, 16),
    "x has one axis": ((64,), (64, 16), 16, 16),
    "x has nine axes": ((1,) * 8 + (64,), (64, 16), 16, 16),
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes_that_do_not_go_together_are_an_engine_error_that_names_the_operator(tmp_path: Path, case: str) -> None:
    x, weight, scales, biases = SIZES[case]
    scale, bias = np.ones(scales, np.float32), np.zeros(biases, np.float32)
    network = operator(tmp_path, np.ones(weight, np.int8), scale, bias, axes=len(x))
    with pytest.raises(EngineError, match=r"Int8Linear: (shapes that do not go together|too many axes)"):
        through(network, np.zeros(x, np.float32))


def test_a_kernel_that_the_weight_was_not_made_for_is_an_engine_error_that_names_the_operator(tmp_path: Path) -> None:
    network = operator(tmp_path, *random_layer(96, 16), axes=3, kernel=2)
    with pytest.raises(EngineError, match="Int8Linear: shapes"):
        through(network, normal(1, 5, 32))


@pytest.mark.parametrize("depth", [-8, 0, 4, 12, 24, 64])
def test_depths_that_cannot_be_are_refused_when_the_graph_is_opened(tmp_path: Path, depth: int) -> None:
    with pytest.raises(ModelIncompatible, match="Int8Linear: depth is 8, 16 or 32"):
        operator(tmp_path, *random_layer(64, 16), depth=depth)


@pytest.mark.parametrize("attribute", ["kernel", "stride"])
@pytest.mark.parametrize("value", [0, -1, -(2**63), 2**31, 2**59 + 2, 2**62])
def test_kernels_and_strides_that_cannot_be_are_refused_when_the_graph_is_opened(
    tmp_path: Path, attribute: str, value: int
) -> None:
    """With 2^59 + 2 kernels of 32 inputs their product would be 64 again, in 64 bits."""
    with pytest.raises(ModelIncompatible, match="Int8Linear: kernel and stride are at least 1"):
        operator(tmp_path, *random_layer(64, 16), **{attribute: value})


@pytest.mark.parametrize("index", range(3))
def test_tensors_of_another_type_are_refused_when_the_graph_is_opened(tmp_path: Path, index: int) -> None:
    stored = list(random_layer(64, 16))
    stored[index] = stored[index].astype([np.uint8, np.float64, np.float64][index])
    with pytest.raises(ModelIncompatible, match="Int8Linear"):
        operator(tmp_path, *stored)
