"""The operator that is our own, compiled: where its library lies, and whether this machine is better off with it.

`linear.c` has the arithmetic, `operator.c` makes it an operator of ONNX Runtime's. It is built when the package is
(`deploy/build_hook.py`), where there is a C compiler; without it everything runs on ONNX Runtime's own operators.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).with_name("int8_linear.so")
NATIVE = ".native.onnx"  # instead of `.onnx`: how the file of a graph that has the operator ends
DOMAIN = "malsori"
NEEDED = {"avx2", "fma"}
# What multiplies bytes without losing half of the time to widening; ONNX Runtime has kernels for them.
BETTER = {"avx_vnni", "avx512_vnni"}


def preferred() -> bool:
    """Return whether graphs with the operator run here, and faster than those without."""
    return not reason()


def runnable() -> bool:
    """Return whether they run here."""
    return not obstacle()


def reason() -> str:
    """Return why they do not run, or are not the faster ones; empty where they are."""
    if better := BETTER & processor_flags():
        return f"ONNX Runtime's own are faster with {' and '.join(sorted(better))}"
    return obstacle()


def obstacle() -> str:
    """Return why they do not run; empty where they do."""
    if missing := NEEDED - processor_flags():
        return f"the processor lacks {' and '.join(sorted(missing))}"
    return _failure()


@cache
def _failure() -> str:
    """Return why the library does not load; empty where it does."""
    if not LIBRARY.is_file():
        return "not built; with a C compiler, `pip install --force-reinstall --no-deps` what you installed"
    try:
        ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        return str(error)
    return ""


@cache
def processor_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the flags of the first processor that Linux lists; none elsewhere."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
