"""What ONNX Runtime is told for each device."""

from pathlib import Path

import pytest

from malsori.engines.onnx.providers import TensorRtSettings, providers

INPUTS = {"features": ("batch", "frames", 512), "mask": ("batch", "frames")}
NAMES = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


def test_the_cpu_gets_nothing_but_the_cpu():
    assert providers("cpu") == [("CPUExecutionProvider", {})]
    assert providers("cpu", TensorRtSettings(INPUTS, None)) == providers("cpu")


def test_cuda_searches_no_algorithms_and_takes_the_memory_that_it_needs():
    (name, options), last = providers("cuda")
    assert (name, last) == ("CUDAExecutionProvider", ("CPUExecutionProvider", {}))
    assert options == {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}


def test_tensorrt_comes_first_and_leaves_what_it_lacks_to_cuda():
    assert [name for name, _ in providers("tensorrt", TensorRtSettings(INPUTS, None))] == NAMES
    assert providers("tensorrt", TensorRtSettings(INPUTS, None))[1:] == providers("cuda")


def test_a_graph_without_engines_is_cudas_on_tensorrt_too():
    assert providers("tensorrt") == providers("cuda")


def test_an_engine_takes_every_batch_and_bucket_and_all_inputs_have_their_shapes():
    _, options = providers("tensorrt", TensorRtSettings(INPUTS, None))[0]
    assert options["trt_profile_min_shapes"] == "features:1x1x512,mask:1x1"
    assert options["trt_profile_opt_shapes"] == "features:4x256x512,mask:4x256"
    assert options["trt_profile_max_shapes"] == "features:16x1536x512,mask:16x1536"
    assert options["trt_fp16_enable"] == "True"


def test_engines_are_kept_where_there_is_a_cache_and_nowhere_else():
    _, kept = providers("tensorrt", TensorRtSettings(INPUTS, Path("/home/a/.cache/malsori/tensorrt/b")))[0]
    _, lost = providers("tensorrt", TensorRtSettings(INPUTS, None))[0]
    assert kept["trt_engine_cache_enable"] == kept["trt_timing_cache_enable"] == "True"
    assert kept["trt_engine_cache_path"] == kept["trt_timing_cache_path"] == "/home/a/.cache/malsori/tensorrt/b"
    assert not any("cache" in option for option in lost)


@pytest.mark.parametrize("device", ["cpu", "cuda", "tensorrt"])
def test_options_are_text_as_onnxruntime_wants_them(device):
    for _, options in providers(device, TensorRtSettings(INPUTS, Path("/cache"))):
        assert all(isinstance(value, str) for value in options.values())
