"""The journal's database: its tables, how it is opened, and what SQLite's errors become."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from ..errors import JournalError

VERSION = 1  # raised when a reader of the old shape would misread the new one
APPLICATION = 0x6D616C73  # "mals", which file(1) and we tell the database by
SCHEMA = """
CREATE TABLE batch (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE run (
    number INTEGER PRIMARY KEY, began REAL NOT NULL, ended REAL, files INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE item (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL, below TEXT NOT NULL, id TEXT NOT NULL,
    stem TEXT, folded TEXT UNIQUE, options TEXT NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL,
    digest TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0, language TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]', ended REAL, run INTEGER NOT NULL
);
CREATE INDEX item_state ON item (run, state, number);
CREATE INDEX item_bytes ON item (size, changed, digest);
"""


def raw(text: str) -> bytes:
    """Return a text for `CAST(? AS TEXT)`, which SQLite keeps as it is, also bytes of a name that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as `JournalError`."""
    try:
        yield
    except sqlite3.Error as error:
        damaged = type(error) is sqlite3.DatabaseError  # a full or closed disk is a class below it
        way_out = "; name another one, or --start-over sets it aside and does all files anew" if damaged else ""
        raise JournalError(f"{path}: the journal cannot be used, {error}{way_out}") from error


def connected(path: Path, closing: ExitStack) -> sqlite3.Connection:
    """Return a connection for writing, closed with `closing`; a statement is on the disk when it returns."""
    with guarded(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        closing.callback(connection.close)
        connection.text_factory = as_text
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def reading(path: Path) -> str:
    """Return how a reader opens the database: it makes a file beside it for those who write, which may be forbidden."""
    written = os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists()
    return "mode=ro" if written else "mode=ro&immutable=1"


def refuse(path: Path) -> NoReturn:
    """Raise the error for a journal whose lock another process holds."""
    raise JournalError(
        f"{path.parent}: another run is at work there; malsori batch status {path.parent} tells how far it is"
    )


def set_aside(path: Path) -> None:
    """Rename a journal, with what SQLite keeps beside it: journal.sqlite to journal-1.sqlite."""
    number = next(count for count in range(1, 1 << 20) if not path.with_stem(f"{path.stem}-{count}").exists())
    for ending in ("", "-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            os.replace(beside, path.with_name(path.with_stem(f"{path.stem}-{number}").name + ending))


def as_text(data: bytes) -> str:
    """Return a text of the database; bytes that are no UTF-8 are kept as Python keeps them in paths."""
    return data.decode("utf-8", "surrogateescape")
