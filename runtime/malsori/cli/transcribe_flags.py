"""The flags of `malsori transcribe` about words and about where speech is, and the options that they make."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .model_flags import at_least_one, model_name
from .parser import boolean
from .sources import content_of

if TYPE_CHECKING:
    from ..pipeline import TranscribeOptions


def folder(text: str) -> str:
    """Return the name of a folder; an empty one is more likely an unset variable than the folder one stands in."""
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a folder, found an empty text")
    return text


def destination(text: str) -> str:
    """Return the name of a file or a folder; an empty one is more likely an unset variable than where one stands."""
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a file or a folder, found an empty text")
    return text


SWITCH: dict[str, Any] = {"type": boolean, "nargs": "?", "const": True, "metavar": "BOOL"}

# Flags that stand for a field of TranscribeOptions or of its GateOptions; what is not given stays at its default.
FIELDS = (
    "language",
    "task",
    "word_timestamps",
    "align_with",
    "initial_prompt",
    "beam_size",
    "temperature",
    "batch_size",
    "language_model",
    "lm_alpha",
    "lm_beta",
    "alternatives",
    "vad",
    "clip_timestamps",
    "allow_truncated",
    "track",
    "start_at_zero",
)
GATE = {
    "vad_threshold": "threshold",
    "vad_min_speech_duration_ms": "min_speech_ms",
    "vad_min_silence_duration_ms": "min_silence_ms",
    "vad_speech_pad_ms": "padding_ms",
    "vad_max_speech_duration_s": "max_speech_s",
    "vad_hesitation_ms": "hesitation_ms",
}


def add_decoding_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how the speech of files becomes words."""
    group = add_word_flags(parser)
    group.add_argument(
        "--align-with", type=model_name, metavar="NAME", help="find the words' times anew with this CTC model; in json"
    )
    group.add_argument(
        "--batch-size", type=at_least_one, metavar="N", help="most stretches of speech read at a time (8)"
    )
    add_file_flags(group)


def add_file_flags(group: argparse._ActionsContainer) -> None:
    """Add the flags that say how sound is read from files."""
    group.add_argument("--allow-truncated", help="take what is there of a file that was cut off or damaged", **SWITCH)
    group.add_argument(
        "--track", metavar="TRACK", help="the sound track to read: 1, 2, ..., or a language as kor (the default one)"
    )
    group.add_argument(
        "--start-at-zero", help="count times from the first sound, not from the beginning of the file", **SWITCH
    )


