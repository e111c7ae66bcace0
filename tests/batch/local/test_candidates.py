"""Layouts that are worth a trial."""

from __future__ import annotations

from dataclasses import replace

import pytest

from malsori.batch.local.candidates import OWN_MEMORY, MachineParts, candidates, layout_of
from malsori.batch.local.worker_layout import WorkerLayout
from malsori.batch.settings import WorkerSettings
from malsori.engines.machine.devices import gpu_names
from malsori.pipeline.options import TranscribeOptions

GB = 1_000_000_000


def counts(layouts: list[WorkerLayout]) -> list[tuple[int, int | None]]:
    return [(layout.workers, layout.threads) for layout in layouts]


def test_workers_double_while_their_threads_become_fewer() -> None:
    assert counts(candidates(MachineParts(8), GB)) == [(1, 8), (2, 4), (4, 2), (8, 1)]
    assert counts(candidates(MachineParts(6), GB)) == [(1, 6), (2, 3), (4, 1)]
    assert counts(candidates(MachineParts(2), GB)) == [(1, 2), (2, 1)]
    assert counts(candidates(MachineParts(1), GB)) == [(1, 1)]


def test_there_are_no_more_workers_than_memory_holds() -> None:
    machine = MachineParts(8, memory=4 * GB)
    assert counts(candidates(machine, GB)) == [(1, 8), (2, 4)]
    assert counts(candidates(machine, GB, shared=True)) == [(1, 8), (2, 4), (4, 2)]
    assert counts(candidates(replace(machine, memory=OWN_MEMORY), GB)) == [(1, 8)]


def test_with_gpus_there_is_a_worker_for_each() -> None:
    (layout,) = candidates(MachineParts(8, gpus=("0", "2")), GB)
    assert (layout.workers, layout.threads) == (2, 4)
    assert [layout.gpu_of(seat) for seat in range(2)] == ["0", "2"]
    more = layout_of(MachineParts(8, gpus=("0", "2")), 4)
    assert [more.gpu_of(seat) for seat in range(4)] == ["0", "2", "0", "2"]


def test_workers_stay_within_groups_of_cores() -> None:
    machine = MachineParts(4, groups=((0, 1), (2, 3)))
    assert [layout.cpus for layout in candidates(machine, GB)] == [(), ((0, 1), (2, 3)), ((0, 1), (2, 3))]
    assert [candidates(machine, GB)[2].cpus_of(seat) for seat in range(4)] == [(0, 1), (2, 3), (0, 1), (2, 3)]


def test_what_is_given_by_hand_is_kept() -> None:
    assert layout_of(MachineParts(4), 8) == WorkerLayout(8, 1)
    assert layout_of(MachineParts(8), 2, 3) == WorkerLayout(2, 3)


def test_the_threads_of_a_layout_go_into_the_settings_of_its_workers() -> None:
    settings = WorkerSettings("model", TranscribeOptions(), ("txt",), "out")
    assert WorkerLayout(2, 3).settings(settings).loading.threads == 3
    assert WorkerLayout().settings(settings) == settings


@pytest.mark.parametrize(
    ("count", "visible", "names"),
    [
        (2, None, ("0", "1")),
        (0, None, ()),
        (2, "3, GPU-5f3a", ("3", "GPU-5f3a")),
        (1, "3,-1,4", ("3",)),
        (0, "", ()),
        (2, "1", ("0", "1")),
    ],
)
def test_gpus_have_the_names_that_their_variable_gives_them(
    count: int, visible: str | None, names: tuple[str, ...]
) -> None:
    assert gpu_names(count, visible) == names
