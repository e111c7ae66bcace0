"""The flags of `malsori transcribe`, some of which other commands share, and the options that they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ..engines.ctc.options import CtcOptions
from ..engines.options import DecodeOptions, HotWord, Language, weighted
from ..engines.whisper.options import WhisperOptions
from ..errors import OptionError
from ..formats import CUED
from ..option import options_of
from ..output.cues import CueOptions
from ..sound_options import GateOptions, SourceOptions, SpeechOptions
from .model_flags import model_name
from .parser import add_flags, chosen, reader
from .sources import content_of

if TYPE_CHECKING:
    from ..pipeline import TranscribeOptions
    from ..types import Transcript

language = reader(Language())

WHISPER = {  # the groups of flags that Whisper models alone heed, by the names that their users know
    "what it listens to": "audio_context window_guards multilingual language_detection_segments "
    "language_detection_threshold",
    "how it searches": "best_of patience length_penalty repetition_penalty no_repeat_ngram_size prefix "
    "carry_initial_prompt cut_prompt condition_on_previous_text max_new_tokens suppress_tokens suppress_blank "
    "time_tokens without_timestamps max_initial_timestamp",
    "what does not stand": "compression_ratio_threshold log_prob_threshold no_speech_threshold "
    "prompt_reset_on_temperature hallucination_silence_threshold prepend_punctuations append_punctuations",
}
SPLIT = ("channels", "speakers")  # for commands that write transcripts
WITHOUT_FLAG = ("neg_threshold",)  # of the gate


def add_decoding_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how the speech of files becomes words."""
    group = add_word_flags(parser)
    group.add_argument(
        "--align-with", type=model_name, metavar="NAME", help="find the words' times anew with this CTC model; in json"
    )
    add_flags(group, DecodeOptions, "batch_size")
    add_file_flags(group, split=True)


def add_word_flags(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the flags that say how speech becomes words, in files and in streams; return their group."""
    group = parser.add_argument_group("words")
    add_flags(group, DecodeOptions, but=["batch_size"])
    group.add_argument("--hotwords-file", type=hotwords_file, metavar="FILE", help="the same, a word a line")
    add_flags(group, DecodeOptions, *options_of(CtcOptions))
    return group


def add_file_flags(group: argparse._ActionsContainer, *, split: bool = False) -> None:
    """Add the flags that say how sound is read from files, and whether channels are split."""
    add_flags(group, SourceOptions, but=["sample_rate", *([] if split else SPLIT)])


def add_vad_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what counts as speech in files."""
    group = parser.add_argument_group("where speech is")
    add_flags(group, SpeechOptions, but=["gate"])
    add_flags(group, GateOptions, but=WITHOUT_FLAG)


def add_whisper_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that Whisper models alone heed."""
    for title, group in WHISPER.items():
        add_flags(parser.add_argument_group(f"Whisper: {title}"), WhisperOptions, *group.split())


def add_cue_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how subtitles are cut."""
    add_flags(parser.add_argument_group("subtitles"), CueOptions)


def options_from(args: argparse.Namespace) -> TranscribeOptions:
    """Return the options that the flags ask for. Raises `OptionError` for values that cannot be."""
    from ..pipeline import TranscribeOptions

    values = chosen(args, SourceOptions, SpeechOptions, DecodeOptions)
    values["hotwords"] = tuple(
        {word.text: word for word in (*(args.hotwords_file or ()), *(args.hotwords or ()))}.values()
    )
    gate = GateOptions(**chosen(args, GateOptions))
    options = TranscribeOptions(gate=gate, align_with=getattr(args, "align_with", None), **values)
    options.check_values()
    return options


def cue_options(args: argparse.Namespace) -> CueOptions:
    """Return how subtitles are cut. Raises `OptionError` for values that cannot be."""
    return CueOptions(**chosen(args, CueOptions))


def timed(options: TranscribeOptions, formats: Collection[str]) -> TranscribeOptions:
    """Return the options with words' times where cues are made of them.

    They cost nothing where Whisper reads without time tokens, as it does by itself, 7 % of its time with them (stock
    base, 60 s), and CTC models have them anyway.
    """
    return options.changed(word_timestamps=True) if has_cues(formats) else options


def asked(transcript: Transcript, format: str, args: argparse.Namespace) -> Transcript:
    """Return the transcript for a format: json has words only where they were asked for, not for cues beside it."""
    return transcript if format != "json" or words_wanted(args) else transcript.without_words()


def words_wanted(args: argparse.Namespace) -> bool:
    """Whether words were asked for, or something that needs them."""
    return bool(args.word_timestamps or args.align_with or args.hallucination_silence_threshold is not None)


def cueless(args: argparse.Namespace, formats: Collection[str]) -> str:
    """Return the flags that make no difference because no output format has cues."""
    return "" if has_cues(formats) else ", ".join(f"--{name.replace('_', '-')}" for name in chosen(args, CueOptions))


def has_cues(formats: Collection[str]) -> bool:
    """Whether any of the formats has cues."""
    return not {*formats}.isdisjoint(CUED)


def named(what: str) -> Callable[[str], str]:
    """Return an argparse type for a name; an empty one is refused, since it is more likely an unset variable."""

    def name(text: str) -> str:
        if not text:
            raise argparse.ArgumentTypeError(f"expected the name of {what}, found an empty text")
        return text

    return name


folder, destination = named("a folder"), named("a file or a folder")


def hotwords_file(name: str) -> tuple[HotWord, ...]:
    """Read a file of hot words, one a line, as an argparse type."""
    try:
        lines = content_of(name).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = "something else" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"{name}: expected hot words as UTF-8 text, found {reason}") from error
    try:
        return weighted(lines)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
