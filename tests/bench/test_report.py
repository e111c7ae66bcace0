"""The tables of the README, made from results."""

from __future__ import annotations

import pytest

from bench import report


def test_only_what_stands_between_the_marks_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(report.TABLES, "mine", lambda: "new\n")
    text = "before\n<!-- table:mine -->\nold\n<!-- end -->\nbehind\n"
    assert report.filled(text) == text.replace("old", "new")


def test_a_table_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no table named speeed; there are .*words"):
        report.filled("<!-- table:speeed -->\n<!-- end -->\n")
