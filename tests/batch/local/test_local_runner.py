"""Worker processes that are really there, hang, crash and are killed; and what becomes of their items."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori.batch.batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult
from malsori.batch.local import LocalRunner, WorkerLayout
from malsori.batch.settings import WorkerSettings
from malsori.errors import AudioNotFound, EngineError, OptionError
from malsori.pipeline.options import Loading, TranscribeOptions
from tests.shipped import ROOT

HEARERS = "tests.batch.local.hearers"


def settings(output: str = "", **options: object) -> WorkerSettings:
    return WorkerSettings("some-model", TranscribeOptions(**options), ("txt",), output)


def runner(hearer: str = "OneByOne", workers: int = 1, output: str = "", stalled_s: float = 60.0) -> LocalRunner:
    return LocalRunner(settings(output), WorkerLayout(workers), entry=f"{HEARERS}:{hearer}", stalled_s=stalled_s)


def items(*sources: str) -> Iterator[BatchItem]:
    return (BatchItem(number, source, f"stem{number}") for number, source in enumerate(sources))


def results(events: Iterator[ItemEvent]) -> dict[int, ItemResult]:
    found = [event for event in events if isinstance(event, ItemResult)]
    numbers = [each.number for each in found]
    assert sorted(numbers) == sorted(set(numbers))  # never two of one
    return {each.number: each for each in found}


def processes(found: dict[int, ItemResult]) -> set[str]:
    return {each.digest for each in found.values()}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Each test ends with the threads, descriptors and child processes that it began with."""
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    yield
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files
    with pytest.raises(ChildProcessError):  # neither alive nor a zombie
        os.waitpid(-1, os.WNOHANG)


def test_each_item_has_one_result_of_another_process() -> None:
    found = results(runner().run(items("ok", "ok", "ok")))
    assert sorted(found) == [0, 1, 2]
    assert not any(each.failed for each in found.values())
    assert len(processes(found)) == 1
    assert processes(found) != {str(os.getpid())}


def test_several_workers_hear_at_the_same_time_and_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def counted() -> Iterator[BatchItem]:
        for item in items(*["slow"] * 8):
            taken.append(item.number)
            yield item

    events = runner(workers=2).run(counted())
    assert isinstance(next(events), ItemResult)
    assert len(taken) <= 4
    assert len(processes(results(events))) == 2


def test_a_batch_without_items_starts_no_process() -> None:
    assert list(runner(hearer="DiesLoading").run(items())) == []


def test_no_more_processes_are_started_than_there_are_items(tmp_path: Path) -> None:
    assert len(results(runner("DiesLoading", workers=4, output=str(tmp_path)).run(items("ok", "ok")))) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_items_of_a_dead_worker_are_heard_again_alone_and_only_the_one_it_died_of_fails() -> None:
    found = results(runner("Threes").run(items("ok", "SIGSEGV", "ok", "ok", "ok")))
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert [number for number, each in found.items() if each.failed] == [1]
    assert found[1].cause == "WorkerDied"
    assert "ended by SIGSEGV; Fatal Python error: Segmentation fault; --retry-failed" in found[1].message
    assert found[2].seconds == 1.0  # it was given as one to be heard alone
    assert found[3].seconds == 0.0


def test_a_worker_that_is_killed_once_costs_nothing_but_time(tmp_path: Path) -> None:
    found = results(runner("Threes", workers=2).run(items(f"once {tmp_path / 'a'} SIGKILL", *["ok"] * 9)))
    assert sorted(found) == list(range(10))
    assert not any(each.failed for each in found.values())


def test_an_item_is_not_blamed_while_its_process_had_heard_others(tmp_path: Path) -> None:
    # The process that hears the suspects dies of the second of them, which is then heard by a fresh one.
    sources = [f"once {tmp_path / 'a'} SIGKILL", f"once {tmp_path / 'b'} SIGKILL", "ok"]
    found = results(runner("Threes").run(items(*sources)))
    assert not any(each.failed for each in found.values())
    assert len(processes(found)) == 2


