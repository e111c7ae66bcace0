"""The providers and their options that ONNX Runtime gets for a device. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..machine.devices import TENSORRT, Device

STEP = 8  # frames; 160 ms
STEPS = 8  # buckets from one power of two to the next
LARGEST = 1536  # frames; the bucket of a window of 30 s
Provider: TypeAlias = tuple[str, dict[str, str]]
Axes: TypeAlias = Mapping[str, tuple[str | int, ...]]

CPU: Provider = ("CPUExecutionProvider", {})
CUDA: Provider = (
    "CUDAExecutionProvider",
    {
        # EXHAUSTIVE, the default, tries every algorithm for each new clip length: 634 ms against 1.9 ms
        # (onnxruntime#19838)
        "cudnn_conv_algo_search": "HEURISTIC",
        # The default doubles what the arena holds whenever it grows: one long clip could then take a small GPU's
        # memory for good (audeering/w2v2-how-to#34).
        "arena_extend_strategy": "kSameAsRequested",
    },
)
LARGEST_BATCH = 16  # clips in one call of a TensorRT engine, whose buffers are made for that many
USUAL = (4, 256)  # clips and frames for which a TensorRT engine is optimised: some 5 s of speech


def failures() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises; its exceptions have no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    named = ("EPFail", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile")
    more = ("NotImplemented", "RuntimeException")
    return (*(getattr(state, name) for name in (*named, *more)), RuntimeError, ValueError, MemoryError)


def bucket(frames: int) -> int:
    """Return the number of frames to which `frames`, 1 or more, are padded."""
    step = max(STEP, (1 << (frames - 1).bit_length()) // (2 * STEPS))
    return -(-frames // step) * step


@dataclass(frozen=True, slots=True)
class TensorRtSettings:
    """A graph's inputs by name, each with its axes (numbers are fixed sizes), and the folder for TensorRT's engines.

    Without a `cache` engines are built at every start, which takes minutes.
    """

    inputs: Axes
    cache: Path | None


def providers(device: Device, settings: TensorRtSettings | None = None) -> list[Provider]:
    """Return the providers for a device that `choose_device` gave, the first to be asked first.

    TensorRT leaves to CUDA what it does not have; `settings` None leaves everything to CUDA.
    """
    if device == "cpu":
        return [CPU]
    if device == "tensorrt" and settings is not None:
        return [(TENSORRT, tensorrt(settings)), CUDA, CPU]
    return [CUDA, CPU]


def tensorrt(settings: TensorRtSettings) -> dict[str, str]:
    """Return TensorRT's options.

    One engine serves all buckets and batches, since one for each bucket would hold the weights again. The shapes of all
    inputs are given, because ONNX Runtime otherwise builds the engine anew for a clip longer than all before.
    """
    options = {
        "trt_fp16_enable": "True",
        "trt_profile_min_shapes": _shapes(settings.inputs, 1, 1),
        "trt_profile_opt_shapes": _shapes(settings.inputs, *USUAL),
        "trt_profile_max_shapes": _shapes(settings.inputs, LARGEST_BATCH, LARGEST),
    }
    if settings.cache is None:
        return options
    folder = str(settings.cache)
    return options | {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": folder,
    }


def _shapes(inputs: Axes, batch: int, frames: int) -> str:
    """Return shapes as the options spell them: `features:4x256x512,mask:4x256`."""
    sizes = {"batch": batch, "frames": frames}
    shapes = {
        name: "x".join(str(sizes[axis] if isinstance(axis, str) else axis) for axis in axes)
        for name, axes in inputs.items()
    }
    return ",".join(f"{name}:{shape}" for name, shape in shapes.items())
