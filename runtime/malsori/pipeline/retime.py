"""`retime`: a recording and its subtitle to the same subtitle with the times at which each cue is spoken."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..alignment import AlignedWord, Alignment
from ..audio import AudioSource
from ..errors import OptionError
from ..subtitles import Subtitle, SubtitleCue, read_subtitle, spoken
from .align import align, some_of
from .progress import Progress
from .transcriber import Transcriber
from .word_times import HEARD


@dataclass(frozen=True, slots=True)
class Retimed:
    """A subtitle at the times of its words; `alignment` has these, each with its cue, by their old starts, as `line`.

    `warnings` are the alignment's, and say which cues keep their old times.
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
    """Return a subtitle, or the text of one (SubRip or WebVTT), with each cue from its first word to its last.

    What is not spoken (markup, notes such as [music], names of speakers) stays and is not looked for. A cue whose words
    are not found keeps its times. The parameters are those of `align`, and so are the errors; `OptionError` also for a
    subtitle that is broken or has no word that is said.
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
    times, lost = [(cue.start, cue.end) for cue in cues], []
    for line, words in groupby(found.words, key=lambda word: word.line):
        own, index = list(words), order[line]
        if _heard(own):
            times[index] = (own[0].start, own[-1].end)
        else:
            lost.append(index)
    return Retimed(read.retimed(times), found, (*found.warnings, *_told(sorted(lost), cues)))


def _heard(words: Sequence[AlignedWord]) -> bool:
    """Whether the model hears most of the words that it has letters for; one that has none has a score of 0."""
    scores = [word.score for word in words if word.score]
    return 2 * sum(score < HEARD for score in scores) < len(scores)


def _told(lost: Sequence[int], cues: Sequence[SubtitleCue]) -> Iterator[str]:
    if lost:
        names = [cues[index].name if cues[index].name.isdigit() else str(index + 1) for index in lost]
        yield f"{len(lost)} of {len(cues)} cues were not found in the sound and keep their times: {some_of(names)}"
