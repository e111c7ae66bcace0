"""Words back to the text that they stand in: the one rule for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class SpacedText(Protocol):
    """A text that knows whether a space stands before it, such as a `Word`."""

    @property
    def text(self) -> str:
        """The text."""
        ...

    @property
    def spaced(self) -> bool:
        """Whether a space stands before it."""
        ...


def written(words: Iterable[SpacedText]) -> str:
    """Return the text that the words stand in: of all words of a segment, the segment's own."""
    return "".join(" " * word.spaced + word.text for word in words).removeprefix(" ")
