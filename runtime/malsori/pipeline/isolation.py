"""Errors of engine calls: one for each item that fails alone, and other libraries' exceptions as `EngineError`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..engines.base import Engine
from ..errors import EngineError, MalsoriError, brief

Item = TypeVar("Item")
Result = TypeVar("Result")


def isolate_failures(
    work: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    *faults: type[MalsoriError],
) -> list[Result | MalsoriError]:
    """Return the result of `work` for each item, in order, or the error of an item that fails by itself.

    All items are done together first; where that raises an `EngineError` or one of the `faults`, one by one.
    """
    try:
        return list(work(items))
    except (EngineError, *faults) as error:  # type: ignore[misc]  # mypy: a tuple of unknown length
        if len(items) == 1:
            return [error]
    return [result for item in items for result in isolate_failures(work, [item], *faults)]


def as_engine_error(work: Callable[[], Result], engine: Engine) -> Result:
    """Return the result of `work`. Raises `EngineError` for any exception that is not a `MalsoriError`."""
    try:
        return work()
    except MalsoriError:
        raise
    except Exception as error:
        name = engine.manifest.name
        raise EngineError(f"{name} failed: {type(error).__name__}: {brief(error)}") from error
