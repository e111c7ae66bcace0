"""The table of sizes in docs/models.md, made of the catalogue and of what can be pulled. No tests here.

python -m tests.models_page             # rewrites the part of the page between <!-- sizes --> and <!-- end -->
"""

from __future__ import annotations

from malsori.bundles.catalog import CATALOG, CatalogModel
from malsori.bundles.choice import Recommendation
from malsori.bundles.pull import Model, pullable
from tests.marked import MarkedPage

PAGE = MarkedPage("models.md", "sizes")
HEAD = "| model | knows | parameters | pulled | disk, int8 | memory, CPU | memory, CUDA |"
COLUMNS = HEAD.count("|") - 1


def table() -> str:
    """Return the table: what the catalogue has, the most accurate first, then what else can be pulled."""
    models = {model.name: model for model in pullable()}
    rows = [_measured(known, models.pop(known.name, None)) for known in CATALOG]
    rows += [_row(model.short, "-", "-", _mb(model.size)) for model in models.values()]
    return "\n".join([HEAD, "|" + "---|" * COLUMNS, *rows]) + "\n"


def _measured(known: CatalogModel, model: Model | None) -> str:
    cpu, cuda = (Recommendation(known, device) for device in ("cpu", "cuda"))
    most = "at most " * cuda.upper_bound
    return _row(
        model.short if model else known.name,
        known.languages[0] if len(known.languages) == 1 else f"{len(known.languages)} languages",
        f"{known.parameters} M",
        _mb(model.size) if model else "-",
        _told(cpu.bundle),
        _told(cpu.memory),
        most + _told(cuda.memory),
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join([*cells, *["-"] * (COLUMNS - len(cells))]) + " |"


def _mb(count: int) -> str:
    return _told(round(count / 1e6) or None)


def _told(megabytes: int | None) -> str:
    return f"{megabytes} MB" if megabytes else "-"


if __name__ == "__main__":
    PAGE.rewrite(table())