def test_an_exit_code_and_what_was_said_last_stand_in_the_message() -> None:
    found = results(runner().run(items("exit", "ok")))
    assert "exit code 3; the last line; --retry-failed" in found[0].message
    assert not found[1].failed


def test_a_fault_of_ours_costs_its_item_and_is_told() -> None:
    found = results(runner("Threes").run(items("raise", "ok")))
    assert "ZeroDivisionError: a fault of ours" in found[0].message
    assert not found[1].failed


def test_an_item_that_is_to_be_alone_has_no_other_beside_it() -> None:
    given = [BatchItem(n, "SIGKILL" if n == 2 else "ok", "s", alone=n > 1) for n in range(6)]
    found = results(runner("Threes").run(iter(given)))
    assert [number for number, each in found.items() if each.failed] == [2]
    assert [each.language for _, each in sorted(found.items())] == ["2", "2", "", "1", "1", "1"]


def test_a_hearer_that_gives_no_result_for_an_item_costs_that_item() -> None:
    found = results(runner().run(items("ok", "lost", "ok")))
    assert [number for number, each in found.items() if each.failed] == [1]
    assert "no result" in found[1].message


def test_a_worker_that_dies_while_it_loads_ends_the_run_with_what_it_said() -> None:
    with pytest.raises(EngineError, match=r"some-model.*exit code 9; there is no memory left"):
        list(runner("DiesLoading", workers=2).run(items("ok", "ok")))


def test_the_others_go_on_when_one_cannot_be_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    local = LocalRunner(
        settings(str(tmp_path)), WorkerLayout(2), entry=f"{HEARERS}:DiesLoading", report=told.append, stalled_s=60
    )
    found = results(local.run(items(f"once {tmp_path.parent / 'k'} SIGKILL", *["slow"] * 6)))
    assert sorted(found) == list(range(7))
    assert not any(each.failed for each in found.values())
    assert "1 go on" in told[0]


def test_a_process_that_dies_while_it_loads_is_tried_again_where_one_has_loaded_before(tmp_path: Path) -> None:
    sources = [f"once {tmp_path.parent / 'once'} SIGKILL", "ok"]
    found = results(runner("DiesLoadingAgain", output=str(tmp_path)).run(items(*sources)))
    assert [found[number].failed for number in (0, 1)] == [False, False]
    assert len(list(tmp_path.iterdir())) == 4


def test_an_error_of_ours_ends_the_run_as_itself() -> None:
    with pytest.raises(AudioNotFound, match="some-model: expected a model, found none"):
        list(runner("Refuses").run(items("ok")))
    with pytest.raises(AudioNotFound, match="model"):
        list(runner(workers=2).run(items("ok", "wrong", "hang")))


def test_what_cannot_go_to_another_process_is_said() -> None:
    local = LocalRunner(settings(cancelled=lambda: False), entry=f"{HEARERS}:OneByOne")
    with pytest.raises(OptionError, match="cannot be given to a worker process"):
        list(local.run(items("ok")))


def test_progress_is_told_five_times_a_second_at_most() -> None:
    began = time.monotonic()
    told = [event for event in runner().run(items("tell")) if isinstance(event, ItemProgress)]
    assert 1 <= len(told) <= 5 * (time.monotonic() - began) + 1


def test_what_is_printed_disturbs_nothing() -> None:
    assert not results(runner().run(items("print")))[0].failed


def test_a_worker_that_is_stopped_is_ended_and_its_items_are_heard_by_another(tmp_path: Path) -> None:
    found = results(runner("Threes", stalled_s=1.0).run(items(f"once {tmp_path / 'a'} SIGSTOP", "ok", "hang")))
    assert [number for number, each in found.items() if each.failed] == [2]
    assert "it had done nothing for 1 s and was ended" in found[2].message


