"""What a run does with what runs before it have left: what is the same, what has changed, what has moved."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from malsori.batch.batch_items import ItemResult
from malsori.batch.input_row import InputRow
from malsori.batch.journal import Journal
from malsori.batch.planning import Plan, PlanCounts
from malsori.batch.results import ResultFolder
from malsori.bundles.verify import digest
from malsori.errors import AudioNotFound, OptionError

FORMATS = ("txt",)


class Archive:
    """A folder of files that take no time to be heard, and a journal."""

    def __init__(self, folder: Path) -> None:
        self.files, self.output = folder / "in", folder / "out"
        self.files.mkdir()
        self.journal = Journal.open(self.output / "journal.sqlite", {})
        self.results = ResultFolder(self.output)

    def file(self, name: str, content: str = "sound") -> InputRow:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return InputRow(str(path), name)

    def plan(self, *rows: InputRow, retry_failed: bool = False) -> PlanCounts:
        self.run = self.journal.begin_run()
        plan = Plan(self.journal, self.results, FORMATS, self.run, retry_failed=retry_failed)
        return plan.take(rows)

    def pending(self) -> list[str]:
        return [row.stem for row in self.journal.rows("run = ? AND state = 'pending'", [self.run])]

    def hear(self, *failing: str) -> None:
        """Do what is pending: each result is the content of its file."""
        for row in list(self.journal.rows("run = ? AND state = 'pending'", [self.run])):
            if row.stem in failing:
                self.journal.record(ItemResult(row.number, "CorruptAudio", "bad"))
                continue
            self.results.write(row.stem, {"txt": Path(row.source).read_bytes()})
            self.journal.record(ItemResult(row.number, seconds=1.0, digest=digest(Path(row.source))))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path)
    yield archive
    archive.journal.close()


def row(source: InputRow, **options: Any) -> InputRow:
    return InputRow(source.source, source.below, options)


def test_new_files_are_pending_and_named_after_their_place(archive: Archive) -> None:
    counts = archive.plan(archive.file("a.wav"), archive.file("b/c.wav"))
    assert (counts.files, counts.pending, counts.pending_bytes) == (2, 2, 10)
    assert archive.pending() == ["a", "b/c"]


def test_what_is_done_is_not_done_again(archive: Archive) -> None:
    rows = [archive.file("a.wav"), archive.file("b.wav")]
    archive.plan(*rows)
    archive.hear()
    assert archive.plan(*rows, archive.file("c.wav")).done == 2
    assert archive.pending() == ["c"]


def test_a_failure_stays_until_it_is_to_be_retried(archive: Archive) -> None:
    rows = [archive.file("a.wav"), archive.file("b.wav")]
    archive.plan(*rows)
    archive.hear("b")
    assert archive.plan(*rows).failed == 1
    assert archive.pending() == []
    archive.plan(*rows, retry_failed=True)
    assert archive.pending() == ["b"]


def test_a_changed_file_is_done_again_and_a_touched_one_is_not(archive: Archive) -> None:
    rows = [archive.file("changed.wav"), archive.file("touched.wav")]
    archive.plan(*rows)
    archive.hear()
    archive.file("changed.wav", "other sound")
    os.utime(archive.files / "touched.wav", ns=(1, 1))
    archive.plan(*rows)
    assert archive.pending() == ["changed"]


def test_a_file_of_the_same_length_with_other_bytes_is_done_again(archive: Archive) -> None:
    source = archive.file("a.wav", "sound")
    archive.plan(source)
    archive.hear()
    archive.file("a.wav", "sOund")
    os.utime(archive.files / "a.wav", ns=(1, 1))
    archive.plan(source)
    assert archive.pending() == ["a"]


def test_other_options_of_a_row_do_it_again(archive: Archive) -> None:
    source = archive.file("a.wav")
    archive.plan(row(source, language="ko"))
    archive.hear()
    archive.plan(row(source, language="ko"))
    assert archive.pending() == []
    archive.plan(row(source, language="en"))
    assert archive.pending() == ["a"]


def test_results_that_were_deleted_are_made_again(archive: Archive) -> None:
    rows = [archive.file("a.wav"), archive.file("b.wav")]
    archive.plan(*rows)
    archive.hear()
    (archive.output / "a.txt").unlink()
    archive.plan(*rows)
    assert archive.pending() == ["a"]


def test_a_file_that_was_moved_with_its_time_is_not_heard_again(archive: Archive) -> None:
    archive.plan(archive.file("a.wav", "one"), archive.file("b.wav", "two"))
    archive.hear()
    (archive.files / "new").mkdir()
    shutil.move(archive.files / "a.wav", archive.files / "new" / "a.wav")
    counts = archive.plan(InputRow(str(archive.files / "new" / "a.wav"), "new/a.wav"))
    assert (counts.done, counts.pending) == (1, 0)
    assert (archive.output / "new" / "a.txt").read_text() == "one"


def test_a_file_with_the_length_and_time_of_another_but_other_bytes_is_heard(archive: Archive) -> None:
    archive.plan(archive.file("a.wav", "one"))
    archive.hear()
    other = archive.file("b.wav", "two")
    status = os.stat(archive.files / "a.wav")
    os.utime(archive.files / "b.wav", ns=(status.st_atime_ns, status.st_mtime_ns))
    archive.plan(other)
    assert archive.pending() == ["b"]


def test_files_of_one_length_and_time_are_not_compared_with_each_other_one_by_one(archive: Archive) -> None:
    rows = [archive.file(f"{number:04}.wav", f"sound {number:04}") for number in range(1500)]
    for row in rows:
        os.utime(row.source, (1, 1))
    archive.plan(*rows)
    with archive.journal.transaction():
        archive.journal.execute("UPDATE item SET state = 'done', digest = 'x' || number WHERE number <= 750")
    for row in rows[:750]:
        (archive.output / row.below).with_suffix(".txt").touch()
    began = time.process_time()
    more = [archive.file(f"{number:04}.wav", f"sound {number:04}") for number in range(1500, 2000)]
    for row in more:
        os.utime(row.source, (1, 1))
    assert archive.plan(*rows, *more).done == 750
    assert time.process_time() - began < 4  # it was 10


def test_a_moved_file_with_other_options_is_heard_again(archive: Archive) -> None:
    archive.plan(archive.file("a.wav", "one"))
    archive.hear()
    shutil.copy2(archive.files / "a.wav", archive.files / "b.wav")
    archive.plan(row(InputRow(str(archive.files / "b.wav"), "b.wav"), language="ko"))
    assert archive.pending() == ["b"]


def test_what_cannot_be_read_is_a_failed_row_with_its_cause_and_is_done_once_it_is_there(archive: Archive) -> None:
    source = archive.file("a.wav")
    trouble = AudioNotFound(source.source, "a readable file", "no such file")
    assert archive.plan(InputRow(source.source, "a.wav", trouble=trouble)).failed == 1
    (failed,) = archive.journal.rows("state = 'failed'")
    assert (failed.cause, failed.message) == ("AudioNotFound", str(trouble))
    archive.plan(source)
    assert archive.pending() == ["a"]


def test_parts_of_one_file_are_rows_of_their_own(archive: Archive) -> None:
    source = archive.file("a.wav")
    parts = [row(source, clip_timestamps=[0, 5]), row(source, clip_timestamps=[5, 9])]
    assert archive.plan(*parts).files == 2
    archive.hear()
    assert archive.plan(*parts).done == 2
    assert archive.pending() == []


def test_ids_name_results_and_a_second_one_is_numbered(archive: Archive) -> None:
    one, two = archive.file("a.wav"), archive.file("b.wav")
    archive.plan(InputRow(one.source, "a.wav", id="x/1"), InputRow(two.source, "b.wav", id="x/1"))
    assert sorted(archive.pending()) == ["x/1", "x/1-2"]
    archive.hear()
    archive.plan(InputRow(one.source, "a.wav", id="x/1"), InputRow(two.source, "b.wav", id="x/1"))
    assert archive.pending() == []


def test_a_new_file_with_the_stem_of_an_old_one_gets_a_name_of_its_own(archive: Archive) -> None:
    archive.plan(archive.file("talk.mp3"))
    archive.hear()
    archive.plan(archive.file("talk.mp3"), archive.file("talk.wav"))
    assert archive.pending() == ["talk.wav"]
    archive.hear()
    assert (archive.output / "talk.txt").is_file()
    assert (archive.output / "talk.wav.txt").is_file()


def test_a_file_that_no_run_has_written_is_spared_and_told_unless_all_begins_anew(archive: Archive) -> None:
    source = archive.file("talk.wav")
    (archive.output / "talk.txt").write_text("what was really said")
    archive.plan(source)
    assert archive.pending() == ["talk.wav"]
    archive.hear()
    assert (archive.output / "talk.txt").read_text() == "what was really said"
    archive.plan(source)
    assert archive.pending() == []


def test_files_of_another_input_are_not_part_of_the_run(archive: Archive) -> None:
    archive.plan(archive.file("a.wav"), archive.file("b.wav"))
    assert archive.plan(archive.file("b.wav")).files == 1
    assert archive.pending() == ["b"]


def test_rows_of_one_file_that_cannot_be_are_each_a_failure_and_keep_none_from_being_heard(archive: Archive) -> None:
    source = archive.file("a.wav")
    wrong = [InputRow(source.source, "a.wav", trouble=OptionError(why)) for why in ("one", "two")]
    for _ in range(2):
        counts = archive.plan(wrong[0], source, wrong[1])
        assert (counts.failed, counts.pending) == (2, 1)


def test_no_result_replaces_a_file_that_is_to_be_kept(archive: Archive) -> None:
    (archive.output / "calls.txt").write_text("calls.wav")
    plan = Plan(
        *(archive.journal, archive.results, FORMATS, archive.journal.begin_run()),
        kept=[str(archive.output / "calls.txt")],
    )
    plan.take([archive.file("calls.wav")])
    assert [row.stem for row in archive.journal.rows()] == ["calls.wav"]


def test_a_recording_at_a_url_is_done_again_when_its_time_is_another(archive: Archive) -> None:
    def at(changed: int) -> InputRow:
        return InputRow("s3://bucket/a.wav", "a.wav", size=5, changed=changed)

    archive.plan(at(1))
    (new,) = archive.journal.rows()
    archive.results.write(new.stem, {"txt": b"sound"})
    archive.journal.record(ItemResult(new.number, seconds=1.0))
    assert archive.plan(at(1)).done == 1
    assert archive.plan(at(2)).pending == 1
