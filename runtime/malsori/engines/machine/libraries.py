"""NVIDIA's libraries: which ones each engine opens at run time, and finding those that came as pip packages.

The packages put them into `site-packages/nvidia/*/lib`, where the dynamic loader does not look. Once such a library is
loaded, an engine that asks for it by the same name gets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

DRIVER = "libcuda.so.1"
# In the order of their dependencies. CTranslate2 4.8 has the CUDA runtime inside and uses no cuDNN.
CTRANSLATE2 = ("libcublasLt.so.12", "libcublas.so.12")
ONNXRUNTIME = {
    12: (
        "libcudart.so.12",
        "libnvrtc.so.12",
        "libcublasLt.so.12",
        "libcublas.so.12",
        "libnvJitLink.so.12",
        "libcufft.so.11",
        "libcurand.so.10",
        "libcudnn.so.9",
    ),
    13: (
        "libcudart.so.13",
        "libnvrtc.so.13",
        "libcublasLt.so.13",
        "libcublas.so.13",
        "libnvJitLink.so.13",
        "libcufft.so.12",
        "libcurand.so.10",
        "libcudnn.so.9",
    ),
}
# Of TensorRT 10, which onnxruntime-gpu is built for from 1.18 on; its package puts them into tensorrt_libs/.
TENSORRT_LIBRARIES = ("libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10")
OPTIONAL = frozenset({"libnvJitLink.so.12", "libnvJitLink.so.13", "libnvrtc.so.12", "libnvrtc.so.13"})


def has_driver() -> bool:
    """Return whether an NVIDIA driver is installed."""
    return _load(DRIVER)


def missing(names: Sequence[str]) -> list[str]:
    """Load libraries, from the loader's own places or from NVIDIA's pip packages; return those not found."""
    found = {name: _load(name) or any(_load(str(path)) for path in packaged(name)) for name in names}
    return [name for name, there in found.items() if not there and name not in OPTIONAL]


def _load(name: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def packaged(name: str) -> list[Path]:
    """Return the files of that name in NVIDIA's pip packages."""
    places = {"nvidia": f"*/lib/{name}", "tensorrt_libs": name}
    return [
        path for package, pattern in places.items() for folder in _folders(package) for path in folder.glob(pattern)
    ]


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