def test_a_worker_that_computes_is_not_taken_for_a_stalled_one(tmp_path: Path) -> None:
    events = runner(stalled_s=0.4, workers=2).run(items(f"once {tmp_path / 'a'} spin", *["slow"] * 9))
    assert [next(events).number for _ in range(9)] == list(range(1, 10))
    events.close()  # type: ignore[attr-defined]


def test_closing_the_iterator_ends_workers_within_two_seconds_also_stopped_ones() -> None:
    events = runner(workers=2).run(items("ok", "SIGSTOP", "hang"))
    next(events)
    time.sleep(0.3)  # until the other has stopped
    began = time.monotonic()
    events.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 3.5


def test_an_error_of_the_items_ends_the_workers() -> None:
    def broken() -> Iterator[BatchItem]:
        yield from items("hang")
        raise LookupError("the journal")

    with pytest.raises(LookupError, match="the journal"):
        list(runner(workers=2).run(broken()))


def test_signals_of_the_terminal_are_for_the_parent_to_decide() -> None:
    events = runner().run(items("ok", "slow", "ok"))
    first = next(events)
    assert isinstance(first, ItemResult)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(int(first.digest), number)
    assert processes(results(events)) == {first.digest}


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    code = """
from tests.batch.local.test_local_runner import items, runner
for event in runner(workers=2).run(items("ok", "ok", "hang", "spin")):
    print(event.digest, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
    assert all(ends(pid) for pid in workers)


def test_a_program_may_end_in_the_middle_of_a_run() -> None:
    code = """
from tests.batch.local.test_local_runner import items, runner
events = runner(workers=2).run(items("ok", "hang", "hang"))
print(next(events).digest)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert ends(int(done.stdout))


def test_what_workers_say_is_passed_on_with_debug(capsys: pytest.CaptureFixture[str]) -> None:
    for debug in (False, True):
        list(LocalRunner(settings(), entry=f"{HEARERS}:OneByOne", debug=debug).run(items("exit", "ok")))
        assert capsys.readouterr().err.count("the last line\n") == 2 * debug


def test_a_script_without_a_main_guard_may_run_a_batch_in_a_folder_of_other_modules(tmp_path: Path) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('taken from the current folder')")
    script = tmp_path / "bin" / "script.py"
    script.parent.mkdir()
    script.write_text(
        "from tests.batch.local.test_local_runner import items, runner\n"
        "print([event.number for event in runner().run(items('ok', 'ok'))])\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[0, 1]\n", done.stderr


def test_the_real_worker_hears_what_was_beside_a_deadly_recording(tmp_path: Path) -> None:
    korean, english = (str(ROOT / "samples" / f"{name}.wav") for name in ("korean", "english"))
    model = WorkerSettings("nano-ctc-ko", TranscribeOptions(), ("txt",), str(tmp_path), loading=Loading("cpu", 1))
    local = LocalRunner(model, entry=f"{HEARERS}:DyingWorker")
    found = results(local.run(items(korean, english, "deadly", korean, english)))
    assert [number for number, each in found.items() if each.failed] == [2]
    written = [(tmp_path / f"stem{number}.txt").read_text("utf-8") for number in (0, 1, 3, 4)]
    assert written[:2] == written[2:]
    assert written[0].split()


def test_each_worker_has_its_cores_its_threads_and_its_gpu() -> None:
    cores = sorted(os.sched_getaffinity(0))
    layout = WorkerLayout(2, 3, ((cores[0],), (cores[-1],)), ("0", "1"))
    found = results(LocalRunner(settings(), layout, entry=f"{HEARERS}:Reports").run(items(*["ok"] * 4)))
    assert {each.warnings for each in found.values()} == {(str(cores[0]), "3", "0"), (str(cores[-1]), "3", "1")}


def ends(pid: int, within_s: float = 5.0) -> bool:
    """Return whether a process has ended, at the latest after some seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
