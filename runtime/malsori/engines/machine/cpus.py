"""How many threads an engine should start: the cores that the process may use.

In a container, `os.cpu_count()` is the host's: an engine with 64 threads on a quota of two cores is throttled most of
the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MEMBERSHIP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


def cpu_threads(membership: Path = MEMBERSHIP, cgroups: Path = CGROUPS) -> int:
    """Return the smaller of the cores in the affinity mask and the cgroup quota (v1 or v2), at least 1.

    A quota of 2.5 cores gives 2: the engines' threads spin while they wait, and a third would use up the quota that
    the other two need.
    """
    return max(1, min([_affinity(), *(int(cores) for cores in quotas(membership, cgroups))]))


def quotas(membership: Path = MEMBERSHIP, cgroups: Path = CGROUPS) -> list[float]:
    """Return the limits in cores that this process's cgroup and those above it set; empty where there is none.

    Example: `100000 50000` in `cpu.max` (microseconds of each period) is 2.0 cores.
    """
    found = (_read_quota(folder) for folder in cgroup_folders("cpu", membership, cgroups))
    return [cores for cores in found if cores is not None]


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cgroup_folders(controller: str, membership: Path, cgroups: Path) -> Iterator[Path]:
    """Yield the folders that can hold a limit: one hierarchy for v2, one per controller for v1; hybrids have both."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = [*line.split(":", 2), "", ""][:3]  # "0::/a" is v2, "1:cpu,cpuacct:/a" is v1
        if number != "0" and controller not in controllers.split(","):
            continue
        mounts = [cgroups / controllers, cgroups / controller] if controllers else [cgroups, cgroups / "unified"]
        relative = PurePosixPath(*(part for part in path.split("/") if part != ".."))
        for mount in dict.fromkeys(mounts):
            # Inside a container the path may be the host's and absent here; its own limit is then at the mount itself.
            yield from (mount / part for part in (relative, *relative.parents))


def _read_quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max" is no number: no limit
        return None
    return cores if cores > 0 else None  # -1 is v1's "no limit"
