"""Who is at fault when several things share a call that fails: the bad one pays, the others get what is theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import EngineError, MalsoriError

Item = TypeVar("Item")
Result = TypeVar("Result")


def blamed(
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
    return [result for item in items for result in blamed(work, [item], faults)]
