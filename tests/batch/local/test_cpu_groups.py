"""Cores that share a cache, read from folders like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.batch.local.cpu_groups import cores_of, cpu_groups

FOUR = ((0, 1), (2, 3), (4, 5), (6, 7))


def system(folder: Path, nodes: list[str], caches: dict[int, str]) -> Path:
    for number, cores in enumerate(nodes):
        _write(folder / f"node/node{number}/cpulist", cores)
    for core, cores in caches.items():
        _write(folder / f"cpu/cpu{core}/cache/index3/shared_cpu_list", cores)
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"{text}\n")


def test_cores_of_one_cache_and_one_node_are_a_group(tmp_path: Path) -> None:
    caches = {0: "0-1,4", 1: "0-1,4", 4: "0-1,4", 2: "2-3", 3: "2-3"}
    assert cpu_groups((0, 1, 2, 3, 4), system(tmp_path, ["0-4"], caches)) == ((0, 1, 4), (2, 3))


def test_nodes_part_cores_whose_caches_are_unknown(tmp_path: Path) -> None:
    assert cpu_groups((0, 1, 2, 3), system(tmp_path, ["0,2", "1,3"], {})) == ((0, 2), (1, 3))


def test_cores_that_are_not_allowed_are_in_no_group(tmp_path: Path) -> None:
    assert cpu_groups((1, 3), system(tmp_path, ["0-1", "2-3"], {})) == ((1,), (3,))


def test_a_machine_that_tells_nothing_is_one_group(tmp_path: Path) -> None:
    assert cpu_groups((0, 1, 2), tmp_path) == ((0, 1, 2),)
    assert cpu_groups((0, 1), system(tmp_path, ["rubbish"], {})) == ((0, 1),)


@pytest.mark.parametrize(
    ("workers", "cores"),
    [
        (1, ()),
        (2, ((0, 1, 2, 3), (4, 5, 6, 7))),
        (3, ()),
        (4, FOUR),
        (6, ()),
        (8, FOUR),
    ],
)
def test_groups_are_dealt_out_evenly_or_not_at_all(workers: int, cores: tuple[tuple[int, ...], ...]) -> None:
    assert cores_of(workers, FOUR) == cores


def test_unlike_groups_and_a_single_one_bind_nobody() -> None:
    assert cores_of(2, ((0, 1), (2,))) == ()
    assert cores_of(2, ((0, 1),)) == ()
