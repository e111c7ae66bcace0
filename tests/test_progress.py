"""Progress on stderr: how far a run is, and how long it still takes."""

from __future__ import annotations

import io
import sys

import pytest

from malsori.cli import progress
from malsori.cli.progress import Reporter, remaining


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


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands at the last of these."""
    times = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: times[-1])
    return times


def test_the_time_counts_from_where_the_counting_began(now: list[float]) -> None:
    reporter = Reporter()
    reporter.say("loading")
    now.append(200.0)
    reporter.say("pulling", 500, 1000)  # half was there from before
    now.append(210.0)
    reporter.say("pulling", 600, 1000)
    assert reporter._line() == "pulling, 60%, 40 s left"
    reporter.say("pulling another", 0, 1000)
    assert reporter._line() == "pulling another, 0%"
    reporter.say("hashing")
    assert reporter._line() == "hashing ..."


def test_a_terminal_shows_a_bar_with_the_time_left(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = Reporter()
    reporter.say("pulling base", 0, 1000)
    now.append(110.0)
    reporter.say("pulling base", 250, 1000)
    reporter._draw()
    reporter.pause()
    assert "pulling base" in terminal.getvalue()
    assert "30 s left" in terminal.getvalue()
