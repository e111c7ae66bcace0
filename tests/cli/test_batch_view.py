"""What a run of a batch shows: on terminals of any width, without one, as JSON, and at its end."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from rich.cells import cell_len

from malsori.batch.batch_items import BatchItem, ItemProgress, ItemResult
from malsori.batch.batch_progress import BatchProgress
from malsori.batch.summary import BatchSummary, FailureCause
from malsori.cli.batch_figures import RunFigures, end_of, sound, times
from malsori.cli.batch_lines import MOST_UNTOLD
from malsori.cli.batch_screen import bar, lines
from malsori.cli.batch_view import BatchView

NOON = datetime(2026, 12, 1, 12, 0)


class Time(list[float]):
    """Stands at the last of its times."""

    def __call__(self) -> float:
        return self[-1]


class Terminal(io.StringIO):
    """Stderr as a terminal."""

    def isatty(self) -> bool:
        return True


class Lost(io.StringIO):
    """Stdout whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError("Broken pipe")


def a_run(files: int = 5000, done_before: int = 1790) -> BatchProgress:
    """A run that has 3,210 files of 1 kB to do, two of which are in work."""
    progress = BatchProgress(files, done_before, bytes_total=(files - done_before) * 1000)
    for number, name in ((1, "/talks/2024/may/first.mp3"), (2, "/talks/말\x1b[2J.wav"), (3, "/talks/waits.wav")):
        progress = progress.began(BatchItem(number, name, name.rpartition("/")[2], 1000))
    progress = progress.advanced(ItemProgress(1, 41.0, 200.0), 10.0)
    return progress.advanced(ItemProgress(2, 130.0, None), 10.0)


def failed(progress: BatchProgress, number: int = 2) -> tuple[BatchProgress, ItemResult]:
    result = ItemResult(number, "CorruptAudio", "expected sound, found noise")
    return progress.ended(result, 20.0), result


def done(progress: BatchProgress, number: int = 1, seconds: float = 200.0) -> tuple[BatchProgress, ItemResult]:
    result = ItemResult(number, seconds=seconds, language="ko", warnings=("quiet",))
    return progress.ended(result, 20.0), result


SUMMARY = BatchSummary(
    files=5000,
    done=4990,
    failed=10,
    pending=0,
    seconds=40_000.0,
    elapsed_s=900.0,
    runs=2,
    warned=3,
    causes=(FailureCause("CorruptAudio", 9, ("/talks/x.mp3: expected sound",)), FailureCause("WorkerDied", 1, ())),
)


class TestFigures:
    def test_files_in_work_count_by_their_share(self) -> None:
        progress, _ = done(a_run(), 3)
        assert progress.heard == 200 + 41 + 130
        assert progress.bytes_heard == 1000 + 205

    def test_the_end_is_estimated_by_bytes_from_the_first_sign_of_progress_on(self) -> None:
        progress = replace(a_run(), bytes_done=1_000_000, bytes_total=3_000_205)
        figures = RunFigures(progress, elapsed_s=1000.0, hearing_s=500.0, at=NOON)
        assert figures.left_s == pytest.approx(2_000_000 * 500 / 1_000_205)
        assert "17 min left, ends 12:16" in figures.parts

    def test_no_end_is_guessed_from_the_first_sound_that_was_gathered(self) -> None:
        assert RunFigures(a_run(), elapsed_s=20.0, hearing_s=10.0, at=NOON).left_s is None
        assert RunFigures(done(a_run())[0], elapsed_s=20.0, hearing_s=10.0, at=NOON).left_s is not None

    def test_files_count_where_no_bytes_are_known(self) -> None:
        progress = BatchProgress(files=10, done_before=2, done_now=2, failed_now=2)
        assert RunFigures(progress, 10.0, 10.0, NOON).shares == (4, 8)

    def test_nothing_is_guessed_at_the_beginning(self) -> None:
        assert RunFigures(a_run(), 0.5, 0.0, NOON).parts == ["1,790 of 5,000 files", "3 min of sound", "0%"]
        assert RunFigures(BatchProgress(), 0.0, 0.0, NOON).parts == ["0 of 0 files", "0 s of sound"]

    @pytest.mark.parametrize(
        ("left_s", "said"),
        [(60, "12:01"), (50_000, "tomorrow 01:53"), (2e5, "2026-12-03 19:33"), (1e18, "in years")],
    )
    def test_an_end_is_a_time_of_day_or_a_date(self, left_s: float, said: str) -> None:
        assert end_of(NOON, left_s) == said

    def test_amounts_are_said_as_people_do(self) -> None:
        assert [sound(12), sound(1800), sound(45_000)] == ["12 s", "30 min", "12.5 h"]
        assert [times(31.4), times(0.81)] == ["31x real time", "0.8x real time"]


