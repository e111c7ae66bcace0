"""Which settings are tried, and which of them are one and the same for some clips."""

from __future__ import annotations

from collections.abc import Sequence

from ...engines.whisper.window import Context

FLOORS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)  # seconds
MARGINS = (0.5, 1.0, 2.0, 3.0)  # seconds
FULL = Context()
GRID = tuple(Context(floor, margin) for floor in FLOORS for margin in MARGINS)


def distinct(lengths: Sequence[int]) -> dict[Context, tuple[Context, ...]]:
    """Return the settings that differ for clips of so many samples, each with all that equal it, itself among them.

    It stands for the others as the longest: of two floors below every clip nothing was seen that tells them apart.
    Those that give every clip the full window are left out.
    """
    groups: dict[tuple[int, ...], list[Context]] = {}
    for context in GRID:
        groups.setdefault(tuple(map(context.window, lengths)), []).append(context)
    groups.pop(tuple(map(FULL.window, lengths)), None)
    longest = {max(group, key=order): tuple(group) for group in groups.values()}
    return {context: longest[context] for context in sorted(longest, key=order)}


def order(context: Context) -> tuple[float, float]:
    """Return what settings are sorted by."""
    return context.floor_s, context.margin_s
