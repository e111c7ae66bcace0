"""The stems of new rows: mirrored below each INPUT, or a manifest's ids; none replaces a result or an input."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import chain

from ..output.stems import Named, replaces, safe, stems_of
from ..urls import is_url
from .input_row import InputRow


def stems(
    rows: Sequence[InputRow],
    taken: Callable[[str], bool] = lambda stem: False,
    *,
    output: str = "",
    formats: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> list[str]:
    """Return the stem of each row, below `output` (a folder or its URL), where it gets a file in each of `formats`.

    `taken` tells of a stem that an earlier run has given away; it should compare as `output.stems.folded` does. `kept`
    are files that no result may replace besides the rows' own, as the manifests that they come from. Of two equal ids
    the second, by the order of the sources, gets a number.
    """
    place = _at_url if is_url(output) else _in_folder
    hits = replaces(
        chain((row.source for row in rows), kept), lambda stem, format: place(output, stem, format), formats
    )
    return stems_of([_named(row) for row in rows], hits, taken)


def path_of_id(id: str) -> str:
    """Return the path that an id names below the output folder, "" where nothing is left of it.

    Parts that lead elsewhere are left out or altered: `../a//b` and `/a/b` are `a/b`, `.a` is `_a`.
    """
    parts = [part.strip() for part in id.replace("\\", "_").split("/")]
    return "/".join(safe(f"_{part[1:]}" if part.startswith(".") else part) for part in parts if part not in _NOWHERE)


_NOWHERE = ("", ".", "..")


def _named(row: InputRow) -> Named:
    if row.id and (path := path_of_id(row.id)):
        return Named(row.source, path, given=True)
    return Named(row.source, row.below)


def _in_folder(output: str, stem: str, format: str) -> str:
    return os.path.join(output, f"{stem}.{format}")


def _at_url(output: str, stem: str, format: str) -> str:
    return f"{output.rstrip('/')}/{stem}.{format}"
