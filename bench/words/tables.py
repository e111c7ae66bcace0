"""The result of `stock.py` as tables: stock base in brief, its targets, and everybody's figures set by set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bench.results import table_line
from bench.words.figures import JUDGED, SPARING, WHOLE
from bench.words.systems import MODES

ERRORS = ("WER", "CER", "words per minute")
COLUMNS = {  # of the full table, by metric: heading, digits
    "time": ("time, s", 1),
    "real-time factor": ("s per s", 3),
    "encoder windows": ("encoder windows", 0),
    "encoded": ("encoded, s", 0),
    "peak memory": ("MB", 0),
}
Result = Mapping[str, Any]
Figures = dict[str, dict[str, float]]
"""Of one case: metric, then who."""


def brief(result: Result, chosen: str = "") -> str:
    """Return stock base set by set: errors of ours and faster-whisper's ways, and our time against its default.

    Only cases that the pattern `chosen` matches.
    """
    names = ["malsori", *MODES]
    lines = [f"| recordings | {' | '.join(names)} | time against faster-whisper |", "|---" * (len(names) + 2) + "|"]
    for case, found in cases(result, JUDGED):
        if not re.search(chosen, label(case)):
            continue
        if (kind := errors_of(found)) and "of its clips" not in case:
            shown = [shown_as(found[kind].get(name), kind) for name in ("ours", *MODES)]
            lines.append(f"| {label(case)}, {kind} | {' | '.join(shown)} | {faster(found.get('time', {}))} |")
        elif "new process" in case:
            both = zip(found["time"].items(), found["peak memory"].values(), strict=True)
            shown = [f"{seconds:.2f} s, {peak:.0f} MB" for (_, seconds), peak in both]
            shown += [""] * (len(names) - len(shown))
            lines.append(f"| {label(case)}, time and peak memory | {' | '.join(shown)} | {faster(found['time'])} |")
    return "\n".join([*lines, "", footer(result), ""])


def targets(result: Result) -> str:
    """Return the rows that have a target, met or missed."""
    lines = ["| what | malsori | others | ratio | target |", "|---|---|---|---|---|"]
    lines += [table_line(row) for row in result["rows"] if row["target"]]
    return "\n".join([*lines, "", footer(result), ""])


def full(result: Result) -> str:
    """Return all models, sets and systems, one a line."""
    heads = ["errors", "words lost", *(heading for heading, _ in COLUMNS.values())]
    lines = [f"| recordings | heard by | {' | '.join(heads)} |", "|---" * (len(heads) + 2) + "|"]
    for case, found in cases(result):
        kind = errors_of(found)
        for who in found[kind or "time"]:
            shown = [shown_as(found[kind].get(who), kind) if kind else "", number(found.get("words lost", {}).get(who))]
            shown += [number(found.get(metric, {}).get(who), digits) for metric, (_, digits) in COLUMNS.items()]
            lines.append(f"| {case} | {'malsori' if who == 'ours' else named(who)} | {' | '.join(shown)} |")
    return "\n".join([*lines, "", footer(result), ""])


def cases(result: Result, model: str = "") -> Iterator[tuple[str, Figures]]:
    """Yield each case with everybody's figures, ours among them, in the result's order."""
    found: dict[str, Figures] = {}
    for row in result["rows"]:
        if row["case"].startswith(f"{model}, " if model else ""):
            found.setdefault(row["case"], {})[row["metric"]] = {"ours": row["ours"], **row["peers"]}
    yield from found.items()


def errors_of(found: Figures) -> str:
    """Return what a case's errors are counted in; nothing where none were."""
    return next((kind for kind in ERRORS if kind in found), "")


def label(case: str) -> str:
    """Return a case without its model."""
    return case.partition(", ")[2]


def named(who: str) -> str:
    """Return somebody's name as a reader knows it."""
    return who.replace("ours", "malsori") if who in (WHOLE, SPARING) else who


def shown_as(value: float | None, kind: str) -> str:
    """Return an error rate, or words a minute."""
    if value is None:
        return ""
    return f"{value:.1f}" if kind == "words per minute" else f"{value:.1f} %"


def number(value: float | None, digits: int = 0) -> str:
    """Return a figure, nothing for none."""
    return "" if value is None else f"{value:.{digits}f}"


def faster(times: Mapping[str, float]) -> str:
    """Return how many times as fast ours was as faster-whisper, or as the way of it that was tried."""
    for name in MODES:
        if times.get(name):
            ratio = f"{times[name] / times['ours']:.2f}x"
            return ratio if name == MODES[0] else f"{ratio} ({name.removeprefix('faster-whisper ')})"
    return ""


def footer(result: Result) -> str:
    """Return when and where it was measured."""
    machine = result["machine"]
    version = machine["versions"].get("faster-whisper", "")
    return (
        f"{result['date'][:10]}, {machine['cores']} cores of {machine['cpu']}, int8, language given, beam 5, ours "
        f"where a greedy reading is unsure; "
        f"faster-whisper {version} with the same weights, as they were published; ours rounded, as a pull leaves them."
    )
