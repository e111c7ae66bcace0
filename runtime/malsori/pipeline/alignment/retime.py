"""`retime`: a recording and its subtitle to the same subtitle with the times at which each cue is spoken."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import numpy as np

from ...aligned import AlignedWord, Alignment
from ...audio import AudioSource
from ...errors import OptionError
from ...subtitles import Subtitle, SubtitleCue, read_subtitle, spoken
from ..files.recording import Progress
from ..transcriber import Transcriber
from .placing import HEARD
from .text import align, some_of

LEAST_S = 0.5  # seconds that a cue not found in the sound keeps at least, if it had them

Times: TypeAlias = tuple[float, float]
"""Start and end, seconds."""


@dataclass(frozen=True, slots=True)
class Retimed:
    """A subtitle at the times of its words; `line` of a word in `alignment` is the index of its cue, by old starts.

    `warnings` are the alignment's, and one for the cues that were not found.
    """

    subtitle: Subtitle
    alignment: Alignment
    warnings: tuple[str, ...]


def retime(
    audio: AudioSource,
    subtitle: Subtitle | str,
    model: str | os.PathLike[str] | Transcriber = "nano-ctc-ko",
    *,
    vad: bool = True,
    sample_rate: float | None = None,
    allow_truncated: bool = False,
    track: int | str | None = None,
    start_at_zero: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Retimed:
    """Return a subtitle, or the text of one (SubRip or WebVTT), with each cue timed from its first word to its last.

    Text that is not spoken (markup, notes such as [music], names of speakers) stays and is not aligned. Cues whose
    words are not found, or that have none, move with those around them. Parameters and errors are those of `align`;
    `OptionError` also for a subtitle that is broken or has no spoken word.
    """
    read = read_subtitle(subtitle, "subtitle") if isinstance(subtitle, str) else subtitle
    cues = read.cues
    order = sorted(range(len(cues)), key=lambda index: cues[index].start)
    texts = [spoken(cues[index].lines) for index in order]
    if not any(texts):
        raise OptionError("subtitle: expected at least one cue that is spoken, found markup and notes alone")
    found = align(
        audio,
        "\n".join(texts),
        model,
        vad=vad,
        sample_rate=sample_rate,
        allow_truncated=allow_truncated,
        track=track,
        start_at_zero=start_at_zero,
        progress=progress,
    )
    heard: dict[int, Times] = {}
    lost = []
    for line, words in groupby(found.words, key=lambda word: word.line):
        own, index = list(words), order[line]
        if _heard(own):
            heard[index] = (own[0].start, own[-1].end)
        else:
            lost.append(index)
    warnings = _warn_of_lost(sorted(lost), cues, moving=bool(heard))
    return Retimed(read.retimed(_moved(cues, heard)), found, (*found.warnings, *warnings))


def _moved(cues: Sequence[SubtitleCue], heard: Mapping[int, Times]) -> list[Times]:
    """Return the times of all cues; those that were not `heard` move with those before and behind them.

    Example: of cues at 0-3, 4-5, 6-9 s the first and the last are heard at 10-13 and 18-21; the other is at 14.7-16.3.
    """
    old = sorted((at, index, edge) for index in heard for edge, at in enumerate((cues[index].start, cues[index].end)))
    before = [at for at, _, _ in old]
    shifts = np.maximum.accumulate([heard[index][edge] for _, index, edge in old]) - np.array(before)

    def moved(cue: SubtitleCue) -> Times:
        if not old:
            return cue.start, cue.end
        start, end = (max(0.0, at + float(np.interp(at, before, shifts))) for at in (cue.start, cue.end))
        return start, max(end, start + min(LEAST_S, cue.end - cue.start))

    return [heard[index] if index in heard else moved(cue) for index, cue in enumerate(cues)]


def _heard(words: Sequence[AlignedWord]) -> bool:
    """Return whether most of the words that the model can spell are found; the others have a score of 0."""
    scores = [word.score for word in words if word.score]
    return 2 * sum(score < HEARD for score in scores) < len(scores)


def _warn_of_lost(lost: Sequence[int], cues: Sequence[SubtitleCue], *, moving: bool) -> Iterator[str]:
    if lost:
        names = [cues[index].name if cues[index].name.isdigit() else str(index + 1) for index in lost]
        what = "move with those around them" if moving else "keep their times"
        yield f"{len(lost)} of {len(cues)} cues were not found in the sound, and {what}: {some_of(names)}"
