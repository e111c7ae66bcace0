"""Progress on stderr: how far a run is, and how long it still takes."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from malsori.cli.progress import Reporter, progress_of, rate, remaining
from malsori.pipeline.files.recording import Progress


@pytest.mark.parametrize(
    ("seconds", "done", "rest", "said"),
    [
        (10, 1, 2, "20 s"),
        (10, 1, 8.9, "89 s"),
        (10, 1, 60, "10 min"),
        (60, 1, 100, "1.7 h"),
        (2, 1, 100, ""),  # too early to tell
        (10, 0, 5, ""),
        (10, 5, 0, ""),
    ],
)
def test_what_is_left_goes_by_what_was_done(seconds: float, done: float, rest: float, said: str) -> None:
    assert remaining(seconds, done, rest) == said


class Clock(list[float]):
    """Stands at the last of its times."""

    def __call__(self) -> float:
        return self[-1]


@pytest.fixture
def now() -> Clock:
    return Clock([100.0])


def test_the_time_counts_from_where_the_counting_began(now: Clock) -> None:
    reporter = Reporter(now=now)
    reporter.say("loading")
    now.append(200.0)
    reporter.say("pulling", 500, 1000)  # half was there from before
    now.append(210.0)
    reporter.say("pulling", 600, 1000)
    assert reporter.line == "pulling, 60%, 40 s left"
    reporter.say("pulling another", 0, 1000)
    assert reporter.line == "pulling another ..."
    reporter.say("hashing")
    assert reporter.line == "hashing ..."


class Terminal(io.StringIO):
    """Stderr as a terminal of 100 columns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", self)

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_with_the_time_left(now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch)
    reporter = Reporter(now=now)
    reporter.say_bytes("pulling base", 0, 40e6)
    now.append(110.0)
    reporter.say_bytes("pulling base", 10e6, 40e6)
    reporter.draw()
    reporter.pause()
    for told in ("pulling base", "10.0 of 40.0 MB", "1.0 MB/s", "30 s left"):
        assert told in terminal.getvalue()


def test_the_time_taken_is_that_of_the_run_whatever_was_written_between(
    now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(monkeypatch)
    reporter = Reporter(now=now)
    for at in (110.0, 172.0):
        now.append(at)
        reporter.say("talk", at, 1000)
        reporter.draw()
        reporter.pause()
    assert "0:10" in terminal.getvalue()
    assert "1:12" in terminal.getvalue()


def test_a_long_name_leaves_room_for_the_figures(now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch)
    reporter = Reporter(now=now)
    progress_of(reporter)(Progress("긴 이름/" * 20 + "그리고 talk.mp3", 0, 0, 1, 50.0, 100.0, 0.5))
    reporter.draw()
    reporter.pause()
    assert "…" in terminal.getvalue()
    assert "그리고 talk.mp3, 0:50 of 1:40" in terminal.getvalue()


def test_of_bytes_it_tells_how_many_have_come_and_how_fast(now: Clock) -> None:
    reporter = Reporter(now=now)
    reporter.say_bytes("pulling base", 60e6, 150e6)  # from an earlier try
    assert reporter.line == "pulling base, 60.0 of 150.0 MB, 40%"
    now.append(110.0)
    reporter.say_bytes("pulling base", 90e6, 150e6)
    assert reporter.line == "pulling base, 90.0 of 150.0 MB, 60%, 3.0 MB/s, 20 s left"
    reporter.say("hashing base")
    assert reporter.line == "hashing base ..."


@pytest.mark.parametrize(
    ("seconds", "count", "said"),
    [(10, 52e6, "5.2 MB/s"), (10, 64_000, "6.4 kB/s"), (0.5, 1e6, ""), (10, 0, "")],
)
def test_a_rate_is_told_once_it_is_known(seconds: float, count: float, said: str) -> None:
    assert rate(seconds, count) == said


def test_what_is_heard_of_a_recording_is_told_once_there_is_something(now: Clock) -> None:
    reporter = Reporter(now=now)
    show = progress_of(reporter)
    show(Progress("talk.mp3", 60, 0, length=240.0))
    assert reporter.line == "talk.mp3 ..."
    now.append(110.0)
    show(Progress("talk.mp3", 60, 30, seconds=120.0, length=240.0, done=0.5))
    assert reporter.line == "talk.mp3, 2:00 of 4:00, 50%, 10 s left"


def test_of_several_recordings_it_is_told_how_much_of_all_is_done(now: Clock, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.wav", "b.wav", "c.wav")]
    for file, size in zip(files, (1000, 3000, 6000), strict=True):
        file.write_bytes(bytes(size))
    reporter = Reporter(now=now)
    show = progress_of(reporter, [str(file) for file in files])
    told = []
    points = ((1, 30.0, 60.0, 0.5), (1, 60.0, 60.0, 1), (2, 0.0, None, 1), (2, 99.0, None, 1), (3, 3599, 3600, 2.9999))
    for number, seconds, length, done in points:
        show(Progress("talk", 0, 0, number, seconds, length, done))
        told.append(reporter.line)
    assert told == [
        "talk (1 of 3), 0:30 of 1:00, 5%",
        "talk (1 of 3), 1:00 of 1:00, 10%",
        "talk (2 of 3), 10%",
        "talk (2 of 3), 1:39, 10%",
        "talk (3 of 3), 59:59 of 1:00:00, 99%",  # rounded it would be 100
    ]


def test_progress_never_goes_back(now: Clock) -> None:
    reporter = Reporter(now=now)
    show = progress_of(reporter)
    for seconds in (10.0, 50.0, 40.0):
        show(Progress("talk", 0, 0, 1, seconds, 100.0, seconds / 100))
    assert reporter.line == "talk, 0:40 of 1:40, 50%"
