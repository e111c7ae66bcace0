"""The flags that say how subtitles are cut, shared by all commands that write them, and the options that they make."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..formats import CUED
from .parser import boolean

if TYPE_CHECKING:
    from ..output import CueOptions
    from ..pipeline import TranscribeOptions
    from ..types import Transcript

FLAGS = ("max_line_width", "max_line_count", "max_cue_s", "words_per_line", "highlight_words")


def add_cue_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags; the values' ranges are checked with the options."""
    group = parser.add_argument_group("subtitles")
    group.add_argument(
        "--max-line-width",
        type=int,
        metavar="N",
        help="cells of a line; letters of Chinese, Japanese, Korean take two (42; 32 where they are most of the text)",
    )
    group.add_argument("--max-line-count", type=int, metavar="N", help="lines of a cue (2; 1 with --words-per-line)")
    group.add_argument("--max-cue-s", type=float, metavar="S", help="seconds that a cue lasts at most (7)")
    group.add_argument(
        "--words-per-line", "--max-words-per-line", type=int, metavar="N", help="at most (as many as there is room for)"
    )
    group.add_argument(
        "--highlight-words",
        type=boolean,
        nargs="?",
        const=True,
        metavar="BOOL",
        help="a cue for each word, which is underlined in it",
    )


def cue_changes(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of `CueOptions` that flags ask for."""
    values = {name: getattr(args, name) for name in FLAGS}
    return {name: value for name, value in values.items() if value is not None}


def cue_options(args: argparse.Namespace) -> CueOptions:
    """Return how subtitles are cut. Raises `OptionError` for values that cannot be, by the flags' names."""
    from ..errors import OptionError
    from ..output import CueOptions

    try:
        return CueOptions(**cue_changes(args))
    except OptionError as error:
        name, _, rest = str(error).partition(":")
        raise OptionError(f"--{name.replace('_', '-')}:{rest}") from error


def cueless(args: argparse.Namespace, formats: Collection[str]) -> str:
    """Return the flags that make no difference because no output format has cues."""
    return "" if has_cues(formats) else ", ".join(f"--{name.replace('_', '-')}" for name in cue_changes(args))


def has_cues(formats: Collection[str]) -> bool:
    """Whether any of the formats has cues."""
    return not {*formats}.isdisjoint(CUED)


def timed(options: TranscribeOptions, formats: Collection[str]) -> TranscribeOptions:
    """Return the options with words' times where cues are made of them.

    They cost nothing where Whisper reads without time tokens, as it does by itself, 7 % of its time with them (stock
    base, 60 s), and CTC models have them anyway.
    """
    return replace(options, word_timestamps=True) if has_cues(formats) else options


def asked(transcript: Transcript, format: str, args: argparse.Namespace) -> Transcript:
    """Return the transcript for a format: json has words only where they were asked for, not for cues beside it."""
    wanted = args.word_timestamps or args.align_with or args.hallucination_silence_threshold is not None
    if format != "json" or wanted:
        return transcript
    return replace(transcript, segments=tuple(replace(segment, words=()) for segment in transcript.segments))
