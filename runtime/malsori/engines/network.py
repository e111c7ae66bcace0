"""One ONNX graph on ONNX Runtime: opening it on a device, running it, and turning its exceptions into ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceUnavailable, EngineError, ModelIncompatible, brief
from .devices import Device

Memory: TypeAlias = Literal["normal", "low"]
Provider: TypeAlias = tuple[str, dict[str, str]]

ERRORS_ONLY = 3  # ONNX Runtime's severity; its warnings go to stderr, which is not its to write on
# EXHAUSTIVE, the default, tries every algorithm for each new clip length: 634 ms against 1.9 ms (onnxruntime#19838)
CUDA: Provider = ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"})
CPU: Provider = ("CPUExecutionProvider", {})


class Network:
    """A loaded graph; safe to run from several threads."""

    def __init__(self, path: Path, device: Device, threads: int, memory: Memory = "normal") -> None:
        """Load `path` on a device that `choose_device` gave.

        `memory="low"` uses the weights where the file is mapped into memory, so that processes share them, and packs
        them anew in each product instead of once.

        Raises `ModelIncompatible` when this ONNX Runtime cannot load the graph, `DeviceUnavailable` when it went back
        to the CPU although CUDA was there before.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # A plan of the memory for every new length of clip is one more block of it that is never given back: 581 MB
        # against 529 at 30 s through XLSR-large, for no time gained.
        options.enable_mem_pattern = False
        if memory == "low":
            options.add_session_config_entry("session.disable_prepacking", "1")
        self.path = path
        providers = [CUDA, CPU] if device == "cuda" else [CPU]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except _failures() as error:
            raise ModelIncompatible(str(path), f"ONNX Runtime cannot load it ({brief(error)})") from error
        if device == "cuda" and CUDA[0] not in self._session.get_providers():
            raise DeviceUnavailable("ONNX Runtime could not start CUDA; `malsori doctor` says what is missing")

    @property
    def inputs(self) -> set[str]:
        """Names of the inputs."""
        return {value.name for value in self._session.get_inputs()}

    @property
    def outputs(self) -> dict[str, int | str]:
        """Names of the outputs, each with the size of its last axis (a string where the graph leaves it open)."""
        return {value.name: value.shape[-1] for value in self._session.get_outputs()}

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Return the outputs asked for. Raises `EngineError` when the run fails or gives values that are not finite."""
        try:
            results: list[NDArray[np.float32]] = self._session.run(list(outputs), dict(feeds))
        except _failures() as error:
            raise EngineError(f"{self.path}: ONNX Runtime failed ({brief(error)})") from error
        for name, result in zip(outputs, results, strict=True):
            if not np.isfinite(result).all():
                raise EngineError(f"{self.path}: {name} holds values that are not finite")
        return results


def _failures() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises; its exceptions have no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    named = ("EPFail", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile")
    more = ("NotImplemented", "RuntimeException")
    return (*(getattr(state, name) for name in (*named, *more)), RuntimeError, ValueError)
