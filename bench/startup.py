"""How long until something happens: import, `--help`, the first words of a fresh process; and the memory that takes.

    python -m bench.startup

Every figure is a whole process seen from outside, ours and the peer's in turn. Importing is charged without the bare
interpreter's own start; ours loads its parts at their first use, so the first words are the fairer figure. They are
those of `samples/korean.wav` through the bundles that ship, with voice activity detection on in both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.results import Row, alternate, row, write

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = str(ROOT / "samples" / "korean.wav")
PYTHON = sys.executable
MALSORI = [PYTHON, "-m", "malsori"]
RUNS = 15
# What pip installs has its bytecode; ours is run from its source and keeps its own from the first run on, if it may.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
FASTER_WHISPER = f"""
from faster_whisper import WhisperModel
model = WhisperModel({str(ROOT / "models" / "nano-whisper")!r}, device="cpu")
segments, _ = model.transcribe({SAMPLE!r}, language="ko", vad_filter=True)
print(" ".join(segment.text for segment in segments))
"""


def run(command: list[str]) -> tuple[float, float]:
    """Run a command and return its wall-clock seconds and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)  # waited for behind its back
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss * 1024 / 1e6


def imports() -> Row:
    """Compare `import malsori` with `import faster_whisper`."""
    bare = median(run([PYTHON, "-c", "pass"])[0] for _ in range(RUNS))
    figures = alternate(
        {
            "ours": lambda: run([PYTHON, "-c", "import malsori"])[0] - bare,
            "faster-whisper": lambda: run([PYTHON, "-c", "import faster_whisper"])[0] - bare,
        },
        RUNS,
    )
    return row("import", "time", "s", figures, target="below 0.15")


def help_text() -> Row:
    """Time `malsori --help`, interpreter included."""
    return row(
        "malsori --help",
        "time",
        "s",
        alternate({"ours": lambda: run([*MALSORI, "--help"])[0]}, RUNS),
        target="below 0.3",
    )


def first_words(model: str, peers: dict[str, list[str]]) -> list[Row]:
    """Time a fresh process from start to text, and its peak memory."""
    command = [*MALSORI, "transcribe", SAMPLE, "--model", model, "--language", "ko", "--device", "cpu"]
    commands = {"ours": command, **peers}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(6):
        for name, each in commands.items():
            figure = run(each)
            if turn:
                seen[name].append(figure)
    case = f"first words, {model}, {SAMPLE.rsplit('/', 1)[1]}"
    return [
        row(case, "time", "s", {name: [seconds for seconds, _ in pairs] for name, pairs in seen.items()}),
        row(
            case, "peak memory", "MB", {name: [memory for _, memory in pairs] for name, pairs in seen.items()}, digits=0
        ),
    ]


def main() -> None:
    """Measure everything and write the result file."""
    rows = [
        imports(),
        help_text(),
        *first_words("nano-ctc-ko", {}),
        *first_words("nano-whisper", {"faster-whisper": [PYTHON, "-c", FASTER_WHISPER]}),
    ]
    print(write("startup", rows))


if __name__ == "__main__":
    main()
