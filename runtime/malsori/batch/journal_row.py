"""A row of a batch's journal: an item, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .batch_items import BatchItem, with_source


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An item as the journal has it; `name` tells it from all others, `changed` is the file's time in nanoseconds.

    `state` is pending, done or failed; `stem` is "" until the item has got one, `run` the number of the last run that
    was given it.
    """

    number: int
    name: str
    source: str
    below: str
    id: str
    stem: str
    options: Mapping[str, Any]
    size: int
    changed: int
    digest: str
    state: str
    cause: str
    message: str
    seconds: float
    language: str
    warnings: Sequence[str]
    ended: float | None
    run: int

    @property
    def item(self) -> BatchItem:
        """The item for a worker."""
        return BatchItem(self.number, self.source, self.stem, self.size, self.options)

    @property
    def told(self) -> str:
        """Why it has failed, with the recording that is meant."""
        return with_source(self.message, escaped(self.source))


def escaped(text: str) -> str:
    """Return a text in which bytes that are no UTF-8 are written out, such as `udcff` behind a backslash."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


COLUMNS = ", ".join(JournalRow.__dataclass_fields__)


def row_of(found: Sequence[Any]) -> JournalRow:
    """Return the row of what a query for `COLUMNS` has found."""
    values: dict[str, Any] = dict(zip(JournalRow.__dataclass_fields__, found, strict=True))
    values["stem"] = values["stem"] or ""
    values["options"], values["warnings"] = json.loads(values["options"]), tuple(json.loads(values["warnings"]))
    return JournalRow(**values)
