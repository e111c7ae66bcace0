"""How long until something happens: import, `--help`, the first words of a fresh process; and the memory that takes.

    python -m bench.startup

Every figure is a whole process seen from outside, ours and the peer's in turn. Importing is charged without the bare
interpreter's own start; ours loads its parts at their first use, so the first words are the fairer figure. They are
those of `samples/korean.wav` through the bundles that ship, with voice activity detection on in both.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from statistics import median

from bench import command
from bench.places import MODELS, SAMPLES
from bench.processes import time_process
from bench.results import Row, alternate, row, write

SAMPLE = SAMPLES / "korean.wav"
PYTHON = sys.executable
MALSORI = [PYTHON, "-m", "malsori"]
RUNS = 15
STARTS = 5
FASTER_WHISPER = f"""
from faster_whisper import WhisperModel
model = WhisperModel({str(MODELS / "nano-whisper")!r}, device="cpu")
segments, _ = model.transcribe({str(SAMPLE)!r}, language="ko", vad_filter=True)
print(" ".join(segment.text for segment in segments))
"""


def imports() -> Row:
    """Compare `import malsori` with `import faster_whisper`."""
    bare = median(time_process([PYTHON, "-c", "pass"])[0] for _ in range(RUNS))
    figures = alternate(
        {
            "ours": lambda: time_process([PYTHON, "-c", "import malsori"])[0] - bare,
            "faster-whisper": lambda: time_process([PYTHON, "-c", "import faster_whisper"])[0] - bare,
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
        alternate({"ours": lambda: time_process([*MALSORI, "--help"])[0]}, RUNS),
        target="below 0.3",
    )


def first_words(
    case: str, commands: Mapping[str, list[str]], runs: int = STARTS, targets: tuple[str, str] = ("", "")
) -> list[Row]:
    """Time fresh processes in turn, and their peak memory; the first of each only warms the disk's cache.

    The key `ours` is ours; `targets` are those of time and of memory.
    """
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, each in commands.items():
            figure = time_process(each)
            if turn:
                seen[name].append(figure)
    times = {name: [seconds for seconds, _ in pairs] for name, pairs in seen.items()}
    peaks = {name: [memory for _, memory in pairs] for name, pairs in seen.items()}
    return [
        row(case, "time", "s", times, target=targets[0]),
        row(case, "peak memory", "MB", peaks, target=targets[1], digits=0),
    ]


def of_sample(model: str, peers: dict[str, list[str]]) -> list[Row]:
    """Time the first words of the sample by one of the models that ship."""
    asked = ["--model", model, "--language", "ko", "--device", "cpu"]
    ours = {"ours": [*MALSORI, "transcribe", str(SAMPLE), *asked]}
    return first_words(f"first words, {model}, {SAMPLE.name}", {**ours, **peers})


def main() -> None:
    """Measure everything and write the result file."""
    command.parser(__doc__).parse_args()
    rows = [
        imports(),
        help_text(),
        *of_sample("nano-ctc-ko", {}),
        *of_sample("nano-whisper", {"faster-whisper": [PYTHON, "-c", FASTER_WHISPER]}),
    ]
    print(write("startup", rows))


if __name__ == "__main__":
    main()
