"""A training manifest: which recording says what. TSV, CSV or JSON lines, told by the file's suffix.

The columns are `audio` and `text` unless others are named; a path that is not absolute starts at the manifest's folder.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export.common import ExportRefused
from export.training.settings import Settings


@dataclass(frozen=True, slots=True)
class Row:
    """One recording and its text as the manifest has it; `line` counts from 1."""

    line: int
    audio: Path
    text: str


def read_sides(
    settings: Settings, kind: Callable[[Row], str], few: str, clean: Callable[[str], str] = str
) -> tuple[list[Row], list[Row]]:
    """Return the rows to train on and those held out, each with its clean text.

    Without a manifest of its own the held-out part is a share of the kinds of rows that are not empty, so that no kind
    is on both sides. Raises `ExportRefused` for what a manifest cannot mean, and where there are too `few`.
    """

    def read(path: Path) -> list[Row]:
        return [replace(row, text=clean(row.text)) for row in read_rows(path, data.audio_column, data.text_column)]

    data = settings.data
    rows = read(data.manifest)
    if data.held_out:
        return rows, read(data.held_out)
    kinds = sorted({kind(row) for row in rows} - {""})
    random.Random(settings.training.seed).shuffle(kinds)
    kept = set(kinds[: max(1, round(data.held_out_share * len(kinds)))])
    training = [row for row in rows if kind(row) not in kept]
    if not training:
        raise ExportRefused(f"{data.manifest}: {few} to hold some out; give --held-out MANIFEST")
    return training, [row for row in rows if kind(row) in kept]


def read_rows(path: Path, audio_column: str = "audio", text_column: str | None = "text") -> list[Row]:
    """Return all rows, with empty texts when no column of texts is asked for.

    Raises `ExportRefused`, naming the line, for what cannot be meant that way.
    """
    rows = [_row(path, *record, audio_column, text_column) for record in _records(path)]
    if not rows:
        raise ExportRefused(
            f"{path}: holds no rows; a first line of column names and one line per recording are needed"
        )
    if missing := [row for row in rows if not row.audio.is_file()]:
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise ExportRefused(
            f"{path} line {missing[0].line}: {missing[0].audio}: no such file{others}; "
            f"a path that is not absolute starts at {path.parent}"
        )
    return rows


def _row(path: Path, line: int, record: dict[Any, Any], audio_column: str, text_column: str | None) -> Row:
    for column, flag in ((audio_column, "--audio-column"), (text_column, "--text-column")):
        if column is None:
            continue
        if column not in record:
            there = ", ".join(str(name) for name in record if name is not None)
            raise ExportRefused(f"{path} line {line}: no column {column!r} (it has {there}); {flag} NAME says which")
        if not isinstance(record[column], str):
            found = "nothing" if record[column] is None else f"{record[column]!r}"
            raise ExportRefused(f"{path} line {line}: expected words in the column {column!r}, found {found}")
    if None in record:  # where the csv module puts what no column name stands over
        raise ExportRefused(
            f"{path} line {line}: more fields than columns; a tab or comma in a text must be quoted (CSV)"
        )
    if not record[audio_column]:
        raise ExportRefused(f"{path} line {line}: the column {audio_column!r} is empty; expected a path")
    return Row(line, path.parent / record[audio_column], record[text_column] if text_column else "")


def _records(path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
    text = _text(path)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        yield from _json_lines(path, text)
    elif suffix in (".tsv", ".csv"):
        # Quotes in a TSV are quotes: what Common Voice and espeak-ng lists write.
        shape = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if suffix == ".tsv" else {"strict": True}
        reader = csv.DictReader(io.StringIO(text, newline=""), **shape)
        try:
            for record in reader:
                yield reader.line_num, record
        except csv.Error as error:
            raise ExportRefused(f"{path} after line {reader.line_num}: not a {suffix[1:].upper()} ({error})") from error
    else:
        raise ExportRefused(f"{path}: expected a manifest that ends in .tsv, .csv or .jsonl, found {suffix or 'none'}")


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ExportRefused(f"{path} line {number}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise ExportRefused(f"{path} line {number}: expected an object, found {line.strip()[:40]}")
        yield number, record


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ExportRefused(f"{path}: the manifest cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ExportRefused(
            f"{path}: expected UTF-8, found byte {error.start} that is not; iconv converts it"
        ) from error
