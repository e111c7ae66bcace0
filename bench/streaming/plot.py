"""Draw the newest result of `waits.py` into docs/: what a reader waits, what changes, and what it costs.

    python -m bench.streaming plot [docs/streaming.png]       # needs matplotlib, of the group `export`

Bars are medians; the thin line at a bar's end goes on to the 95th percentile.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import command
from bench.places import ROOT
from bench.results import by_case, newest

DELAYS = {"first": "first word shown", "word": "word as it stays", "final": "sentence settled"}
COLOURS = {"first": "#6bbf59", "word": "#0b6e4f", "final": "#5c6b9c"}
THEIRS = ("chunks of 10 s every second", "whisper_streaming's loop")


def values(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the figures of each listener by their metric, listeners in the order measured."""
    return by_case([row for row in rows if not row["case"].startswith("an hour")])


def draw(result: dict[str, Any], path: Path) -> Path:
    """Write the picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = values(result["rows"])
    names = list(found)
    places = range(len(names))
    figure, (waits, changes, costs) = pyplot.subplots(
        1, 3, figsize=(13, 0.42 * len(names) + 1.2), sharey=True, width_ratios=(2, 1, 1), layout="constrained"
    )
    for shift, (what, label) in enumerate(DELAYS.items()):
        at = [place + 0.27 * (shift - 1) for place in places]
        middle = [found[name][f"{what}, p50"] for name in names]
        beyond = [found[name][f"{what}, p95"] - half for name, half in zip(names, middle, strict=True)]
        waits.barh(at, middle, 0.25, color=COLOURS[what], label=label)
        waits.hlines(at, middle, [half + more for half, more in zip(middle, beyond, strict=True)], COLOURS[what], lw=1)
    colours = ["#c44536" if name.endswith(THEIRS) else "#0b6e4f" for name in names]
    changes.barh(places, [found[name]["flicker"] for name in names], 0.6, color=colours)
    costs.barh(places, [1000 * found[name]["processor"] for name in names], 0.6, color=colours)
    waits.set_yticks(places, names)
    waits.invert_yaxis()
    waits.set_xlabel("seconds")
    waits.legend(fontsize="small", frameon=False)
    changes.set_xlabel("shown words changed, per minute")
    costs.set_xlabel("processor, ms per second of sound")
    for axis in (waits, changes, costs):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    return path


def main() -> None:
    """Draw the newest result."""
    parser = command.parser(__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=ROOT / "docs" / "streaming.png")
    print(draw(newest("streaming"), parser.parse_args().path))
