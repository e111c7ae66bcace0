"""The operator that is our own, compiled: where its library lies, and whether this machine is better off with it.

`linear.c` has the arithmetic, `operator.c` makes it an operator of ONNX Runtime's. It is built when the package is
(`deploy/build_hook.py`), where there is a C compiler; without it everything runs on ONNX Runtime's own operators.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ....errors import brief
from ..providers import failures

LIBRARY = Path(__file__).with_name("libint8_linear.so.1")  # what ends in `.so` Python takes for a module of its own
SUFFIX = ".native.onnx"  # instead of `.onnx`: how the file of a graph that has the operator ends
DOMAIN = "malsori"
BUILD_AGAIN = (
    "with a C compiler, in its checkout: `pip install -v --force-reinstall --no-deps .`, which says what fails"
)
NEEDED = {"avx2", "fma"}
# With these ONNX Runtime's own kernels are at least as fast by the count of their instructions, and nearer to float32:
# VNNI has no second multiplication to save, AVX-512BW twice the width. No such machine was at hand to measure it.
BETTER = {"avx512bw", "avx512_vnni", "avx_vnni"}


def native_of(name: str) -> str:
    """Return the name of the graph that has our own operator: `encoder.native.onnx` for `encoder.onnx`."""
    return name.removesuffix(".onnx") + SUFFIX


def register(options: Any, graph: Path) -> None:
    """Make the operator known to a session's options if the graph is one that has it; ONNX Runtime's errors."""
    if graph.name.endswith(SUFFIX):
        options.register_custom_ops_library(str(LIBRARY))


def preferred() -> bool:
    """Return whether graphs with the operator run here, and faster than those without."""
    return not why_not_preferred()


def why_not_preferred() -> str:
    """Return why they do not run, or are not the faster ones; empty where they are."""
    if better := BETTER & processor_flags():
        return f"ONNX Runtime's own are as fast with {' and '.join(sorted(better))}"
    return why_unavailable()


def why_unavailable() -> str:
    """Return why they do not run; empty where they do."""
    flags = processor_flags()
    if not flags:
        return "for x86-64 on Linux; /proc/cpuinfo names no flags of such a processor"
    if missing := NEEDED - flags:
        return f"the processor lacks {' and '.join(sorted(missing))}"
    return load_failure()


@cache
def load_failure() -> str:
    """Return why ONNX Runtime does not take the library; empty where it does."""
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
