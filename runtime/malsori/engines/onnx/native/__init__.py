"""The native int8 operator: where its library is, and whether it is faster on this machine.

`linear.c` has the arithmetic, `operator.c` makes it a custom operator of ONNX Runtime. It is built with the package
(`deploy/build_hook.py`) where there is a C compiler; without it graphs run on ONNX Runtime's own operators.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ....errors import brief
from ..providers import failures

LIBRARY = Path(__file__).with_name("libint8_linear.so.1")  # not `.so`, which Python would take for a module
SUFFIX = ".native.onnx"  # ending of the file of a graph with the operator, instead of `.onnx`
DOMAIN = "malsori"
BUILD_AGAIN = (
    "with a C compiler, in its checkout: `pip install -v --force-reinstall --no-deps .`, which says what fails"
)
NEEDED = {"avx2", "fma"}
# With these ONNX Runtime's own kernels are at least as fast, by the count of their instructions, not measured, and
# nearer to float32: VNNI has no second multiplication to save, AVX-512BW twice the width.
BETTER = {"avx512bw", "avx512_vnni", "avx_vnni"}


def native_of(name: str) -> str:
    """Return the name of the graph with the native operator: `encoder.native.onnx` for `encoder.onnx`."""
    return name.removesuffix(".onnx") + SUFFIX


def register(options: Any, graph: Path) -> None:
    """Register the operator in a session's options if the graph has it. Raises ONNX Runtime's errors."""
    if graph.name.endswith(SUFFIX):
        options.register_custom_ops_library(str(LIBRARY))


def preferred() -> bool:
    """Return whether graphs with the native operator run here, and faster than those without."""
    return not why_not_preferred()


def why_not_preferred() -> str:
    """Return why graphs with the operator are not preferred, or "" where they are."""
    if better := BETTER & processor_flags():
        return f"ONNX Runtime's own are as fast with {' and '.join(sorted(better))}"
    return why_unavailable()


def why_unavailable() -> str:
    """Return why graphs with the operator do not run, or "" where they do."""
    flags = processor_flags()
    if not flags:
        return "for x86-64 on Linux; /proc/cpuinfo names no flags of such a processor"
    if missing := NEEDED - flags:
        return f"the processor lacks {' and '.join(sorted(missing))}"
    return load_failure()


@cache
def load_failure() -> str:
    """Return why ONNX Runtime does not load the library, or "" where it does."""
    if not LIBRARY.is_file():
        return f"not built when malsori was installed; {BUILD_AGAIN}"
    import onnxruntime

    try:
        onnxruntime.SessionOptions().register_custom_ops_library(str(LIBRARY))
    except failures() as error:
        return brief(error)
    return ""


@cache
def processor_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the flags of the first processor that Linux lists; none elsewhere."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