class TestScreen:
    def figures(self) -> RunFigures:
        progress, _ = failed(a_run())
        return RunFigures(progress, 100.0, 50.0, NOON, "/talks/말\x1b[2J.wav: expected sound, found noise")

    @pytest.mark.parametrize("width", [200, 80, 40, 20, 1])
    @pytest.mark.parametrize("height", [40, 6, 2])
    def test_no_line_is_wider_and_no_more_are_drawn_than_there_is_room_for(self, width: int, height: int) -> None:
        drawn = lines(self.figures(), width, height)
        assert 1 <= len(drawn) <= height
        assert max(map(cell_len, drawn)) <= width
        assert all(line.isprintable() for line in drawn)

    def test_it_shows_figures_what_is_being_heard_and_the_latest_failure(self) -> None:
        drawn = lines(self.figures(), 79, 24)
        assert drawn[1].startswith("1,791 of 5,000 files, 1 failed, 41 s of sound, 0.4x real time, 0%")
        assert drawn[-1] == "  0:41 of 3:20  /talks/2024/may/first.mp3"
        assert drawn[-2] == r"last failure: /talks/말\x1b[2J.wav: expected sound, found noise"

    def test_no_name_moves_the_cursor(self) -> None:
        assert lines(RunFigures(a_run(), 9.0, 9.0, NOON), 79, 24)[-1] == r"  2:10  /talks/말\x1b[2J.wav"

    def test_a_long_name_keeps_its_end_and_many_files_are_counted(self) -> None:
        progress = BatchProgress(files=20)
        for number in range(12):
            progress = progress.began(BatchItem(number, f"/talks/{'deep/' * 20}{number:02}.wav", "x"))
            progress = progress.advanced(ItemProgress(number, 1.0), 1.0)
        drawn = lines(RunFigures(progress, 1.0, 1.0, NOON), 40, 24)
        assert drawn[-2].endswith("/06.wav")
        assert drawn[-1] == "  and 5 more"

    def test_a_bar_is_full_only_at_the_end(self) -> None:
        assert [bar(0, 12), bar(0.999, 12), bar(1, 12)] == ["[..........]", "[#########.]", "[##########]"]

    def test_a_note_stays_above_what_is_drawn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        view = BatchView()
        view.start(a_run())
        view.update(a_run())
        view.show()
        view.note("a worker died")
        view.show()
        view.close()
        assert "malsori: a worker died\n" in terminal.getvalue()
        assert terminal.getvalue().endswith("\x1b[2K")


def without_terminal(monkeypatch: pytest.MonkeyPatch) -> tuple[BatchView, io.StringIO, Time]:
    monkeypatch.setattr(sys, "stderr", stderr := io.StringIO())
    now = Time([100.0])
    return BatchView(now=now, today=lambda: NOON, status="malsori batch status out"), stderr, now


