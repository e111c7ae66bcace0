"""Memory that may be taken: the system's and the cgroup's word, whichever is less."""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.engines.machine.devices import cuda
from malsori.engines.machine.memory import free_gpu_memory, free_memory, peak_memory

MEMINFO = "MemTotal:       8000000 kB\nMemFree:         100000 kB\nMemAvailable:   4000000 kB\n"
AVAILABLE = 4_000_000 * 1024
V1 = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n"


def room(folder: Path, membership: str, files: dict[str, str], meminfo: str = MEMINFO) -> int | None:
    (folder / "meminfo").write_text(meminfo)
    (folder / "membership").write_text(membership)
    for name, content in files.items():
        path = folder / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return free_memory(folder / "meminfo", folder / "membership", folder / "fs")


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {}, AVAILABLE),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "5000\n"}, AVAILABLE),
        ("0::/\n", {"memory.max": "1000000\n", "memory.current": "300000\n"}, 700_000),
        (
            "0::/\n",
            {"memory.max": "1000\n", "memory.current": "900\n", "memory.stat": "anon 5\ninactive_file 400\n"},
            500,
        ),
        ("0::/\n", {"memory.max": "1000\n", "memory.current": "1200\n"}, 0),
        ("0::/\n", {"memory.max": "99999999999999\n", "memory.current": "0\n"}, AVAILABLE),
        (
            "0::/a/b\n",
            {
                "a/b/memory.max": "max\n",
                "a/b/memory.current": "1\n",
                "a/memory.max": "800\n",
                "a/memory.current": "100\n",
            },
            700,
        ),
        ("0::/\n", {"memory.max": "garbage\n", "memory.current": "1\n"}, AVAILABLE),
        ("0::/\n", {"memory.max": "1000\n"}, AVAILABLE),
        (
            V1,
            {
                "memory/docker/abc/memory.limit_in_bytes": "2000\n",
                "memory/docker/abc/memory.usage_in_bytes": "1500\n",
                "memory/docker/abc/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
            },
            800,
        ),
        (
            V1,
            {"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.usage_in_bytes": "1500\n"},
            AVAILABLE,
        ),
        (V1, {"cpu/memory.limit_in_bytes": "2000\n", "cpu/memory.usage_in_bytes": "1500\n"}, AVAILABLE),
    ],
)
def test_the_least_of_what_the_system_and_the_cgroups_leave(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert room(tmp_path, membership, files) == expected


@pytest.mark.parametrize("meminfo", ["", "MemTotal: 5 kB\n", "MemAvailable:\n", "MemAvailable: many kB\n"])
def test_where_nothing_is_said_nothing_is_known(tmp_path: Path, meminfo: str) -> None:
    assert room(tmp_path, "0::/\n", {}, meminfo) is None


def test_this_machine_has_memory() -> None:
    found = free_memory()
    assert found is not None
    assert found > 1 << 20


def test_a_gpu_tells_its_memory_where_there_is_one() -> None:
    found = free_gpu_memory()
    assert (found is not None and found > 0) == cuda("ctranslate2").usable


def test_the_peak_of_this_process_is_what_it_has_held_and_not_less(tmp_path: Path):
    status = tmp_path / "status"
    status.write_text("VmPeak:\t 900 kB\nVmHWM:\t 1024 kB\nVmRSS:\t 512 kB\n")
    assert peak_memory(status) == 1 << 20
    before = peak_memory()
    assert before is not None
    held = b"x" * (300 << 20)
    after = peak_memory()
    assert after is not None
    assert after >= len(held)
    assert peak_memory(tmp_path / "none") is not None  # by getrusage
