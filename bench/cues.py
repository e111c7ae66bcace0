"""How many subtitles are within the rules that people can read by: ours, and those of two others, of real recordings.

    python -m bench.cues --base DIR [--openai PYTHON]     # minutes on 2 cores

The recordings are those in `long/`, heard by stock base. Beside our cues stand our segments as they are,
faster-whisper's segments, and what openai/whisper's writer makes of our words with `max_line_width` 42 and
`max_line_count` 2; PYTHON is one that has it. A cue is within the rules that has at most two lines of 42 cells, lasts
from 1 to 7 s, and has at most 20 cells a second. Nothing is timed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import command
from bench.places import RECORDINGS
from bench.recordings import Recording, rows_of
from bench.results import Row, write
from bench.whisper.peers import BEAM, faster_model
from malsori import CueOptions, Transcript, load, render
from malsori.output.breaking import cells
from malsori.output.cues import LINES, WIDTH
from malsori.output.cutting import LEAST_S, SPEED

TARGET = 98  # % of cues
ROUNDED = 0.002  # seconds, of times in milliseconds
WRITER = """
import json, sys
from pathlib import Path
from whisper.utils import get_writer
heard = Path(sys.argv[1])
writer = get_writer("srt", str(heard.parent))
options = {"max_line_width": 42, "max_line_count": 2, "highlight_words": False, "max_words_per_line": None}
writer(json.loads(heard.read_text("utf-8")), str(heard), options)
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cue as a file of subtitles has it."""

    start: float
    end: float
    text: str

    @property
    def seconds(self) -> float:
        """How long it is shown."""
        return self.end - self.start

    @property
    def broken(self) -> list[str]:
        """The rules that it breaks."""
        return [rule for rule, breaks in RULES.items() if breaks(self)]


RULES: dict[str, Callable[[Shown], bool]] = {
    "a line wider than 42 cells": lambda cue: max(map(cells, cue.text.split("\n"))) > WIDTH,
    "more than 2 lines": lambda cue: cue.text.count("\n") >= LINES,
    "longer than 7 s": lambda cue: cue.seconds > CueOptions().max_cue_s + ROUNDED,
    "shorter than 1 s": lambda cue: cue.seconds < LEAST_S - ROUNDED,
    "faster than 20 cells a second": lambda cue: cells(cue.text) > SPEED * (cue.seconds + ROUNDED),
}


def main() -> None:
    """Hear everything and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("--base", required=True, help="stock base, a folder")
    parser.add_argument("--openai", metavar="PYTHON", help="a Python that has openai-whisper")
    parser.add_argument("--speech", type=Path, default=RECORDINGS, help="the recordings and INDEX.tsv")
    args = parser.parse_args()
    clips = long(args.speech)
    found = heard(args.base, clips, args.openai)
    case = f"{len(clips)} recordings, {sum(clip.seconds for clip in clips):.0f} s"
    for cue in found["ours"]:
        if broken := ", ".join(cue.broken):
            print(f"{cue.start:.2f} to {cue.end:.2f}: {broken}: {cue.text!r}")
    print(write("cues", list(rows(case, found))))


def long(folder: Path) -> list[Recording]:
    """Return the long recordings, whether or not their words are known."""
    return [
        Recording(row["file"], folder / row["file"], row["language"], float(row["duration_s"]), None)
        for row in rows_of(folder)
        if row["file"].startswith("long/")
    ]


def heard(base: str, clips: Sequence[Recording], openai: str | None) -> dict[str, list[Shown]]:
    """Return the cues of all recordings by whoever made them; all hear the same samples in the same language."""
    from faster_whisper import decode_audio

    ours = load(base, compute_type="int8")
    theirs = faster_model(base, compute_type="int8")
    found: dict[str, list[Shown]] = {}
    for clip in clips:
        sound = decode_audio(str(clip.path))
        transcript = ours.transcribe(sound, language=clip.language, word_timestamps=True)
        segments, _ = theirs.transcribe(sound, language=clip.language, beam_size=BEAM)
        made = {
            "ours": read(render(transcript, "srt", CueOptions())),
            "our segments": read(render(transcript, "srt", None)),
            "faster-whisper's segments": [Shown(each.start, each.end, each.text.strip()) for each in segments],
        }
        if openai:
            made["openai-whisper's writer"] = read(written_by_openai(openai, transcript))
        for name, cues in made.items():
            found.setdefault(name, []).extend(cues)
        print(clip.name, *(f"{name} {len(cues)}" for name, cues in found.items()), sep="\t", flush=True)
    return found


def written_by_openai(python: str, transcript: Transcript) -> str:
    """Return the srt that openai/whisper's writer makes of our words."""
    segments = [
        {"start": each.start, "end": each.end, "text": each.text, "words": [*_words(each.words)]}
        for each in transcript.segments
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder, "heard.json")
        path.write_text(json.dumps({"segments": segments}), encoding="utf-8")
        subprocess.run([python, "-c", WRITER, str(path)], check=True)
        return path.with_suffix(".srt").read_text(encoding="utf-8")


def _words(words: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for word in words:
        yield {"word": " " * word.spaced + word.text, "start": word.start, "end": word.end}


def read(srt: str) -> list[Shown]:
    """Return the cues of a file."""
    blocks = [block.split("\n", 2) for block in srt.strip().split("\n\n")]
    return [Shown(*map(_seconds, times.split(" --> ")), text) for _, times, text in blocks]


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def rows(case: str, found: dict[str, list[Shown]]) -> Iterator[Row]:
    """Yield how many cues there are, the share within the rules, and the share that breaks each."""
    yield _row(case, "cues", "cues", {name: len(cues) for name, cues in found.items()})
    within = {name: 100 * sum(not cue.broken for cue in cues) / len(cues) for name, cues in found.items()}
    yield _row(case, "within all rules", "%", within, f"at least {TARGET} %")
    for rule in RULES:
        broken = {name: 100 * sum(rule in cue.broken for cue in cues) / len(cues) for name, cues in found.items()}
        yield _row(case, rule, "%", broken)


def _row(case: str, metric: str, unit: str, figures: dict[str, float], target: str = "") -> Row:
    rounded = {name: round(figure, 1) for name, figure in figures.items()}
    return Row(case, metric, unit, rounded.pop("ours"), rounded, target=target)


if __name__ == "__main__":
    main()