class TestLines:
    def test_progress_is_told_every_ten_seconds_and_failures_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        view, stderr, now = without_terminal(monkeypatch)
        view.start(a_run())
        view.update(*failed(a_run()))
        now.append(105.0)
        view.show()
        assert stderr.getvalue().splitlines() == [
            "malsori: 5,000 files, 1,790 of them done before",
            r"malsori: /talks/말\x1b[2J.wav: expected sound, found noise",
        ]
        now.append(110.0)
        view.update(failed(a_run())[0])
        view.show()
        view.show()
        (line,) = stderr.getvalue().splitlines()[2:]
        assert line.startswith("malsori: 1,791 of 5,000 files, 1 failed, 41 s of sound, 4.1x real time, 0%")
        assert "7.4 h left, ends 19:23" in line
        now.append(130.0)
        view.show()
        assert len(stderr.getvalue().splitlines()) == 3  # nothing has come to it
        view.close()

    def test_failures_that_nobody_takes_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        view, stderr, _ = without_terminal(monkeypatch)
        progress = a_run()
        for _ in range(MOST_UNTOLD + 7):
            view.update(progress, ItemResult(1, "EngineError", "no"))
        view.close()
        assert len(stderr.getvalue().splitlines()) == MOST_UNTOLD + 1
        assert stderr.getvalue().endswith("and 7 failures more, which malsori batch status lists\n")

    def test_the_end_tells_this_run_and_what_was_there_and_what_to_type(self, monkeypatch: pytest.MonkeyPatch) -> None:
        view, stderr, now = without_terminal(monkeypatch)
        view.start(a_run())
        now.append(110.0)
        view.close()
        view.end(replace(a_run(), done_now=3200, failed_now=10, seconds=360.0), SUMMARY)
        assert [" ".join(line.split()) for line in stderr.getvalue().splitlines()[1:]] == [
            "malsori: files 5,000",
            "malsori: done 4,990 (3,200 in this run, 1,790 were there)",
            "malsori: failed 10",
            "malsori: sound 6 min, 11.1 h in all",
            "malsori: time 0:10, 36x real time",
            "malsori: warned 3, of which malsori batch status out --done --json has the warnings",
            "malsori: CorruptAudio 9: such as /talks/x.mp3: expected sound",
            "malsori: WorkerDied 1",
            "malsori: to see all malsori batch status out --failed",
            "malsori: to try again the same line with --retry-failed",
        ]

    def test_quiet_tells_failures_alone_and_nothing_where_there_are_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", stderr := io.StringIO())
        for summary in (replace(SUMMARY, failed=0, causes=()), SUMMARY):
            view = BatchView(quiet=True)
            view.start(a_run())
            view.update(*failed(a_run()))
            view.note("a worker died")
            view.show()
            view.close()
            view.end(a_run(), summary)
        assert [line.split()[1] for line in stderr.getvalue().splitlines()] == [
            "CorruptAudio",
            "WorkerDied",
            "to",
            "to",
        ]


class TestEvents:
    def run(self, *updates: tuple[BatchProgress, ItemResult]) -> None:
        now = Time([100.0])
        view = BatchView(json=True, now=now, today=lambda: NOON)
        view.start(a_run())
        for update in updates:
            view.update(*update)
        now.append(120.0)
        view.show()
        view.show()
        view.close()
        view.end(updates[-1][0] if updates else a_run(), SUMMARY)

    def events(self, text: str) -> Sequence[dict[str, Any]]:
        return [json.loads(line) for line in text.splitlines()]

    def test_each_event_is_an_object_on_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        first = failed(a_run())
        self.run(first, done(first[0]))
        events = self.events(capsys.readouterr().out)
        assert [event["event"] for event in events] == ["start", "file", "file", "progress", "end"]
        start, bad, good, progress, end = events
        assert start == {
            "event": "start",
            "files": 5000,
            "done": 1790,
            "failed": 0,
            "left": 3210,
            "bytes_total": 3_210_000,
        }
        assert (bad["source"], bad["state"], bad["cause"]) == ("/talks/말\x1b[2J.wav", "failed", "CorruptAudio")
        assert (good["stem"], good["state"], good["seconds"], good["language"], good["warnings"]) == (
            "first.mp3",
            "done",
            200.0,
            "ko",
            ["quiet"],
        )
        assert (progress["left"], progress["seconds"], progress["speed"], progress["bytes_done"]) == (
            3208,
            200,
            10,
            2000,
        )
        assert progress["now"] == []
        assert (end["done_now"], end["failed_now"], end["elapsed_s"]) == (1, 1, 20.0)
        assert [(each["cause"], each["files"]) for each in end["causes"]] == [("CorruptAudio", 9), ("WorkerDied", 1)]

    def test_what_is_being_heard_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.run()
        progress = self.events(capsys.readouterr().out)[1]
        assert progress["now"] == [
            {"source": "/talks/2024/may/first.mp3", "seconds": 41.0, "length": 200.0},
            {"source": "/talks/말\x1b[2J.wav", "seconds": 130.0, "length": None},
        ]

    def test_a_run_with_nothing_to_do_begins_and_ends(self, capsys: pytest.CaptureFixture[str]) -> None:
        BatchView(json=True).end(BatchProgress(3, 3), SUMMARY)
        assert [event["event"] for event in self.events(capsys.readouterr().out)] == ["start", "end"]

    def test_a_reader_that_goes_costs_the_events_and_not_the_run(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdout", Lost())
        self.run(failed(a_run()))
        assert capsys.readouterr().err == "malsori: events are no longer written, Broken pipe; the run goes on\n"


def test_the_view_draws_from_a_thread_of_its_own_which_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = threading.Event()

    class Seen(Terminal):
        def write(self, text: str) -> int:
            drawn.set()
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", Seen())
    view = BatchView()
    view.start(a_run())
    view.update(a_run())
    assert drawn.wait(5)
    view.close()
    assert "malsori-view" not in [thread.name for thread in threading.enumerate()]
