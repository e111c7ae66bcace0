"""The stems of new rows: mirrored below each INPUT, or a manifest's ids; none replaces a result or an input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from ..output.stems import Named, replaces, safe, stems_of
from .input_row import InputRow


def stems(
    rows: Sequence[InputRow],
    taken: Callable[[str], bool] = lambda stem: False,
    *,
    place: Callable[[str, str], str] = lambda stem, format: "",
    formats: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> list[str]:
    """Return the stem of each row, which gets a file in each of `formats`, at `place(stem, format)`.

    `taken` tells of a stem that an earlier run has given away; it should compare as `output.stems.folded` does. `kept`
    are files that no result may replace besides the rows' own, as the manifests that they come from. Of two equal ids
    the second, by the order of the sources, gets a number.
    """
    hits = replaces(chain((row.source for row in rows), kept), place, formats)
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
