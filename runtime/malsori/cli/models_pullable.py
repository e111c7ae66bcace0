"""The list of the models that can be pulled, which `malsori models pull` prints without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .console import emit, emit_json
from .tables import size, table

if TYPE_CHECKING:
    from ..bundles.pull import Model


def list_pullable(models: tuple[Model, ...], *, as_json: bool) -> int:
    """Print the models that can be pulled, with sizes, and which are here; return 0."""
    from ..bundles.present import find_published

    here = {model.name: find_published(model.name) is not None for model in models}
    if as_json:
        emit_json([_summary(model, here=here[model.name]) for model in models])
        return 0
    rows = [("NAME", "PUBLISHED", "HERE", "LICENCE", "FROM")]
    for model in models:
        packed = size(sum(wheel.size for wheel in model.wheels))
        sources = model.repository + (f", index ({packed} packed)" if model.wheels else "")
        published = size(model.size) if model.size else "-"
        rows.append((model.short, published, "here" if here[model.name] else "", model.licence, sources))
    emit(table(rows))
    return 0


def _summary(model: Model, *, here: bool) -> dict[str, Any]:
    return {
        "name": model.name,
        "short": model.short,
        "size": model.size or None,
        "packed_size": sum(wheel.size for wheel in model.wheels) or None,
        "licence": model.licence,
        "repository": model.repository,
        "revision": model.revision,
        "packages": [wheel.requirement for wheel in model.wheels],
        "here": here,
    }
