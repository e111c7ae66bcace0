"""The journal of a batch: rows that survive, one writer, and what is refused."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from malsori.batch.batch_items import BatchItem, ItemResult
from malsori.batch.journal import Journal
from malsori.batch.journal_file import VERSION
from malsori.batch.summary import summary_of
from malsori.errors import JournalError, JournalMismatch

IDENTITY: dict[str, Any] = {"model": "abc", "options": {"language": "ko"}, "formats": ["txt"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path, IDENTITY) as journal:
        yield journal


def add(journal: Journal, name: str, run: int = 1, **options: Any) -> int:
    number = journal.insert(name, f"/in/{name}", name, "", options, 10, 20, run)
    journal.name(number, name, name.casefold())
    return number


def test_a_row_comes_back_as_it_was_put_in(journal: Journal) -> None:
    number = add(journal, "talk", language="ko", hotwords=["침실"])
    row = journal.named("talk")
    assert row is not None
    assert row.item == BatchItem(number, "/in/talk", "talk", 10, {"language": "ko", "hotwords": ["침실"]})
    assert (row.state, row.changed, row.run) == ("pending", 20, 1)


def test_a_name_with_bytes_that_are_no_text_is_kept(journal: Journal) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    add(journal, name)
    row = journal.named(name)
    assert row is not None
    assert row.source == f"/in/{name}"
    assert journal.is_taken(name.casefold())


def test_a_result_makes_a_row_done_or_failed(journal: Journal) -> None:
    good, bad = add(journal, "good"), add(journal, "bad")
    journal.record(ItemResult(good, seconds=3.5, language="ko", warnings=("quiet",), digest="d"))
    journal.record(ItemResult(bad, "CorruptAudio", "bad: expected sound, found none"))
    done, failed = journal.rows()
    assert (done.state, done.seconds, done.language, done.warnings, done.digest) == ("done", 3.5, "ko", ("quiet",), "d")
    assert (failed.state, failed.cause, failed.message) == ("failed", "CorruptAudio", "bad: expected sound, found none")


def test_rows_are_read_while_they_are_written(journal: Journal) -> None:
    numbers = [add(journal, f"{index:04}") for index in range(700)]
    seen = []
    for row in journal.rows("state = 'pending'"):
        seen.append(row.number)
        journal.record(ItemResult(row.number, seconds=1.0))
    assert seen == numbers
    assert list(journal.rows("state = 'pending'")) == []


def test_a_summary_counts_states_and_causes(journal: Journal) -> None:
    run = journal.begin_run()
    for index in range(6):
        number = add(journal, str(index), run)
        if index < 2:
            journal.record(ItemResult(number, seconds=1800.0, warnings=("quiet",) * index))
        elif index < 5:
            journal.record(
                ItemResult(
                    number,
                    "EmptyAudio" if index < 4 else "OutputError",
                    f"message {'about /in/' if index == 4 else ''}{index}",
                )
            )
    journal.end_run(run, 5, 3600.0)
    summary = summary_of(journal)
    assert (summary.files, summary.done, summary.failed, summary.pending) == (6, 2, 3, 1)
    assert (summary.seconds, summary.warned) == (3600.0, 1)
    assert [(each.cause, each.files, each.examples) for each in summary.causes] == [
        ("EmptyAudio", 2, ("/in/2: message 2", "/in/3: message 3")),
        ("OutputError", 1, ("message about /in/4",)),
    ]


def test_a_run_that_was_killed_counts_until_its_last_result(journal: Journal) -> None:
    for began, ended in ((1000, 1010), (5000, 5020)):
        run = journal.begin_run()
        journal.execute("UPDATE run SET began = ? WHERE number = ?", [began, run])
        journal.record(ItemResult(add(journal, f"talk{run}"), seconds=1.0))
        journal.execute("UPDATE item SET ended = ? WHERE name = ?", [ended, f"talk{run}"])
    assert summary_of(journal).elapsed_s == 30


def test_a_second_run_into_the_same_folder_is_refused_and_a_reader_is_not(journal: Journal, path: Path) -> None:
    add(journal, "talk")
    with pytest.raises(JournalError, match="another run is at work there"):
        Journal.open(path, IDENTITY)
    with Journal.read(path) as reader:
        assert [row.name for row in reader.rows()] == ["talk"]
        with pytest.raises(JournalError, match="readonly"):
            reader.begin_run()


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="nothing is forbidden to root")
def test_a_journal_in_a_folder_that_cannot_be_written_is_read(journal: Journal, path: Path) -> None:
    add(journal, "talk")
    journal.close()
    path.parent.chmod(0o500)
    try:
        with Journal.read(path) as reader:
            assert [row.name for row in reader.rows()] == ["talk"]
    finally:
        path.parent.chmod(0o700)


def test_other_options_are_refused_by_name_and_a_new_start_sets_the_journal_aside(path: Path) -> None:
    with Journal.open(path, IDENTITY) as journal:
        add(journal, "talk")
    with pytest.raises(JournalMismatch, match=r"language was ko and is en; .*--start-over"):
        Journal.open(path, {**IDENTITY, "options": {"language": "en"}})
    with pytest.raises(JournalMismatch, match=r"beam_size was not given and is 2"):
        Journal.open(path, {**IDENTITY, "options": {"language": "ko", "beam_size": 2}})
    with Journal.open(path, {**IDENTITY, "options": {}}, start_over=True) as journal:
        assert list(journal.rows()) == []
    with Journal.read(path.with_name("journal-1.sqlite")) as old:
        assert [row.name for row in old.rows()] == ["talk"]


def test_a_journal_without_files_takes_other_options(path: Path) -> None:
    Journal.open(path, IDENTITY).close()
    with Journal.open(path, {**IDENTITY, "formats": ["srt"]}) as journal:
        assert journal.identity["formats"] == ["srt"]


def test_a_journal_of_another_version_and_another_database_are_refused(path: Path, tmp_path: Path) -> None:
    Journal.open(path, IDENTITY).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(JournalMismatch, match=f"version {VERSION + 1}, this malsori {VERSION}; .*--start-over"):
        Journal.open(path, IDENTITY)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    with pytest.raises(JournalError, match="another database"):
        Journal.open(other, IDENTITY)
    other.write_bytes(b"no database at all" * 300)
    with pytest.raises(JournalError, match="not a database"):
        Journal.open(other, IDENTITY)


def test_a_journal_that_is_damaged_is_refused_with_the_way_out(journal: Journal, path: Path) -> None:
    for number in range(100):
        add(journal, f"talk{number}")
    journal.close()
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(JournalError, match="malformed; name another one, or --start-over"):
        Journal.open(path, IDENTITY)
    Journal.open(path, IDENTITY, start_over=True).close()


def test_a_journal_that_is_removed_while_a_run_goes_on_takes_no_more_results(journal: Journal, path: Path) -> None:
    number = add(journal, "talk")
    path.unlink()
    with pytest.raises(JournalError, match="removed while the run went on"):
        journal.record(ItemResult(number))


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(JournalError, match="out: expected a folder, found a file"):
        Journal.open(tmp_path / "out" / "journal.sqlite", IDENTITY)


def test_what_was_recorded_survives_a_kill(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from malsori.batch.batch_items import ItemResult\n"
        "from malsori.batch.journal import Journal\n"
        f"journal = Journal.open(Path(sys.argv[1]), {IDENTITY!r})\n"
        "for index in range(50):\n"
        "    number = journal.insert(str(index), str(index), str(index), '', {}, 1, 1, 1)\n"
        "    if index % 2: journal.record(ItemResult(number, seconds=1.0))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], timeout=60).returncode == -signal.SIGKILL
    with Journal.open(path, IDENTITY) as journal:
        assert [row.state for row in journal.rows()] == ["pending", "done"] * 25


def test_a_transaction_that_fails_leaves_nothing(journal: Journal) -> None:
    def fail() -> None:
        with journal.transaction():
            add(journal, "talk")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert journal.named("talk") is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"file.*cannot be written"):
        Journal.open(tmp_path / "file" / "deeper" / "journal.sqlite", IDENTITY)
