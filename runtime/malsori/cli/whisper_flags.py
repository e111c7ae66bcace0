"""The flags of `malsori transcribe` that only Whisper models heed, by the names that their users know."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .parser import boolean

if TYPE_CHECKING:
    from ..engines.whisper.options import WhisperOptions

SWITCH: dict[str, Any] = {"type": boolean, "nargs": "?", "const": True, "metavar": "BOOL"}
NOT_AT_ALL = object()  # a threshold of none, which is not the same as a flag that was not given


def add_whisper_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags; the values' ranges are checked with the options."""
    window = parser.add_argument_group("Whisper: what it listens to")
    window.add_argument(
        "--audio-context",
        type=audio_context,
        metavar="CONTEXT",
        help="seconds of a short clip that are encoded at least; auto: as the bundle says; full: 30",
    )
    window.add_argument(
        "--window-guards",
        help="read again in longer windows, at last of 30 s, what fails in a short one (True)",
        **SWITCH,
    )
    window.add_argument("--multilingual", help="tell the language in each window anew, where none is given", **SWITCH)
    window.add_argument(
        "--language-detection-segments", type=int, metavar="N", help="windows listened to for the language (1)"
    )
    window.add_argument(
        "--language-detection-threshold", type=float, metavar="P", help="sure enough to listen to no more (0.5)"
    )
    search = parser.add_argument_group("Whisper: how it searches")
    search.add_argument("--best-of", type=int, metavar="N", help="readings drawn at a temperature above 0 (5)")
    search.add_argument("--patience", type=float, metavar="X", help="of beam search (1)")
    search.add_argument("--length-penalty", type=float, metavar="X", help="of beam search (1)")
    search.add_argument("--repetition-penalty", type=float, metavar="X", help="above 1 repeating is less likely (1)")
    search.add_argument("--no-repeat-ngram-size", type=int, metavar="N", help="no N tokens are said twice (0: allowed)")
    search.add_argument("--prefix", metavar="TEXT", help="what the text starts with")
    search.add_argument("--carry-initial-prompt", help="the initial prompt leads every window", **SWITCH)
    search.add_argument(
        "--condition-on-previous-text",
        help="lead each window by the text before it (in long stretches only; True: across pauses too; False: never)",
        **SWITCH,
    )
    search.add_argument("--max-new-tokens", type=int, metavar="N", help="per window (224)")
    search.add_argument(
        "--suppress-tokens", type=token_ids, metavar="IDS", help="ids never read (=-1: symbols that nobody speaks)"
    )
    search.add_argument("--suppress-blank", help="no empty reading (True)", **SWITCH)
    search.add_argument(
        "--time-tokens", help="the decoder writes times between its words also where attention tells them", **SWITCH
    )
    search.add_argument("--without-timestamps", help="no times but the clip's, one segment per window", **SWITCH)
    search.add_argument(
        "--max-initial-timestamp",
        type=float,
        metavar="S",
        help="the latest first time of a window, where the decoder writes times (1)",
    )
    _add_guards(parser)


def _add_guards(parser: argparse.ArgumentParser) -> None:
    guards = parser.add_argument_group("Whisper: what does not stand")
    guards.add_argument(
        "--compression-ratio-threshold", type=threshold, metavar="X", help="above it a text is a loop; or none (2.4)"
    )
    guards.add_argument(
        "--log-prob-threshold",
        "--logprob-threshold",
        type=threshold,
        metavar="X",
        help="mean per token; below it a reading is poor; or none (-1)",
    )
    guards.add_argument(
        "--no-speech-threshold", type=threshold, metavar="P", help="above it a poor reading is silence; or none (0.6)"
    )
    guards.add_argument(
        "--prompt-reset-on-temperature", type=float, metavar="T", help="text read hotter leads nothing (0.5)"
    )
    guards.add_argument(
        "--hallucination-silence-threshold",
        type=threshold,
        metavar="S",
        help="drop text that nobody can have spoken amid a silence that long, by word times (none)",
    )
    guards.add_argument("--prepend-punctuations", metavar="MARKS", help="that belong to the word behind")
    guards.add_argument("--append-punctuations", metavar="MARKS", help="that belong to the word before")


def whisper_options(args: argparse.Namespace) -> WhisperOptions:
    """Return the options that the flags ask for."""
    from dataclasses import fields

    from ..engines.whisper.options import WhisperOptions

    given = {spec.name: getattr(args, spec.name) for spec in fields(WhisperOptions)}
    chosen = {name: value for name, value in given.items() if value is not None}
    values: dict[str, Any] = {name: None if value is NOT_AT_ALL else value for name, value in chosen.items()}
    return WhisperOptions(**values)


def audio_context(text: str) -> str | float:
    """Read auto, full or seconds, as an argparse type."""
    if text.lower() in ("auto", "full"):
        return text.lower()
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected auto, full or seconds such as 10, found {text!r}") from None


def threshold(text: str) -> object:
    """Read a number or none, as an argparse type."""
    if text.lower() == "none":
        return NOT_AT_ALL
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number or none, found {text!r}") from None


def token_ids(text: str) -> tuple[int, ...]:
    """Read token ids with commas between, as an argparse type."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected ids such as --suppress-tokens=-1,220, found {text!r}") from None
