"""Which published models are on this machine already, under whichever of their names."""

from __future__ import annotations

from ..errors import ModelError
from .find import Found, answering
from .identity import may_be
from .names import known


def present(name: str) -> Found | None:
    """Return the model here that a published model's name means, None where only others go by the name."""
    return next((found for found in answering(name) if is_it(name, found)), None)


def is_it(name: str, found: Found) -> bool:
    """Whether what was found may be the published model of that name; what cannot be read may.

    A bundle under the very name of the recipe is taken at its word.
    """
    named = known(name)
    if named is None or (found.name == named.name and not found.plain):
        return True
    try:
        return may_be(found.manifest(), named)
    except ModelError:
        return True


def called(name: str, found: Found) -> str:
    """Return the shortest text that finds this very model: what people type, the recipe's name, else its path."""
    named = known(name)
    names: tuple[str, ...] = (named.short, named.name) if named else (name,)
    for text in (*names, found.name):
        first = next(answering(text), None)
        if first is not None and first.folder == found.folder:
            return text
    return str(found.folder)
