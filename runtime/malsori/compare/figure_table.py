"""The figures of a comparison as a table's cells, for the command and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..pipeline.trials.verdict import Errors
from .comparison import ModelComparison, ModelOutcome
from .conclusions import percent, speed, understanding
from .scoring import ModelFigures, TextErrors


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, and whether it is the best of its column."""

    text: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    shown: Callable[[ModelOutcome, ModelFigures], str]
    value: Callable[[ModelOutcome, ModelFigures], float | None] = lambda model, figures: None  # less is better


def head_of(comparison: ModelComparison) -> list[str]:
    """Return the titles of the columns, that of the models first."""
    return ["model", *(column.title for column in _columns(comparison))]


def columns_of(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> dict[str, list[Cell]]:
    """Return the cells of each model that has figures, by its label."""
    cells: dict[str, list[Cell]] = {model.label: [] for model in comparison.ready}
    serving = understanding(comparison, figures)
    for column in _columns(comparison):
        values = {model.label: column.value(model, figures[model.label]) for model in serving}
        known = [value for value in values.values() if value is not None]
        least = min(known) if len(set(known)) > 1 else None
        for model in comparison.ready:
            best = least is not None and values.get(model.label) == least
            cells[model.label].append(Cell(column.shown(model, figures[model.label]), best))
    return cells


def _columns(comparison: ModelComparison) -> list[_Column]:
    return [
        *_errors(comparison),
        _Column("speed", lambda m, f: speed(f), lambda m, f: f.rtf),
        _Column("real-time factor", lambda m, f: f"{f.rtf:.3f}"),
        _Column(
            "latency", lambda m, f: "-" if m.latency_s is None else f"{m.latency_s:.2f} s", lambda m, f: m.latency_s
        ),
        _Column("to load", lambda m, f: f"{m.load_s:.1f} s", lambda m, f: m.load_s),
        _Column("memory", lambda m, f: "-" if m.peak is None else f"{m.peak / 1e6:.0f} MB", lambda m, f: m.peak),
        _Column("size", lambda m, f: f"{m.size / 1e6:.1f} MB", lambda m, f: m.size),
        _Column("computes in", lambda m, f: f"{m.compute_type or m.stored}, {m.device or 'cpu'}"),
    ]


def _errors(comparison: ModelComparison) -> list[_Column]:
    """Return the columns of errors, those that count most first; none where there is one model and no transcript."""
    if not comparison.scored and len(comparison.ready) < 2:
        return []
    against = "" if comparison.scored else f" against {comparison.baseline.label}" if comparison.baseline else ""

    def column(title: str, pick: Callable[[TextErrors], Errors]) -> _Column:
        def errors(figures: ModelFigures) -> Errors | None:
            told = figures.said if comparison.scored else figures.differing
            return None if told is None else pick(told)

        return _Column(
            title + against,
            lambda m, f: percent(own.rate) if (own := errors(f)) else "-",
            lambda m, f: own.rate if comparison.scored and (own := errors(f)) else None,
        )

    words, characters = column("WER", lambda each: each.words), column("CER", lambda each: each.characters)
    if not comparison.characters:
        return [words, characters]
    return [
        column("CER", lambda each: each.unspaced),
        column("CER with spaces", lambda each: each.characters),
        words,
    ]
