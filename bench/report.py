"""Fill the tables of README.md and docs/measured.md from the newest results and from the bundles' manifests.

python -m bench.report              # rewrites the parts of both between <!-- table:NAME --> and <!-- end -->
python -m bench.report --check      # changes nothing; fails when they do not say what the results say
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from bench.command import parser
from bench.places import MODELS, ROOT
from bench.results import by_case, newest, table_line
from bench.words import tables

BRIEF = r"^(en, 20|telephone, en|long|address|no speech, recorded|first words)"  # the cases of README's table
SERVICE_TARGETS = (  # the cases of `bench.service` that a target is for
    r"^(a clip of 3 s, added to the call|clips of 3 s.*requests per second|tiny.en, 4 live clients, end of speech"
    r"|a clip of 3 s, while|a WebSocket that|an HTTP connection|a Wyoming connection)"
)
PAGES = (ROOT / "README.md", ROOT / "docs" / "measured.md")
MARKED = re.compile(r"(<!-- table:(?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
WINDOWS = {"window_auto": "window of the clip + 2 s, at least 5 s", "window_30s": "window of 30 s"}


def figures(bench: str, cases: str = "") -> str:
    """Return a bench's rows as a table, with the date and the machine below; only those whose case and metric match."""
    result = newest(bench)
    lines = ["| what | malsori | peer | ratio | target |", "|---|---|---|---|---|"]
    lines += [table_line(row) for row in result["rows"] if re.search(cases, f"{row['case']}, {row['metric']}")]
    machine = result["machine"]
    return "\n".join(
        [
            *lines,
            "",
            f"{result['date'][:10]}, {machine['cores']} cores of {machine['cpu']}, "
            "medians; a ratio is the median of the runs' own ratios, above 1 is better.",
            "",
        ]
    )


def filling() -> str:
    """Return the rules of `bench/filling.py` as a table, a line each."""
    result = newest("filling")
    columns = ("WER", "words left out", "windows", "read again")
    cases = by_case(result["rows"])
    lines = [f"| what | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {case} | {' | '.join(f'{found[name]:g}' for name in columns)} |" for case, found in cases.items()]
    return "\n".join([*lines, "", f"{result['date'][:10]}, WER in %, the rest counted.", ""])


def words() -> str:
    """Return the error rates that the shipped bundles carry in their manifests."""
    lines = ["| bundle | size | heard as | WER | CER | exact sentences |", "|---|---|---|---|---|---|"]
    notes = []
    for name in ("nano-ctc-ko", "nano-whisper"):
        manifest = json.loads((MODELS / name / "manifest.json").read_text(encoding="utf-8"))
        tested = manifest["measured"]["held_out"]
        size = sum(entry["size"] for entry in manifest["files"].values()) / 1e6
        for label, rates in rows_of(tested):
            shown = [f"{100 * rates[key]:.1f} %" for key in ("wer", "cer", "exact")]
            lines.append(f"| {name} | {size:.1f} MB | {label} | {' | '.join(shown)} |")
        languages = [
            f"; language right for {100 * tested[key]['language_right']:.1f} % ({window})"
            for key, window in WINDOWS.items()
            if key in tested
        ]
        notes.append(f"{name}: {tested['clips']} clips, {tested['date']}, {tested['speech']}{''.join(languages)}.")
    return "\n".join([*lines, "", "<br>".join(notes), ""])


