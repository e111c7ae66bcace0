"""The journal of a batch: which recordings it has, and what became of each. A SQLite database beside the results.

One process writes it (`Journal.open` holds its lock); others may read it meanwhile. A row that was committed survives
the process and the power.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import JournalError, JournalMismatch
from ..file_lock import locked
from .batch_items import ItemResult
from .journal_file import APPLICATION, SCHEMA, VERSION, as_text, connected, guarded, raw, reading, refuse, set_aside
from .journal_row import COLUMNS, JournalRow, escaped, row_of

PAGE = 256  # rows read at a time, so that no query stays open while others write


class Journal:
    """An open journal. Errors of SQLite are `JournalError`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, closing: ExitStack) -> None:
        self.path = path
        self._connection = connection
        self._closing = closing

    @classmethod
    def open(cls, path: Path, identity: Mapping[str, Any], *, start_over: bool = False) -> Journal:
        """Open the journal at `path` for writing, or begin it, and hold its lock.

        `identity` says what the batch is of: its model, options and formats. With `start_over` a journal that is there
        is set aside. Raises `JournalError` where another run is at work or it cannot be written, `JournalMismatch`
        where it has another identity or version.
        """
        with ExitStack() as closing:
            try:
                if path.parent.exists() and not path.parent.is_dir():
                    raise JournalError(f"{path.parent}: expected a folder, found a file")
                path.parent.mkdir(parents=True, exist_ok=True)
                closing.enter_context(locked(path.with_name(f"{path.name}.lock"), lambda: refuse(path)))
                if start_over and path.exists():
                    set_aside(path)
                journal = cls(path, connected(path, closing), closing)
            except OSError as error:
                if isinstance(error, JournalError):
                    raise
                raise JournalError.unwritten(Path(error.filename or path), error) from error
            with guarded(path):
                journal._begin(identity)
            journal._closing = closing.pop_all()
        return journal

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Open the journal at `path` for reading, also while a run writes it. Raises `JournalError`."""
        if not path.is_file():
            raise JournalError(f"{path}: no journal of a batch there")
        with ExitStack() as closing, guarded(path):
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?{reading(path)}", uri=True, isolation_level=None)
            closing.callback(connection.close)
            connection.text_factory = as_text
            journal = cls(path, connection, closing)
            journal._check_version()
            journal._closing = closing.pop_all()
        return journal

    def close(self) -> None:
        """Close the database and release its lock."""
        self._closing.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do what is in the block whole or not at all."""
        with guarded(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def execute(self, query: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement; texts that may be no UTF-8 are given by `raw`."""
        with guarded(self.path):
            return self._connection.execute(query, values)

    @property
    def identity(self) -> dict[str, Any]:
        """What the batch is of."""
        return {key: json.loads(value) for key, value in self.execute("SELECT key, value FROM batch")}

    def rows(self, where: str = "1", values: Sequence[Any] = ()) -> Iterator[JournalRow]:
        """Yield the rows for which a condition holds, by number, a page at a time."""
        last = -1
        while page := self.execute(
            f"SELECT {COLUMNS} FROM item WHERE number > ? AND ({where}) ORDER BY number LIMIT {PAGE}", [last, *values]
        ).fetchall():
            for found in page:
                yield row_of(found)
            last = page[-1][0]

    def named(self, name: str) -> JournalRow | None:
        """Return the row of that name, None where there is none."""
        found = self.execute(f"SELECT {COLUMNS} FROM item WHERE name = CAST(? AS TEXT)", [raw(name)]).fetchone()
        return None if found is None else row_of(found)

    def is_taken(self, folded: str) -> bool:
        """Return whether a stem, as `naming.folded` gives it, is that of a row."""
        return self.execute("SELECT 1 FROM item WHERE folded = CAST(? AS TEXT)", [raw(folded)]).fetchone() is not None

    def insert(
        self, name: str, source: str, below: str, id: str, options: Mapping[str, Any], size: int, changed: int, run: int
    ) -> int:
        """Add a row that is to be done, still without a stem, and return its number."""
        cursor = self.execute(
            "INSERT INTO item (name, source, below, id, options, size, changed, state, run) VALUES (CAST(? AS TEXT), "
            "CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, 'pending', ?)",
            [raw(name), raw(source), raw(below), raw(id), json.dumps(options), size, changed, run],
        )
        return int(cursor.lastrowid or 0)

    def renew(
        self, number: int, source: str, options: Mapping[str, Any], size: int, changed: int, state: str, run: int
    ) -> None:
        """Give a row to a run, with what its file and options are now."""
        self.execute(
            "UPDATE item SET source = CAST(? AS TEXT), options = ?, size = ?, changed = ?, state = ?, run = ? "
            "WHERE number = ?",
            [raw(source), json.dumps(options), size, changed, state, run, number],
        )

    def name(self, number: int, stem: str, folded: str) -> None:
        """Give a row the stem of its results; `folded` is what no two rows may have in common."""
        self.execute(
            "UPDATE item SET stem = CAST(? AS TEXT), folded = CAST(? AS TEXT) WHERE number = ?",
            [raw(stem), raw(folded), number],
        )

    def begin_run(self) -> int:
        """Note that a run begins, and return its number."""
        return int(self.execute("INSERT INTO run (began) VALUES (?)", [time.time()]).lastrowid or 0)

    def end_run(self, run: int, files: int, seconds: float) -> None:
        """Note that a run has ended, how many files it was through with, and how many seconds of sound they had."""
        self.execute(
            "UPDATE run SET ended = ?, files = ?, seconds = ? WHERE number = ?", [time.time(), files, seconds, run]
        )

    def record(self, result: ItemResult) -> None:
        """Note what became of an item. It is on the disk when this returns.

        Raises `JournalError` also where the file was removed: SQLite would write on into what no name leads to.
        """
        if not self.path.exists():
            raise JournalError(f"{self.path}: the journal was removed while the run went on; type the same line again")
        self.execute(
            "UPDATE item SET state = ?, cause = ?, message = ?, seconds = ?, language = ?, warnings = ?, "
            "digest = CASE WHEN ? = '' THEN digest ELSE ? END, ended = ? WHERE number = ?",
            [
                "failed" if result.failed else "done",
                result.cause,
                escaped(result.message),
                result.seconds,
                result.language,
                json.dumps(result.warnings),
                result.digest,
                result.digest,
                time.time(),
                result.number,
            ],
        )

    def _begin(self, identity: Mapping[str, Any]) -> None:
        fresh = not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if fresh:
            with self.transaction():
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")
                self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
                self._identify(identity)
            return
        self._check_version()
        if not self._connection.execute("SELECT count(*) FROM item").fetchone()[0]:
            with self.transaction():  # it found no files: nothing is lost where the next run asks for something else
                self._identify(identity)
        if differing := list(_differences(self.identity, identity)):
            raise JournalMismatch(str(self.path.parent), differing)

    def _identify(self, identity: Mapping[str, Any]) -> None:
        self._connection.execute("DELETE FROM batch")
        pairs = [(key, json.dumps(value)) for key, value in identity.items()]
        self._connection.executemany("INSERT INTO batch VALUES (?, ?)", pairs)

    def _check_version(self) -> None:
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise JournalError(f"{self.path}: expected the journal of a batch, found another database; move it away")
        if version != VERSION:
            raise JournalMismatch(str(self.path.parent), [f"its journal has version {version}, this malsori {VERSION}"])


def _differences(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each part of an identity that is another one: of the options, for each option."""
    asked = json.loads(json.dumps(asked))
    for key in [*kept, *(key for key in asked if key not in kept)]:
        before, now = kept.get(key), asked.get(key)
        if before == now:
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now)
        else:
            yield f"{key} was {_said(before)} and is {_said(now)}"


def _said(value: Any) -> str:
    return "not given" if value is None else str(value) if isinstance(value, (str, int, float)) else json.dumps(value)
