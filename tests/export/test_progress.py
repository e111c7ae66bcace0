"""What an export or a training run says on stderr."""

from __future__ import annotations

import time

import pytest

from export import progress
from export.progress import Reporter


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_that_stays_is_one_line_and_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter() as reporter:
        reporter.warn("going on from 가\x1b[2J\n.work")
    assert told(capsys) == ["malsori: going on from 가\\x1b[2J\\n.work"]


def test_a_quiet_one_says_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    with Reporter(quiet=True) as reporter:
        reporter.say("loading")
        reporter.warn("trained to the end already")
        time.sleep(0.05)
    assert told(capsys) == []


def test_what_takes_long_is_told_and_how_much_of_it_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setattr(progress, "LINE_EVERY", 0.01)
    with Reporter() as reporter:
        for done in (0, 3):
            reporter.say("step [3] of 12", done, 12)
            time.sleep(0.3)
        reporter.say("making the bundle")
        time.sleep(0.3)
    assert told(capsys) == [
        "malsori: step [3] of 12 ...",
        "malsori: step [3] of 12, 25%",
        "malsori: making the bundle ...",
    ]


def test_what_is_soon_done_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter() as reporter:
        reporter.say("loading")
    assert told(capsys) == []