def rows_of(tested: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    """Return the labelled rates of one manifest's `held_out` group."""
    graphs = {"int8": "Korean", "float": "(Korean, its graph before quantization)"}
    rows = [(label, tested[key]) for key, label in graphs.items() if key in tested]
    tasks = {"ko": "Korean", "en": "English", "ko_to_en": "Korean to English"}
    for key, window in WINDOWS.items():
        if key in tested:
            rows += [(f"{task}, {window}", tested[key][part]) for part, task in tasks.items()]
    return rows


COLUMNS = {  # of the table of listeners: metric, heading, digits
    "first, p50": ("first word shown", 2),
    "word, p50": ("word as it stays", 2),
    "word, p95": ("p95", 2),
    "final, p50": ("sentence settled", 2),
    "final, p95": ("p95", 2),
    "words right": ("words right", 0),
    "flicker": ("changed words/min", 0),
    "processor": ("processor, s/s", 3),
}


def listeners() -> str:
    """Return the ways to listen of `python -m bench.streaming` side by side, ours and others', one a line."""
    result = newest("streaming")
    found = by_case(result["rows"])
    hours = {case: values["memory, growth"] for case, values in found.items() if "memory, growth" in values}
    heads = [heading for heading, _ in COLUMNS.values()]
    lines = [f"| listener | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for case, values in found.items():
        if case not in hours:
            shown = [f"{values[metric]:.{digits}f}" for metric, (_, digits) in COLUMNS.items()]
            lines.append(f"| {case} | {' | '.join(shown)} |")
    machine = result["machine"]
    grown = ", ".join(f"{case.rpartition(', ')[2]} {value:g}" for case, value in hours.items())
    return "\n".join(
        [
            *lines,
            "",
            f"{result['date'][:10]}, {machine['cores']} cores of {machine['cpu']}; seconds, medians unless said "
            f"otherwise. Memory over an hour of speech, MB per hour: {grown} (target: below 1).",
            "",
        ]
    )


LIVE_WORDS = {"WER of finals": "WER of finals, %", "windows encoded": "windows a minute"}
LIVE_DELAYS = {
    "final behind the end, p50": "final behind the end, p50, s",
    "final behind the end, p95": "p95, s",
    "final behind the pause, p95": "behind the pause, p95, s",
    "recordings with dropped partials": "partials dropped in",
    "flicker": "changed words/min",
    "processor": "processor, s/s",
}


def live(columns: dict[str, str], needed: str) -> str:
    """Return the cases of `bench.streaming live_words` with the metric `needed`, one a line, files' figures beside."""
    result = newest("live_words")
    found: dict[str, dict[str, str]] = {}
    for row in result["rows"]:
        peers = "".join(f" ({name} {value:g})" for name, value in row["peers"].items())
        found.setdefault(row["case"], {})[row["metric"]] = f"{row['ours']:g}{peers}"
    lines = [f"| | {' | '.join(columns.values())} |", "|---" * (len(columns) + 1) + "|"]
    for case, values in found.items():
        if needed in values:
            lines.append(f"| {case} | {' | '.join(values.get(metric, '') for metric in columns)} |")
    machine = result["machine"]
    return "\n".join([*lines, "", f"{result['date'][:10]}, {machine['cores']} cores of {machine['cpu']}.", ""])


TABLES = {
    "adaptation": lambda: figures("adaptation"),
    "alignment": lambda: figures("alignment"),
    "batch": lambda: figures("batch"),
    "cues": lambda: figures("cues"),
    "decode": lambda: figures("decode"),
    "detectors": lambda: figures("detectors", r"CPU|ours"),
    "filling": filling,
    "hallucination": lambda: figures("hallucination"),
    "live_delays": lambda: live(LIVE_DELAYS, "flicker"),
    "live_words": lambda: live(LIVE_WORDS, "windows encoded"),
    "long_audio": lambda: figures("long_audio"),
    "streaming": listeners,
    "streaming_ctc": lambda: figures("streaming_ctc"),
    "streaming_ctc_large": lambda: figures("streaming_ctc_large"),
    "startup": lambda: figures("startup"),
    "service": lambda: figures("service"),
    "service_targets": lambda: figures("service", SERVICE_TARGETS),
    "stock": lambda: tables.brief(newest("words")),
    "stock_brief": lambda: tables.brief(newest("words"), BRIEF),
    "stock_full": lambda: tables.full(newest("words")),
    "stock_targets": lambda: tables.targets(newest("words")),
    "torture": lambda: figures("torture"),
    "streams": lambda: figures("streams"),
    "streaming_whisper": lambda: figures("streaming_whisper"),
    "wav2vec2": lambda: figures("wav2vec2"),
    "wav2vec2_profile": lambda: figures("wav2vec2_profile"),
    "whisper": lambda: figures("whisper"),
    "windows": lambda: figures("windows"),
    "word_times": lambda: figures("word_times"),
    "words": words,
}


def filled(text: str) -> str:
    """Return the text with its tables made anew. Raises `SystemExit` for one that there is not."""
    if unknown := {found["name"] for found in MARKED.finditer(text)} - TABLES.keys():
        raise SystemExit(f"no table named {', '.join(sorted(unknown))}; there are {', '.join(sorted(TABLES))}")
    return MARKED.sub(lambda found: found[1] + TABLES[found["name"]]() + found[3], text)


def main() -> int:
    """Rewrite or check the pages."""
    asking = parser(__doc__)
    asking.add_argument("--check", action="store_true", help="only look whether they are what they should be")
    check, stale = asking.parse_args().check, []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fresh = filled(text)
        if fresh != text:
            stale.append(page)
            if not check:
                page.write_text(fresh, encoding="utf-8")
    if stale and check:
        names = " and ".join(page.name for page in stale)
        print(f"{names}: not the tables of the results; run python -m bench.report", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
