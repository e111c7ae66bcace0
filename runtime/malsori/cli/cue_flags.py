"""The flags that say how subtitles are cut, shared by all commands that write them, and the options that they make."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from ..formats import CUED
from ..output.cues import CueOptions
from .flags import add_flags, chosen

if TYPE_CHECKING:
    from ..pipeline import TranscribeOptions
    from ..types import Transcript


def add_cue_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags; the values' ranges are checked with the options."""
    add_flags(parser.add_argument_group("subtitles"), CueOptions)


def cue_options(args: argparse.Namespace) -> CueOptions:
    """Return how subtitles are cut. Raises `OptionError` for values that cannot be."""
    return CueOptions(**chosen(args, CueOptions))


def cueless(args: argparse.Namespace, formats: Collection[str]) -> str:
    """Return the flags that make no difference because no output format has cues."""
    return "" if has_cues(formats) else ", ".join(f"--{name.replace('_', '-')}" for name in chosen(args, CueOptions))


def has_cues(formats: Collection[str]) -> bool:
    """Whether any of the formats has cues."""
    return not {*formats}.isdisjoint(CUED)


def timed(options: TranscribeOptions, formats: Collection[str]) -> TranscribeOptions:
    """Return the options with words' times where cues are made of them.

    They cost nothing where Whisper reads without time tokens, as it does by itself, 7 % of its time with them (stock
    base, 60 s), and CTC models have them anyway.
    """
    return options.changed(word_timestamps=True) if has_cues(formats) else options


def asked(transcript: Transcript, format: str, args: argparse.Namespace) -> Transcript:
    """Return the transcript for a format: json has words only where they were asked for, not for cues beside it."""
    wanted = args.word_timestamps or args.align_with or args.hallucination_silence_threshold is not None
    if format != "json" or wanted:
        return transcript
    return replace(transcript, segments=tuple(replace(segment, words=()) for segment in transcript.segments))
