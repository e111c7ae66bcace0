"""Manifests as files, JSON Lines or a table with a header, to records: fields by name. Untrusted: limits everywhere."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, NoReturn

from ..audio.source import name_of, open_regular
from ..errors import OptionError
from .listed import LONGEST_LINE

LINES = frozenset({".jsonl", ".ndjson", ".json"})  # NeMo's manifests are called .json
TABLES = frozenset({".csv", ".tsv"})
MANIFESTS = LINES | TABLES
MOST_LINES = 1000  # of one row, within quotes
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """A row of a manifest as it stands there: the line on which it begins, its fields; or what is wrong with it."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""


def records(path: str, known: frozenset[str]) -> Iterator[ManifestRecord]:
    """Yield the rows of a manifest, whose names of columns are folded; a table must have one of the `known` columns.

    Raises:
        AudioNotFound: it is no regular file that can be read.
        OptionError: it is no such table, or cannot be read on.
    """
    ending = os.path.splitext(path)[1].lower()
    with ExitStack() as stack:
        file = open_regular(path, name_of(path), stack)
        try:
            yield from _of_lines(file, path) if ending in LINES else _of_table(file, path, known)
        except OSError as error:
            raise OptionError(f"{name_of(path)}: cannot be read on, {error.strerror or error}") from error


def _of_lines(file: BinaryIO, path: str) -> Iterator[ManifestRecord]:
    first = True
    for line, content in _lines(file):
        record = _record(line, content)
        if record is None:
            continue
        if first and record.wrong and path.lower().endswith(".json"):
            raise OptionError(f"{name_of(path)}, line {line}: {record.wrong}; a manifest has an object on each line")
        first = False
        yield record


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number; None in place of one that is too long."""
    line = 0
    while content := file.readline(LONGEST_LINE + 1):
        line += 1
        if len(content) > LONGEST_LINE:
            while not content.endswith(b"\n") and (content := file.readline(LONGEST_LINE)):
                pass
            yield line, None
        else:
            yield line, content.removeprefix(b"\xef\xbb\xbf") if line == 1 else content


def _record(line: int, content: bytes | None) -> ManifestRecord | None:
    """Return the record of a line; None for an empty one."""
    if content is None:
        return ManifestRecord(line, wrong=f"expected at most {LONGEST_LINE >> 20} MiB, found more")
    if not content.strip():
        return None
    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite
        )
        _check_text(value)
    except UnicodeDecodeError:
        return ManifestRecord(line, wrong="expected UTF-8, found something else")
    except (ValueError, RecursionError) as error:  # too deep; a number of too many digits
        reason = "what is nested too deep" if isinstance(error, RecursionError) else str(error)
        return ManifestRecord(line, wrong=f"expected a JSON object, found {reason[:200]}")
    if not isinstance(value, dict):
        return ManifestRecord(line, wrong=f"expected a JSON object, found {type(value).__name__}")
    try:
        return ManifestRecord(line, _object([(str(name).strip().casefold(), each) for name, each in value.items()]))
    except ValueError as error:
        return ManifestRecord(line, wrong=f"expected a JSON object, found {error}")


def _check_text(value: Any) -> None:
    """Raise `ValueError` where a text has half a character; bytes of a file's name as `--json` writes them are none."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ValueError(f"half a character, {error.object[error.start]!a}") from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} twice")
    return values


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"a number that is too large: {text[:40]}")
    return value


def _of_table(file: BinaryIO, path: str, known: frozenset[str]) -> Iterator[ManifestRecord]:
    rows = _TableRows(file, name_of(path))
    names = rows.header(known)
    for line, fields, wrong in rows:
        if not wrong and not any(map(str.strip, fields)):
            continue  # an empty line, or one of a spreadsheet, which has its delimiters
        if wrong or len(fields) == len(names):
            yield ManifestRecord(line, dict(zip(names, fields, strict=False)), wrong)
        else:
            wrong = f"expected {len(names)} fields as in the header, found {len(fields)}"
            yield ManifestRecord(line, wrong=wrong)


class _TableRows:
    """The rows of a table: the line on which each begins, its fields, and what is wrong with it.

    With tabs between fields a quote is a character as any other, as in Common Voice, whose sentences begin with some;
    only a field that is quoted as a whole loses them.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._line = self._begun = 0  # lines read; that on which the present row began
        self._bytes = 0  # of the present row
        self._delimiter = ","

    def header(self, known: frozenset[str]) -> list[str]:
        """Return the folded names of the columns; the delimiter is what parts them, so that a known one is found."""
        text = next((text for text in self._texts() if text.strip()), "")
        columns = {each: self._names(text, each) for each in _DELIMITERS}
        usable = [each for each in _DELIMITERS if known & {*columns[each]}]
        self._delimiter = max(usable or _DELIMITERS, key=lambda each: len(columns[each]))
        names = columns[self._delimiter]
        if not usable:
            raise OptionError(
                f"{self._name}: expected a header with a column {' or '.join(sorted(known))}, "
                f"found {', '.join(map(repr, names[:20])) or 'an empty file'}"
            )
        if twice := {name for name in names if names.count(name) > 1}:
            raise OptionError(f"{self._name}: expected each column once, found {min(twice)!r} twice")
        return names

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        tabs = self._delimiter == "\t"
        quoting: Literal[0, 3] = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
        reader = csv.reader(self._texts(), delimiter=self._delimiter, quoting=quoting, strict=True)
        while True:
            self._bytes, self._begun = 0, self._line + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if self._line > self._begun or "unexpected end of data" in str(error):  # rows were swallowed
                    raise self._endless() from error
                yield self._begun, [], f"expected fields with {self._delimiter!r} between, found: {error}"
                continue
            yield self._begun, list(map(_unquoted, fields)) if tabs else fields, ""

    def _texts(self) -> Iterator[str]:
        while content := self._file.readline(LONGEST_LINE + 1):
            self._line += 1
            self._bytes += len(content)
            if self._bytes > LONGEST_LINE or self._line - self._begun > MOST_LINES:
                raise self._endless()
            if self._line == 1 and content.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise OptionError(f"{self._name}: expected UTF-8 text, found UTF-16; save it as CSV UTF-8")
            try:
                yield content.decode("utf-8-sig" if self._line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise OptionError(f"{self._name}, line {self._line}: expected UTF-8, found something else") from error

    def _endless(self) -> OptionError:
        begun = self._begun or 1
        return OptionError(
            f"{self._name}, line {begun}: expected a row of at most {LONGEST_LINE >> 20} MiB and {MOST_LINES} "
            f"lines, found one that goes on to line {self._line}; is a quote in line {begun} not closed?"
        )

    @staticmethod
    def _names(text: str, delimiter: str) -> list[str]:
        try:
            fields = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
        except csv.Error:
            return []
        return [name.strip().casefold() for name in fields]


def _unquoted(field: str) -> str:
    inner = field[1:-1]
    whole = len(field) > 1 and field[0] == field[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if whole else field
