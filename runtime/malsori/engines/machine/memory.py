"""How much memory a model may take: what is free here and what the cgroup leaves of its limit, or what a GPU has free.

In a container, the memory that the system says is free is the host's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .cpus import CGROUPS, MEMBERSHIP, cgroup_folders
from .libraries import DRIVER

MEMINFO = Path("/proc/meminfo")
STATUS = Path("/proc/self/status")
UNLIMITED = 1 << 60  # bytes; v1 writes its "no limit" as the largest multiple of a page


def free_memory(meminfo: Path = MEMINFO, membership: Path = MEMBERSHIP, cgroups: Path = CGROUPS) -> int | None:
    """Return the bytes that this process may still take, by /proc/meminfo and the limits of its cgroups (v1 or v2).

    None where neither is known, as on systems without /proc.
    """
    left = [_left(folder) for folder in cgroup_folders("memory", membership, cgroups)]
    known = [count for count in (_available(meminfo), *left) if count is not None]
    return min(known, default=None)


def peak_memory(status: Path = STATUS) -> int | None:
    """Return the most bytes that this process has held until now; None where the system does not tell (Windows).

    Read from /proc where there is one: Linux' `getrusage` begins with the peak of the process that started this one.
    """
    try:
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except (OSError, ValueError, LookupError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def free_gpu_memory() -> int | None:
    """Return the bytes that are free on the first GPU that is visible; None where there is none or it does not say."""
    import ctypes

    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return None
    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return None
    if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
        return None
    try:
        failed = driver.cuCtxPushCurrent_v2(context) or driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        driver.cuCtxPopCurrent_v2(ctypes.byref(context))
    finally:
        driver.cuDevicePrimaryCtxRelease_v2(device)
    return None if failed else int(free.value)


def _available(meminfo: Path) -> int | None:
    try:
        line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    except (OSError, ValueError, LookupError, StopIteration):
        return None


def _left(folder: Path) -> int | None:
    """Return the bytes left of a cgroup's limit, None without one; droppable pages of files count as free."""
    v2 = (folder / "memory.max").exists()
    names = ("memory.max", "memory.current") if v2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    try:
        limit, used = (int((folder / name).read_text()) for name in names)
    except (OSError, ValueError):  # "max" is no number: no limit
        return None
    return max(0, limit - used + _droppable(folder)) if limit < UNLIMITED else None


def _droppable(folder: Path) -> int:
    """Return the bytes of file pages that were not used lately, this cgroup's children included."""
    try:
        found = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return int(found.get("total_inactive_file") or found.get("inactive_file") or 0)
    except (OSError, ValueError):
        return 0
