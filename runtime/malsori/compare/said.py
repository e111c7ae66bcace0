"""What was said in recordings: FILE.txt beside each, a folder of such texts, or a table of names and texts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from ..errors import OptionError
from ..pipeline.trials.hearing import TRANSCRIPT, transcript_of

MOST_BYTES = 64 << 20  # of a table
NAMES = ("file", "name", "path", "audio", "audio_filepath", "audio_path", "id")  # of a column, or of a JSON member
TEXTS = ("text", "transcript", "sentence")
JSON_LINES = (".jsonl", ".json", ".ndjson")


@dataclass(slots=True)
class SaidTexts:
    """Texts by the names that their table gives them; `unused` are those that no recording has asked for.

    A name is a recording's path below the folder that was given, its file's name, or that without its ending.
    """

    texts: dict[str, str]
    unused: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> SaidTexts:
        """Read a folder of NAME.txt, a TSV with a name and a text a line, or JSON Lines. Raises `OptionError`."""
        if path.is_dir():
            inside = sorted(each for each in path.rglob(f"*{TRANSCRIPT}") if each.is_file())
            rows = [(each.relative_to(path).with_suffix("").as_posix(), transcript_of(each) or "") for each in inside]
        else:
            content = _content(path)
            rows = list(_of_json(path, content) if path.suffix.lower() in JSON_LINES else _of_table(path, content))
        if not rows:
            raise OptionError(f"{path}: expected what was said in recordings, found no text")
        return cls(_by_name(path, rows), {name for name, _ in rows})

    def of(self, below: str) -> str | None:
        """Return the text for a recording, by its path below the folder that was given; None where there is none."""
        for name in _names(below):
            if name in self.texts:
                self.unused.discard(name)
                return self.texts[name]
        return None


def _names(below: str) -> Iterator[str]:
    """Yield what a recording may be called, the most exact name first."""
    path = PurePath(below)
    yield from dict.fromkeys([path.as_posix(), path.with_suffix("").as_posix(), path.name, path.stem])


def _by_name(path: Path, rows: Sequence[tuple[str, str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, text in rows:
        if texts.setdefault(name, text) != text:
            raise OptionError(f"{path}: expected one text for {name!r}, found {texts[name]!r} and {text!r}")
    return texts


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = "something else" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        raise OptionError(
            f"{path}: expected a folder of NAME.txt, or a TSV or JSONL in UTF-8, found {reason}"
        ) from error


def _of_table(path: Path, content: str) -> Iterator[tuple[str, str]]:
    """Yield names and texts of a TSV: two columns, or those that a first line with known words names."""
    rows = [row for row in csv.reader(content.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE) if any(row)]
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    name_at, text_at = (next((head.index(word) for word in words if word in head), None) for words in (NAMES, TEXTS))
    known = name_at is not None and text_at is not None
    name_at, text_at = (name_at, text_at) if known else (0, 1)
    assert name_at is not None
    assert text_at is not None
    for number, row in enumerate(rows[known:], start=1 + known):
        if len(row) <= max(name_at, text_at) or (not known and len(row) != 2):
            raise OptionError(
                f"{path}: expected a name, a tab and a text in row {number}, found {'|'.join(row)[:80]!r}"
            )
        yield row[name_at].strip(), " ".join(row[text_at].split())


def _of_json(path: Path, content: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield _of_object(f"{path}, line {number}", line)


def _of_object(where: str, line: str) -> tuple[str, str]:
    expected = f"{where}: expected an object with a name ({', '.join(NAMES)}) and a text ({', '.join(TEXTS)})"
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{expected}, found no JSON") from error
    members = row if isinstance(row, dict) else {}
    name, text = (next((members[word] for word in words if word in members), None) for words in (NAMES, TEXTS))
    if not isinstance(name, str) or not isinstance(text, str):
        raise OptionError(f"{expected}, found {line[:80]!r}")
    return name, " ".join(text.split())