def add_word_flags(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the flags that say how speech becomes words, in files and in streams; return their group."""
    group = parser.add_argument_group("words")
    group.add_argument(
        "--language", "-l", type=language, metavar="LANGUAGE", help="what is spoken, such as ko or korean (detected)"
    )
    group.add_argument("--task", choices=("transcribe", "translate"), help="translate is to English (transcribe)")
    group.add_argument("--word-timestamps", help="give each word its times, in json", **SWITCH)
    group.add_argument("--initial-prompt", metavar="TEXT", help="said before; for spelling and style (Whisper)")
    group.add_argument(
        "--beam-size",
        "--beam-width",
        type=at_least_one,
        metavar="N",
        help="hypotheses kept (1; Whisper 5 where that is unsure or it reads 20 s and more at once, CTC 16 with hot "
        "words, a language model or alternatives)",
    )
    group.add_argument(
        "--temperature", type=temperature, metavar="T", help="one, or several to try (0,0.2,...,1; Whisper)"
    )
    group.add_argument(
        "--hotwords",
        type=hotwords,
        metavar="WORDS",
        help="to listen for, such as 침실,거실:12,불*; CTC: a weight (8), at most 100; * takes any ending",
    )
    group.add_argument("--hotwords-file", type=hotwords_file, metavar="FILE", help="the same, a word a line")
    group.add_argument(
        "--lm", "--language-model", dest="language_model", metavar="FILE", help="KenLM language model (CTC)"
    )
    group.add_argument("--lm-alpha", type=float, metavar="A", help="weight of the language model (0.5; CTC)")
    group.add_argument("--lm-beta", type=float, metavar="B", help="what a word gains beside it (1.5; CTC)")
    group.add_argument("--alternatives", type=at_least_one, metavar="N", help="texts with scores, in json (1; CTC)")
    return group


def add_vad_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what counts as speech in files."""
    group = parser.add_argument_group("where speech is")
    group.add_argument("--vad", "--vad-filter", help="recognise only where speech is found (True)", **SWITCH)
    group.add_argument(
        "--clip-timestamps", type=seconds, metavar="TIMES", help="recognise from,to,from,to,... seconds, nothing else"
    )
    add_gate_flags(group)


def add_gate_flags(group: argparse._ArgumentGroup, *, silence: str = "500, Whisper 1000") -> None:
    """Add the flags of the gate, which cuts files and streams alike."""
    group.add_argument("--vad-threshold", type=float, metavar="P", help="probability from which on it is speech (0.5)")
    group.add_argument("--vad-min-speech-duration-ms", type=int, metavar="MS", help="what is shorter is none (100)")
    group.add_argument(
        "--vad-min-silence-duration-ms", type=int, metavar="MS", help=f"what is shorter is none ({silence})"
    )
    group.add_argument(
        "--vad-speech-pad-ms", type=int, metavar="MS", help="added to speech on both sides (200, Whisper 400)"
    )
    group.add_argument(
        "--vad-max-speech-duration-s", type=float, metavar="S", help="anything longer is cut (Whisper 28, CTC 120)"
    )
    group.add_argument(
        "--vad-hesitation-ms", type=int, metavar="MS", help="the least silence where speech had gone on at once (0)"
    )


def options_from(args: argparse.Namespace) -> TranscribeOptions:
    """Return the options that the flags ask for. Raises `OptionError` for values that cannot be."""
    from ..engines.base import HOTWORD_WEIGHT
    from ..pipeline import TranscribeOptions
    from ..vad import GateOptions
    from .whisper_flags import whisper_options

    fields = {name: getattr(args, name, None) for name in FIELDS}
    given = {**(args.hotwords_file or {}), **(args.hotwords or {})}
    weights = {word: HOTWORD_WEIGHT if weight is None else weight for word, weight in given.items()}
    options = TranscribeOptions(
        gate=GateOptions(**gate_changes(args)), hotwords=weights, whisper=whisper_options(args), **_given(fields)
    )
    options.check_values()
    return options


def gate_changes(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of `GateOptions` that flags ask for."""
    return _given({field: getattr(args, flag) for flag, field in GATE.items()})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def language(text: str) -> str | None:
    """Read a language by its code or English name, as an argparse type; `auto` asks for detection."""
    from ..bundles.languages import code_of

    code = code_of(text)
    return None if code == "auto" else code


def temperature(text: str) -> tuple[float, ...]:
    """Read one or more temperatures with commas between, as an argparse type."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 0 or 0,0.2,0.4, found {text!r}") from None


def seconds(text: str) -> tuple[float, ...]:
    """Read seconds with commas between, as an argparse type."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected seconds such as 0,12.5,60,72, found {text!r}") from None


def hotwords(text: str) -> dict[str, float | None]:
    """Read words with commas between, each with a weight behind a colon or without one, as an argparse type."""
    return _weighted(text.split(","))


def hotwords_file(name: str) -> dict[str, float | None]:
    """Read a file of hot words, one a line, as an argparse type."""
    try:
        lines = content_of(name).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = "something else" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"{name}: expected hot words as UTF-8 text, found {reason}") from error
    return _weighted(lines)


def _weighted(parts: Iterable[str]) -> dict[str, float | None]:
    weights: dict[str, float | None] = {}
    for part in filter(None, map(str.strip, parts)):
        word, _, weight = part.partition(":")
        try:
            weights[word.strip()] = float(weight) if weight else None
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected WORD or WORD:WEIGHT, found {part!r}") from None
    return weights
