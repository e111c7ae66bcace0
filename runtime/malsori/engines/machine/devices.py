"""Which device an engine gets: probes of what there is, and a pure function that decides."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

from ...errors import DeviceUnavailable, OptionError, brief
from .libraries import CTRANSLATE2, DRIVER, ONNXRUNTIME, TENSORRT_LIBRARIES, has_driver, missing
from .process import ctranslate2

# One MatMul of a 2x2 matrix with itself (IR 8, opset 13): on CUDA it needs the driver and cuBLAS both.
# Recipe: onnx.helper.make_model(make_graph([make_node("MatMul", ["x", "x"], ["y"])], "g", [x], [y])), x, y float32.
PROBE = bytes.fromhex(
    "080812003a400a110a01780a017812017922064d61744d756c1201675a130a0178120e0a0c080112080a020802"
    "0a02080262130a0179120e0a0c080112080a0208020a02080242040a00100d"
)
SILENT = 4  # ONNX Runtime's severity "fatal"; a failing provider otherwise writes red lines on stderr
WARNING = 2  # ONNX Runtime's own default
Device: TypeAlias = Literal["cpu", "cuda", "tensorrt"]
DEVICES = ("auto", *get_args(Device))  # what may be asked for
Library: TypeAlias = Literal["ctranslate2", "onnxruntime"]

CUDA_EXTRA = "pip install 'malsori[cuda]'"
TENSORRT = "TensorrtExecutionProvider"
TENSORRT_PACKAGE = "pip install 'tensorrt-cu12>=10,<11'"
GPU_PACKAGE = "onnxruntime-gpu==1.24.4"  # also in deploy/onnxruntime-cuda12 and docs/install.md
GPU_PACKAGE_310 = "onnxruntime-gpu==1.23.2"  # the last with wheels for Python 3.10


def why_not_running(provider: str) -> str:
    """Return why a tiny graph does not run on an ONNX Runtime provider, or "" where it does.

    The list of available providers only says what was compiled in, and a session falls back to the CPU without an
    error: so the fallback is forbidden here.
    """
    import numpy as np
    import onnxruntime

    if provider not in onnxruntime.get_available_providers():
        return f"this onnxruntime has no {provider}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if provider != "CPUExecutionProvider":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    onnxruntime.set_default_logger_severity(SILENT)
    try:
        session = onnxruntime.InferenceSession(PROBE, options, providers=[provider])
        (result,) = session.run(None, {"x": 2 * np.eye(2, dtype=np.float32)})
    except Exception as error:  # its exceptions have no base class of their own, and none may stop a diagnosis
        return f"{provider} does not start ({brief(error, 200)})"
    finally:
        onnxruntime.set_default_logger_severity(WARNING)
    return "" if np.array_equal(result, 4 * np.eye(2)) else f"{provider} computes wrong numbers"


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a library can compute with CUDA here, or with TensorRT; if not, why and what to type.

    `fix` is empty where nothing would help.
    """

    usable: bool
    reason: str = ""
    fix: str = ""


def choose_device(requested: str, library: Library = "ctranslate2") -> Device:
    """Return the device to load a model on; probes for CUDA unless "cpu" is requested.

    When it returns "cuda", NVIDIA's libraries have been loaded, also those of pip packages.

    Raises:
        DeviceUnavailable: "cuda" or "tensorrt" was asked for by name and `library` cannot use it.
        OptionError: `requested` is none of auto, cpu, cuda and tensorrt.
    """
    there = Availability(False) if requested == "cpu" else cuda(library)
    return decide(requested, there, tensorrt(library) if requested == "tensorrt" else Availability(False))


def decide(requested: str, there: Availability, tensorrt: Availability = Availability(False)) -> Device:
    """Return the device for a request, given what is available; "auto" is never TensorRT. Raises as `choose_device`."""
    if requested == "cpu" or (requested == "auto" and not there.usable):
        return "cpu"
    if requested not in DEVICES:
        raise OptionError(f"device: expected auto, cpu, cuda or tensorrt, found {requested!r}")
    if not there.usable:
        raise DeviceUnavailable(f"CUDA cannot be used: {there.reason}; {there.fix or 'use --device cpu'}")
    if requested == "tensorrt":
        if not tensorrt.usable:
            raise DeviceUnavailable(
                f"TensorRT cannot be used: {tensorrt.reason}; {tensorrt.fix or 'use --device cuda'}"
            )
        return "tensorrt"
    return "cuda"


