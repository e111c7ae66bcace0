"""Errors of engine calls: only the item that fails gets one, and other libraries' errors become `EngineError`."""

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
    faults: type[MalsoriError] = EngineError,
) -> list[Result | MalsoriError]:
    """Return what `work` gives for each item, in order, or the error of those that fail when they are done alone.

    All are done together first, and one by one only where that raises one of the `faults`.
    """
    try:
        return list(work(items))
    except faults as error:
        if len(items) == 1:
            return [error]
    return [result for item in items for result in isolate_failures(work, [item], faults)]


def as_engine_error(work: Callable[[], Result], engine: Engine) -> Result:
    """Return what the work gives. Raises `EngineError` in place of whatever is not an error of ours."""
    try:
        return work()
    except MalsoriError:
        raise
    except Exception as error:
        name = engine.manifest.name
        raise EngineError(f"{name} failed: {type(error).__name__}: {brief(error)}") from error
