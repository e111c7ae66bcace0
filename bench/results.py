"""One shape for every measurement: rows of figures, the machine they were taken on, one JSON file a run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from bench.places import ROOT

RESULTS = ROOT / "bench" / "results"
LIBRARIES = ("numpy", "onnxruntime", "ctranslate2", "faster-whisper", "soundfile", "soxr", "av")
PEERS = ("onnxruntime-gpu", "torch", "transformers")  # named where they are installed


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: `ours` and the `peers`' medians in `unit`; `ratio` above 1 means that ours is better."""

    case: str
    metric: str
    unit: str
    ours: float
    peers: dict[str, float] = field(default_factory=dict)
    ratio: dict[str, float] = field(default_factory=dict)
    target: str = ""
    runs: int = 1
    spread: tuple[float, float] = (0.0, 0.0)


def alternate(works: dict[str, Callable[[], float]], runs: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Run all `works` in turn, `runs` times over after `warm_up` rounds; return each one's figures.

    In turn, because a shared machine drifts: what is compared must have run side by side.
    """
    figures: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(warm_up + runs):
        for name, work in works.items():
            figure = work()
            if turn >= warm_up:
                figures[name].append(figure)
    return figures


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(
    case: str, metric: str, unit: str, figures: dict[str, list[float]], *, target: str = "", digits: int = 3
) -> Row:
    """Make a row of figures of which less is better; the key `ours` is ours."""
    ours = figures["ours"]
    peers = {name: median(values) for name, values in figures.items() if name != "ours"}
    return Row(
        case,
        metric,
        unit,
        round(median(ours), digits),
        {name: round(value, digits) for name, value in peers.items()},
        {
            name: round(median(theirs / mine for theirs, mine in zip(figures[name], ours, strict=True)), 2)
            for name in peers
        },
        target,
        len(ours),
        (round(min(ours), digits), round(max(ours), digits)),
    )


def tell(rows: Sequence[Row]) -> None:
    """Say on stderr what was found."""
    for each in rows:
        line = f"  {each.case}, {each.metric}: {each.ours:g} {each.unit}, {each.peers}, {each.ratio}, {each.target}"
        print(line, file=sys.stderr, flush=True)


def write(bench: str, rows: Sequence[Row]) -> Path:
    """Write `results/<bench>-<host kind>-<date>.json` and return its path."""
    now = datetime.now(timezone.utc)
    kind = f"{platform.machine()}-{len(os.sched_getaffinity(0))}cores"
    path = RESULTS / f"{bench}-{kind}-{now.date().isoformat()}.json"
    result = {
        "bench": bench,
        "date": now.isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": machine(),
        "rows": [asdict(each) for each in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def newest(bench: str) -> dict[str, Any]:
    """Return the newest result of a bench. Raises `SystemExit` when it was never run."""
    files = RESULTS.glob(f"{bench}-*.json")
    results = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    if not results:
        raise SystemExit(f"bench/results has no {bench}-*.json; docs/measured.md says by which command it is made")
    return max(results, key=lambda result: result["date"])


def others(bench: str, found: Sequence[Row]) -> list[Row]:
    """Return the rows of a bench's newest result that `found` does not replace; none where it was never run."""
    if not [*RESULTS.glob(f"{bench}-*.json")]:
        return []
    taken = {(each.case, each.metric) for each in found}
    rows = [Row(**fields) for fields in newest(bench)["rows"]]
    return [each for each in rows if (each.case, each.metric) not in taken]


def by_case(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return our figures of a result, by case and then by metric, in the result's order."""
    found: dict[str, dict[str, float]] = {}
    for each in rows:
        found.setdefault(each["case"], {})[each["metric"]] = each["ours"]
    return found


def table_line(found: Mapping[str, Any]) -> str:
    """Return a row of a result as a line of a table: what, ours, others, ratios, target."""
    unit = found["unit"]
    peers = ", ".join(f"{name} {value:g} {unit}" for name, value in found["peers"].items())
    ratios = ", ".join(f"{ratio:.2f}x" for ratio in found["ratio"].values())
    return f"| {found['case']}, {found['metric']} | {found['ours']:g} {unit} | {peers} | {ratios} | {found['target']} |"


def machine() -> dict[str, Any]:
    """Return what a reader must know of this machine to weigh its figures."""
    facts = _proc_cpuinfo()
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm")
    return {
        "cpu": facts.get("model name", platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "isa": [flag for flag in wanted if flag in facts.get("flags", facts.get("Features", "")).split()],
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "gpu": _gpu(),
        "versions": {"python": platform.python_version()} | _versions(),
    }


def _proc_cpuinfo() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines) if value}


def _gpu() -> str | None:
    """Return the models of the NVIDIA GPUs that the driver knows, None without any."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return ", ".join(line.partition(":")[2].strip() for line in lines if line.startswith("Model:")) or None


def _versions() -> dict[str, str]:
    found = {name: _version(name) for name in (*LIBRARIES, *PEERS)}
    return {name: version for name, version in found.items() if name in LIBRARIES or version != "absent"}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