@cache
def cuda(library: Library) -> Availability:
    """Return whether `library` can use CUDA in this process; probed once."""
    return _ctranslate2_cuda() if library == "ctranslate2" else _onnxruntime_cuda()


@cache
def tensorrt(library: Library) -> Availability:
    """Return whether `library` can use TensorRT in this process, given that it can use CUDA; probed once."""
    if library == "ctranslate2":
        return Availability(False, "CTranslate2, which runs Whisper, has none")
    import onnxruntime

    if TENSORRT not in onnxruntime.get_available_providers():
        return Availability(False, f"this onnxruntime was built without {TENSORRT}")
    if absent := missing(TENSORRT_LIBRARIES):
        return Availability(False, f"{' and '.join(absent)} cannot be loaded", TENSORRT_PACKAGE)
    failure = why_not_running(TENSORRT)
    return Availability(False, failure) if failure else Availability(True)


def compute_types(device: Device) -> tuple[str, ...]:
    """Return CTranslate2's compute types on a device, sorted; none where it cannot use the device."""
    try:
        return tuple(sorted(ctranslate2().get_supported_compute_types(device)))
    except (RuntimeError, ValueError):
        return ()


def _ctranslate2_cuda() -> Availability:
    library = ctranslate2()
    if (count := library.get_cuda_device_count()) == 0:
        compiled = _compiled_with_cuda(library)
        return no_device(driver=has_driver(), compiled=compiled, machine=platform.machine())
    return with_libraries(count, missing(CTRANSLATE2))


def _compiled_with_cuda(ctranslate2: Any) -> bool:
    try:
        ctranslate2.get_supported_compute_types("cuda")
    except (RuntimeError, ValueError) as error:
        return "not compiled with CUDA" not in str(error)
    return True


def no_device(*, driver: bool, compiled: bool, machine: str) -> Availability:
    """Return why CTranslate2 sees no device."""
    if driver and not compiled:
        return Availability(
            False, f"this CTranslate2 ({machine}) was built without CUDA", "see Jetson in docs/install.md"
        )
    return no_gpu(driver=driver)


def no_gpu(*, driver: bool) -> Availability:
    """Return why no GPU is found; without a driver there is no fix."""
    if not driver:
        return Availability(False, "there is no NVIDIA driver on this machine")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return Availability(False, f"no GPU is visible with CUDA_VISIBLE_DEVICES={hidden!r}")
    return Availability(False, "the NVIDIA driver finds no GPU, or is too old for CUDA 12", "nvidia-smi says which")


def with_libraries(devices: int, absent: list[str]) -> Availability:
    """Return whether CUDA is usable with `devices` GPUs and these libraries missing."""
    if absent:
        return Availability(False, f"{' and '.join(absent)} cannot be loaded", CUDA_EXTRA)
    return Availability(True, f"{devices} device{'s' if devices > 1 else ''}")


def _onnxruntime_cuda() -> Availability:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return Availability(False, "the onnxruntime installed is the CPU one", gpu_lines() if has_driver() else "")
    if not has_driver():
        return no_gpu(driver=False)
    major = int(str(getattr(onnxruntime, "cuda_version", "") or "12").split(".")[0])
    if absent := missing(ONNXRUNTIME.get(major, ())):
        fix = CUDA_EXTRA if major == 12 else "use the CUDA 12 set of docs/install.md"
        return Availability(
            False, f"onnxruntime-gpu is built for CUDA {major} and {' and '.join(absent)} cannot be loaded", fix
        )
    failure = why_not_running("CUDAExecutionProvider")
    return Availability(False, failure, "nvidia-smi says whether the GPU is there") if failure else Availability(True)


def gpu_lines(python: tuple[int, ...] = sys.version_info[:2]) -> str:
    """Return the pip command for ONNX Runtime with CUDA 12, the version that CTranslate2 uses, on this Python."""
    package = GPU_PACKAGE if python >= (3, 11) else GPU_PACKAGE_310
    return f"pip uninstall -y onnxruntime onnxruntime-gpu && pip install --no-deps {package}"


def visible_gpus(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the GPUs that the driver shows to this process, by their names for CUDA_VISIBLE_DEVICES; none without."""
    import ctypes

    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return ()
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return ()
    return gpu_names(count.value, environment.get("CUDA_VISIBLE_DEVICES"))


def gpu_names(count: int, visible: str | None) -> tuple[str, ...]:
    """Return the names of the first `count` GPUs, given the variable's value: `2,GPU-5f3a` names them, None numbers."""
    named = [name.strip() for name in visible.split(",")] if visible is not None else []
    return tuple(named[:count] if len(named) >= count else map(str, range(count)))
