"""From manifest rows to clips to learn from: each is measured, kept within the limits or left out, and that is told.

Every recording is decoded once to be measured, and its length remembered in the work folder; training decodes it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from export.common import ExportRefused
from export.progress import Reporter
from export.training.manifest import Row
from export.training.settings import Settings
from malsori.atomic import write_atomically
from malsori.audio import decode, decode_blocks
from malsori.errors import AudioError
from malsori.types import SAMPLE_RATE

LENGTHS = "lengths.json"
Made = TypeVar("Made")
KEPT_EVERY = 500  # recordings measured between two writes of their lengths


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording to learn from or to be judged by: its length at 16 kHz, its text, and the text's token ids."""

    audio: Path
    samples: int
    text: str
    ids: tuple[int, ...]

    def sound(self) -> NDArray[np.float32]:
        """Decode it: mono, 16 kHz, float32."""
        return decode(self.audio).samples


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is no clip: the kind of reason, which is counted, and the details of this one."""

    row: Row
    reason: str
    details: str


class Ruler:
    """Measure recordings in samples at 16 kHz; what was measured before and is unchanged is not decoded again."""

    def __init__(self, work: Path) -> None:
        self._path = work / LENGTHS
        self._known: dict[str, list[int | str]] = {}
        self._fresh = 0
        if self._path.exists():
            self._known = json.loads(self._path.read_text("utf-8"))

    def measure(self, audio: Path) -> int | str:
        """Return the length, or in one line why the recording cannot be read."""
        stat = audio.stat()
        known = self._known.get(str(audio))
        if known and known[:2] == [stat.st_size, stat.st_mtime_ns]:
            return known[2]
        try:
            with decode_blocks(audio) as blocks:
                length: int | str = sum(len(block) for block in blocks)
        except AudioError as error:
            length = str(error)
        self._known[str(audio)] = [stat.st_size, stat.st_mtime_ns, length]
        self._fresh += 1
        if self._fresh % KEPT_EVERY == 0:
            self.keep()
        return length

    def keep(self) -> None:
        """Write what is known to the work folder."""
        write_atomically(self._path, json.dumps(self._known, ensure_ascii=False).encode(), mode=0o644)


def sort_out(
    name: str, rows: Sequence[Row], make: Callable[[Row, int], Made | LeftOut], settings: Settings, reporter: Reporter
) -> tuple[list[Made], list[LeftOut]]:
    """Return what `make` makes of each row and its length in samples, and the rows that it or their length leaves out.

    `name` is the side, `train` or `held-out`.
    """
    ruler, data = Ruler(settings.work), settings.data
    made: list[Made] = []
    left_out = []
    for done, row in enumerate(rows):
        reporter.say(f"measuring the recordings ({name})", done, len(rows))
        length = ruler.measure(row.audio)
        reason, details = _of_length(length, data.min_seconds, data.max_seconds)
        found = LeftOut(row, reason, details) if reason else make(row, int(length))
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            made.append(found)
    ruler.keep()
    return made, left_out


def tell(name: str, clips: Sequence[Clip], left_out: Sequence[LeftOut], work: Path, reporter: Reporter) -> None:
    """Say what there is on one side, and list what was left out in the work folder.

    Raises `ExportRefused` when no clip is left.
    """
    listed = work / f"left-out-{name}.tsv"
    listed.unlink(missing_ok=True)
    if left_out:
        _write(listed, left_out)
    reporter.warn(_summary(name, clips, left_out, listed))


def _of_length(length: int | str, least: float, most: float) -> tuple[str, str]:
    """Return what speaks against a recording's length, as measured; `least` and `most` are seconds."""
    if isinstance(length, str):
        return "unreadable", length
    seconds = length / SAMPLE_RATE
    if seconds < least:
        return f"shorter than {least:g} s", f"{seconds:.2f} s"
    if seconds > most:
        return f"longer than {most:g} s", f"{seconds:.2f} s"
    return "", ""


def _summary(name: str, clips: Sequence[Clip], left_out: Sequence[LeftOut], listed: Path) -> str:
    """Return one line for the console: what there is and what was left out, by reason."""
    reasons = Counter(each.reason for each in left_out)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    if not clips:
        first = f"line {left_out[0].row.line}: {left_out[0].details}" if left_out else "no rows"
        raise ExportRefused(
            f"{name}: nothing left to use ({told or 'empty'}; {first}); --min-seconds and --max-seconds"
        )
    hours = sum(clip.samples for clip in clips) / SAMPLE_RATE / 3600
    wordless = sum(not clip.ids for clip in clips)
    line = f"{name}: {len(clips)} clips, {hours:.2f} h"
    line += f", {wordless} of them without words" if wordless else ""
    return line + (f"; left out: {told} (listed in {listed})" if left_out else "")


def _write(path: Path, left_out: Sequence[LeftOut]) -> None:
    """Write what was left out as TSV: line, recording, reason, details."""
    lines = ["line\taudio\treason\tdetails"]
    lines += [f"{each.row.line}\t{each.row.audio}\t{each.reason}\t{each.details}" for each in left_out]
    path.write_text("\n".join(lines) + "\n", "utf-8")
