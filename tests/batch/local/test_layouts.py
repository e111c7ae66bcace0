"""How many workers a batch gets: by hand, from an earlier trial, from one now."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from malsori.batch.local import WorkerLayout, layout_for
from malsori.batch.local.candidates import MachineParts
from malsori.batch.local.layout_cache import NAME, LayoutCache, key_of
from malsori.batch.local.layout_trial import TriedLayout, best_layout, speed_of, speed_together
from malsori.batch.local.layouts import LOOKED_AT, TRIED, WORTH_BYTES, is_busy, told
from malsori.batch.local.trial_worker import HeardPass
from malsori.batch.settings import WorkerSettings
from malsori.engines.machine.cpus import cpu_threads
from malsori.errors import AudioNotFound, ModelNotFound
from malsori.pipeline.options import Loading, TranscribeOptions
from tests.shipped import ROOT

SETTINGS = WorkerSettings("nano-ctc-ko", TranscribeOptions(), ("txt",), "out", loading=Loading("cpu"))
LAYOUTS = [WorkerLayout(1, 4), WorkerLayout(2, 2), WorkerLayout(4, 1)]
SAMPLE = str(ROOT / "samples" / "korean.wav")
HEARERS = "tests.batch.local.hearers"
several_cores = pytest.mark.skipif(cpu_threads() < 2, reason="with one core there is one layout")


def speeds(*measured: float) -> list[float]:
    """The speeds of the layouts that are tried when they measure so."""
    left = dict(zip(LAYOUTS, measured, strict=False))
    return [tried.speed for tried in best_layout(LAYOUTS, lambda layout: left[layout])]


def unasked(count: int) -> Sequence[str]:
    raise AssertionError("no recording is needed")


def test_more_workers_are_tried_while_they_help_clearly() -> None:
    assert speeds(10, 20, 15) == [20, 10, 15]
    assert speeds(10, 20, 30) == [30, 10, 20]
    assert speeds(10, 9) == [10, 9]
    assert speeds(10, 10.3) == [10, 10.3]  # and so the fewer workers


def test_layouts_that_do_not_run_are_never_best() -> None:
    assert speeds(10, 0) == [10, 0]
    assert speeds(0, 0) == [0, 0]


def test_no_further_layout_is_tried_when_the_time_is_over() -> None:
    clock = iter([0.0, 12.0, 25.0])
    tried = best_layout(LAYOUTS, lambda layout: float(layout.workers), lambda: next(clock), budget_s=20)
    assert [each.layout.workers for each in tried] == [2, 1]


def test_sound_counts_that_was_heard_while_all_processes_were_hearing() -> None:
    def passed(began: float, ended: float, seconds: float) -> HeardPass:
        return HeardPass(0, seconds=seconds, began=began, ended=ended)

    first = [passed(0, 10, 99), passed(10, 20, 30), passed(20, 30, 30)]
    second = [passed(0, 15, 99), passed(15, 25, 10)]
    # From 15 to 25 one heard half of 30 s twice, the other 10 s.
    assert speed_together({1: first, 2: second}) == pytest.approx((15 + 15 + 10) / 10)
    assert speed_together({1: first[:1], 2: second}) == 0
    assert speed_together({}) == 0


def test_the_outcome_is_told_in_one_line() -> None:
    tried = [TriedLayout(WorkerLayout(2, 4), 31.04), TriedLayout(WorkerLayout(1, 8), 24.4)]
    assert told(tried) == "2 workers of 4 threads: 31 s of sound a second, against 24.4 with 1"
    assert told([TriedLayout(WorkerLayout(1, 1), 0.0)]).startswith("the first recordings cannot be heard")


def test_workers_and_threads_given_by_hand_are_not_tried() -> None:
    def layout(workers: int | None, threads: int | None) -> tuple[int, int | None]:
        settings = replace(SETTINGS, loading=Loading("cpu", threads))
        found = layout_for(settings, unasked, pytest.fail, workers=workers)
        return found.workers, found.threads

    assert layout(3, 2) == (3, 2)
    assert layout(None, 3) == (1, 3)
    assert layout(cpu_threads(), None) == (cpu_threads(), 1)


def test_few_recordings_are_heard_by_one_worker_without_a_trial(tmp_path: Path) -> None:
    found = layout_for(SETTINGS, lambda count: [SAMPLE] * 3, pytest.fail, cache=LayoutCache(tmp_path))
    assert (found.workers, found.threads) == (1, cpu_threads())


def test_a_model_that_is_not_here_is_said_before_any_process_is_started() -> None:
    with pytest.raises(ModelNotFound):
        layout_for(replace(SETTINGS, model="nowhere"), unasked, pytest.fail)


@several_cores
def test_the_layout_that_is_measured_as_the_best_is_taken_told_and_kept(tmp_path: Path) -> None:
    lines: list[str] = []
    heard: list[Sequence[str]] = []

    def measure(settings: WorkerSettings, layout: WorkerLayout, sound: Sequence[str]) -> float:
        heard.append(sound)
        return {1: 10.0, 2: 15.0}.get(layout.workers, 1.0)

    cache = LayoutCache(tmp_path)
    found = layout_for(SETTINGS, lambda count: [SAMPLE] * count, lines.append, cache=cache, measure=measure)
    assert found == WorkerLayout(2, cpu_threads() // 2, found.cpus)
    assert "trying how many workers are best" in lines[0]
    assert f"2 workers of {cpu_threads() // 2} thread" in lines[1]
    assert heard[0] == [SAMPLE] * TRIED
    assert (tmp_path / NAME).exists() != ("busy" in lines[1])


def test_a_trial_hears_real_speech_with_processes_side_by_side() -> None:
    assert speed_of(SETTINGS, WorkerLayout(2, 1), [SAMPLE], trial_s=0.2) > 0


@several_cores
def test_recordings_that_cannot_be_read_leave_one_worker(tmp_path: Path) -> None:
    lines: list[str] = []
    silent = tmp_path / "silent.wav"
    with silent.open("wb") as file:
        file.truncate(WORTH_BYTES)  # of zeros: no sound file
    found = layout_for(SETTINGS, lambda count: [str(silent)] * count, lines.append, cache=LayoutCache(tmp_path))
    assert found.workers == 1
    assert "cannot be heard" in lines[1]
    assert not (tmp_path / NAME).exists()


def test_an_error_that_would_end_the_batch_ends_the_trial() -> None:
    with pytest.raises(AudioNotFound):
        speed_of(SETTINGS, WorkerLayout(1, 1), [SAMPLE], f"{HEARERS}:Refuses")
    assert speed_of(SETTINGS, WorkerLayout(2, 1), [SAMPLE], f"{HEARERS}:Refuses") == 0


def test_what_was_found_is_kept_for_the_same_model_and_machine(tmp_path: Path) -> None:
    cache = LayoutCache(tmp_path)
    layout = WorkerLayout(2, 2, ((0, 1), (2, 3)), ("0",))
    cache.put("key", TriedLayout(layout, 31.0))
    cache.put("other", TriedLayout(WorkerLayout(1, 4), 3.0))
    assert LayoutCache(tmp_path).get("key") == layout
    assert cache.get("none") is None


@pytest.mark.parametrize("text", ["", "[1]", '{"key": 3}', '{"key": {"layout": {"workers": -1}}}', '{"key": {}}'])
def test_a_cache_that_was_damaged_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert LayoutCache(tmp_path).get("key") is None
    LayoutCache(tmp_path).put("key", TriedLayout(WorkerLayout(1, 4), 3.0))
    assert LayoutCache(tmp_path).get("key") == WorkerLayout(1, 4)


def test_a_cache_that_cannot_be_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = LayoutCache(tmp_path / "file")
    cache.put("key", TriedLayout(WorkerLayout(1, 4), 3.0))
    assert cache.get("key") is None
    assert (tmp_path / "file").read_bytes() == b""


def test_another_model_computation_machine_or_version_has_another_key() -> None:
    machine = MachineParts(4, ((0, 1), (2, 3)))
    keys = {
        key_of(settings, parts, cpu, version)
        for settings, parts, cpu, version in (
            (SETTINGS, machine, "a", "1"),
            (replace(SETTINGS, model_digest="d"), machine, "a", "1"),
            (replace(SETTINGS, compute_type="int8"), machine, "a", "1"),
            (SETTINGS, replace(machine, threads=3), "a", "1"),
            (SETTINGS, machine, "b", "1"),
            (SETTINGS, machine, "a", "2"),
        )
    }
    assert len(keys) == 6
    again = key_of(SETTINGS, replace(machine, memory=5), "a", "1")  # free memory comes and goes
    assert again in keys


def test_a_layout_that_was_found_before_is_taken_without_a_trial(tmp_path: Path) -> None:
    asked: list[int] = []

    def first(count: int) -> Sequence[str]:
        asked.append(count)
        return [SAMPLE]

    cache = LayoutCache(tmp_path)
    layout_for(SETTINGS, first, pytest.fail, cache=cache)
    for layout in (WorkerLayout(cpu_threads(), 1), WorkerLayout(7, 9)):
        (tmp_path / NAME).unlink(missing_ok=True)
        for key in _keys():
            cache.put(key, TriedLayout(layout, 3.0))
        found = layout_for(SETTINGS, first, pytest.fail, cache=cache)
        assert found.workers == (cpu_threads() if layout.threads == 1 else 1)  # the other one is for another machine
    assert asked[0] == LOOKED_AT


def _keys() -> list[str]:
    from malsori import __version__
    from malsori.batch.local.layouts import machine_parts
    from malsori.bundles import find_bundle
    from malsori.pipeline.trials.speed import host

    machine = machine_parts(SETTINGS, find_bundle(SETTINGS.model).manifest())
    return [key_of(SETTINGS, machine, json.loads(json.dumps(host()["cpu"])), __version__)]


def test_a_machine_is_busy_by_what_is_computed_now(tmp_path: Path) -> None:
    stat = tmp_path / "stat"

    def looked(idle: int, used: int) -> bool:
        """Look while the processors were idle and in use for so many ticks."""
        stat.write_text("cpu  1000 0 0 5000 0 0 0 0 0 0\n")
        later = threading.Timer(0.1, stat.write_text, [f"cpu  {1000 + used} 0 0 {5000 + idle} 0 0 0 0 0 0\n"])
        later.start()
        try:
            return is_busy(0.5, stat)
        finally:
            later.join()

    assert looked(idle=60, used=40)
    assert not looked(idle=90, used=10)
    assert not is_busy(0.0, tmp_path / "absent")
