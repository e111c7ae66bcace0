"""Which published models are on this machine already, under whichever of their names.

A model may be a published one if it has its family, sizes and vocabulary. Two models of one size are not told apart by
these: a fine-tuned base may be called base.
"""

from __future__ import annotations

from ..errors import ModelError
from .find import Found, answering
from .infer.ct2_folder import WEIGHTS, fits
from .manifest import Manifest
from .names import PublishedName, known


def find_published(name: str) -> Found | None:
    """Return the model here that a published model's name means, None where only others go by the name."""
    return next((found for found in answering(name) if may_be_published(name, found)), None)


def may_be_published(name: str, found: Found) -> bool:
    """Return whether what was found may be the published model of that name; what cannot be read may.

    A bundle under the very name of the recipe is taken at its word, and so is a plain folder of the same sizes. A
    bundle under another of its names, which `adopt` may have given to any model of these sizes, must be from there.
    """
    named = known(name)
    if named is None or (found.name == named.name and not found.plain):
        return True
    try:
        manifest = found.manifest()
    except ModelError:
        return True
    return fits(manifest, named) and (found.plain or _is_from(manifest, named))


def shortest_name(name: str, found: Found) -> str:
    """Return the shortest text that finds this very model: what people type, the recipe's name, else its path."""
    named = known(name)
    names: tuple[str, ...] = (named.short, named.name) if named else (name,)
    for text in (*names, found.name):
        first = next(answering(text), None)
        if first is not None and first.folder == found.folder:
            return text
    return str(found.folder)


def _is_from(manifest: Manifest, named: PublishedName) -> bool:
    """Return whether a bundle was made of the published model, by its source or by the sum of its weights."""
    from .pull.published import PUBLISHED

    weights = manifest.files.get(WEIGHTS)
    sums = {file.sha256 for model in PUBLISHED if model.name == named.name for file in model.files}
    return known(manifest.source) is named or (weights is not None and weights.sha256 in sums)
