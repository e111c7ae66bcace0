"""Draw the newest result of `programs.py` into docs/: the time of an utterance by its length, everybody's p50.

    python -m bench.whisper plot [docs/whisper-latency.png]       # needs matplotlib, of the group `export`

One panel a size; the thin line above a bar ends at the p95.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import command
from bench.places import ROOT
from bench.results import newest
from bench.whisper.clips import BUCKETS, label

WINDOWS = {"window as stock": "malsori", "window calibrated to 5 s": "malsori, calibrated"}
ORDER = (
    "malsori, calibrated",
    "malsori",
    "faster-whisper",
    "whisper.cpp, same window",
    "whisper.cpp",
    "openai-whisper",
)
COLOURS = ("#0b6e4f", "#6bbf59", "#c44536", "#5c6b9c", "#9aa5c9", "#b0a18f")
Bars = dict[str, list[tuple[float, float]]]
"""By name: p50 and p95 of each bucket, in seconds."""


def bars(rows: Sequence[dict[str, Any]], size: str) -> Bars:
    """Return the figures of one size, in the order of `BUCKETS`; a name that lacks a bucket is left out."""
    seconds: dict[tuple[str, str, str], float] = {}
    for row in rows:
        part = row["case"].split(", ")
        if len(part) == 3 and part[0] == size and part[2] in WINDOWS:
            named = {WINDOWS[part[2]]: row["ours"], **row["peers"]}
            seconds |= {(name, part[1], row["metric"]): value for name, value in named.items()}
    names = [label(bucket) for bucket in BUCKETS]
    wanted = {name: [(name, bucket, metric) for bucket in names for metric in ("p50", "p95")] for name in ORDER}
    return {
        name: [(seconds[keys[i]], seconds[keys[i + 1]]) for i in range(0, len(keys), 2)]
        for name, keys in wanted.items()
        if all(key in seconds for key in keys)
    }


def draw(result: dict[str, Any], path: Path) -> Path:
    """Write the picture; sizes that were not measured have no panel."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = {size: found for size in ("tiny", "small", "turbo") if (found := bars(result["rows"], size))}
    if not panels:
        raise SystemExit(
            "the newest bench/results/whisper-*.json has no short utterances; run bench.whisper --only short"
        )
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 3.2), squeeze=False, layout="constrained")
    for axis, (size, found) in zip(axes[0], panels.items(), strict=True):
        _panel(axis, found)
        axis.set_title(size)
    axes[0][0].set_ylabel("seconds (p50, line to p95)")
    handles = {name: handle for axis in axes[0] for handle, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    figure.savefig(path, dpi=100)
    return path


def _panel(axis: Any, found: Bars) -> None:
    """Draw bars side by side, bucket by bucket."""
    width = 0.8 / len(found)
    for index, (name, figures) in enumerate(found.items()):
        places = [bucket + (index - (len(found) - 1) / 2) * width for bucket in range(len(figures))]
        middle, slow = [p50 for p50, _ in figures], [max(p95 - p50, 0) for p50, p95 in figures]
        errors = [[0] * len(figures), slow]
        colour = COLOURS[ORDER.index(name)]
        axis.bar(places, middle, width, yerr=errors, label=name, color=colour, error_kw={"lw": 0.8})
    axis.set_xticks(range(len(BUCKETS)), [label(bucket) for bucket in BUCKETS], fontsize=8)


def main() -> None:
    """Draw the newest result."""
    parser = command.parser(__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=ROOT / "docs" / "whisper-latency.png")
    print(draw(newest("whisper"), parser.parse_args().path))
