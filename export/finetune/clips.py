"""From manifest rows to clips that can be learned from: measured, held against the limits, and what was left out told.

Every recording is decoded once to be measured, and its length remembered in the work folder; training decodes it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.common import ExportRefused
from export.finetune.manifest import Row
from export.finetune.settings import DataOptions
from export.finetune.vocabulary import Speller
from malsori.atomic import write_atomically
from malsori.audio import decode, decode_blocks
from malsori.engines.ctc.frames import Frames
from malsori.engines.ctc.viterbi import Chain
from malsori.errors import AudioError
from malsori.types import SAMPLE_RATE

LENGTHS = "lengths.json"
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
    rows: Sequence[tuple[Row, str]],
    speller: Speller,
    frames: Frames,
    options: DataOptions,
    ruler: Ruler,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Clip], list[LeftOut]]:
    """Return the clips of these rows, given with their clean texts, and the rows that cannot be one."""
    clips, left_out = [], []
    for done, (row, text) in enumerate(rows):
        progress(done)
        length, ids = ruler.measure(row.audio), speller.spell(text)
        reason, details = _objection(length, Chain.between_blanks(ids, speller.vocabulary.blank), frames, options)
        if reason:
            left_out.append(LeftOut(row, reason, details))
        else:
            clips.append(Clip(row.audio, int(length), text, ids))
    ruler.keep()
    return clips, left_out


def _objection(length: int | str, chain: Chain, frames: Frames, options: DataOptions) -> tuple[str, str]:
    """Return the kind of reason and its details; two empty strings for a clip that will do."""
    objection = of_length(length, options.min_seconds, options.max_seconds)
    if objection[0]:
        return objection
    needed, there = chain.least_frames, frames.count(int(length))
    if needed > there:
        return (
            "of a text too long for the sound",
            f"{len(chain) // 2} tokens need {needed} frames, {int(length) / SAMPLE_RATE:.2f} s give {there}",
        )
    return "", ""


def of_length(length: int | str, least: float, most: float) -> tuple[str, str]:
    """Return what speaks against a recording's length, as measured; `least` and `most` are seconds."""
    if isinstance(length, str):
        return "unreadable", length
    seconds = length / SAMPLE_RATE
    if seconds < least:
        return f"shorter than {least:g} s", f"{seconds:.2f} s"
    if seconds > most:
        return f"longer than {most:g} s", f"{seconds:.2f} s"
    return "", ""


def summary(name: str, clips: Sequence[Clip], left_out: Sequence[LeftOut], listed: Path) -> str:
    """Return one line for the console: what there is and what was left out, by reason. Refuses to go on with nothing.

    Raises `ExportRefused` when no clip is left.
    """
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


def write_left_out(path: Path, left_out: Sequence[LeftOut]) -> None:
    """Write what was left out as TSV: line, recording, reason, details."""
    lines = ["line\taudio\treason\tdetails"]
    lines += [f"{each.row.line}\t{each.row.audio}\t{each.reason}\t{each.details}" for each in left_out]
    path.write_text("\n".join(lines) + "\n", "utf-8")
