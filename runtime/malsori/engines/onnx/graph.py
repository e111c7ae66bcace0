"""One ONNX graph on ONNX Runtime: load it on a device, run it, and turn its exceptions into malsori's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DeviceUnavailable, EngineError, ModelIncompatible, brief
from ..base import Memory
from ..machine.devices import Device
from ..machine.process import keep_in_forks
from .native import register
from .providers import TensorRtSettings, failures, providers

ERRORS_ONLY = 3  # ONNX Runtime's severity; its warnings would go to stderr


class Graph:
    """A loaded graph; safe to run from several threads."""

    def __init__(
        self,
        path: Path,
        device: Device,
        threads: int,
        memory: Memory = "normal",
        settings: TensorRtSettings | None = None,
    ) -> None:
        """Load `path` on a device that `choose_device` gave; TensorRT runs it only with `settings`, else CUDA does.

        With `memory="low"` the weights are used from the mapped file, so that processes share them, and are packed at
        each product instead of once; the native operator always works so.

        Raises `ModelIncompatible` when this ONNX Runtime cannot load the graph, `DeviceUnavailable` when it fell back
        to the CPU.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # With it, every new length of clip keeps one more block of memory: 581 MB against 529 at 30 s through
        # XLSR-large, for no time gained.
        options.enable_mem_pattern = False
        # Otherwise the threads of one graph go on spinning after its run and slow down the next graph: 0.5 s of audio
        # through XLSR-large took 212 ms instead of 127.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        if memory == "low":
            options.add_session_config_entry("session.disable_prepacking", "1")
        self.path = path
        self._place = "cpu" if device == "cpu" else "cuda"  # TensorRT computes in CUDA's memory
        asked = providers(device, settings)
        try:
            register(options, path)
            self._session = onnxruntime.InferenceSession(str(path), options, providers=asked)
        except failures() as error:
            raise ModelIncompatible(str(path), f"ONNX Runtime cannot load it ({brief(error)})") from error
        keep_in_forks(self, lambda network: network._session)
        if asked[0][0] not in self._session.get_providers():
            raise DeviceUnavailable(
                f"ONNX Runtime could not start {asked[0][0]}; `malsori doctor` says what is missing"
            )

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
        return self._checked(outputs, lambda: self._session.run(list(outputs), dict(feeds)))

    def empty(self, shape: tuple[int, ...]) -> Any:
        """Return an uninitialised float32 tensor in the device's memory, for `fill` and `read`.

        Raises `EngineError` when memory is short.
        """
        from onnxruntime import OrtValue

        return self._attempt(lambda: OrtValue.ortvalue_from_shape_and_type(shape, np.float32, self._place, 0))

    def fill(self, output: str, room: Any, rows: slice, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Run, and write an output into rows of a tensor of the device. Raises `EngineError` when the run fails."""
        _, *rest = room.shape()
        start = room.data_ptr() + rows.start * int(np.prod(rest)) * np.dtype(np.float32).itemsize

        def work() -> None:
            binding = self._session.io_binding()
            binding.bind_output(output, self._place, 0, np.float32, (rows.stop - rows.start, *rest), start)
            self._run_bound(binding, feeds)

        self._attempt(work)

    def read(
        self, outputs: Sequence[str], room: Mapping[str, Any], feeds: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """Run on tensors of the device, `room`, and of the host, `feeds`; return the outputs on the host.

        Raises `EngineError` as `run` does.
        """

        def work() -> list[NDArray[np.float32]]:
            binding = self._session.io_binding()
            for name, value in room.items():
                binding.bind_ortvalue_input(name, value)
            for name in outputs:
                binding.bind_output(name, "cpu")
            self._run_bound(binding, feeds)
            return [value.numpy() for value in binding.get_outputs()]

        return self._checked(outputs, work)

    def _run_bound(self, binding: Any, feeds: Mapping[str, NDArray[Any]]) -> None:
        for name, array in feeds.items():
            binding.bind_cpu_input(name, array)
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()  # the graph that reads them has a stream of its own

    def _checked(
        self, outputs: Sequence[str], work: Callable[[], list[NDArray[np.float32]]]
    ) -> list[NDArray[np.float32]]:
        results: list[NDArray[np.float32]] = self._attempt(work)
        for name, result in zip(outputs, results, strict=True):
            if not np.isfinite(result).all():
                raise EngineError(f"{self.path}: {name} holds values that are not finite")
        return results

    def _attempt(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except failures() as error:
            raise EngineError(f"{self.path}: ONNX Runtime failed ({brief(error)})") from error
