"""The flags of `malsori live` beside those that it shares with `transcribe`, and the options that they make."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.session import SessionOptions
from ..formats import FORMATS, ending_of
from ..kinds import Number
from ..sound_options import GateOptions
from .destinations import check_writable
from .model_flags import at_least_one, model_name
from .parser import add_flags, add_format_flag, chosen, reader
from .transcribe_flags import WITHOUT_FLAG, options_from

if TYPE_CHECKING:
    from ..pipeline import TranscribeOptions
    from ..pipeline.live.options import LiveOptions

ENCODINGS = ("pcm_s16le", "pcm_f32le")  # audio.live.ENCODINGS once more, so that help loads no numpy
EVENTS = "jsonl"
ONLY_WITH = {  # what makes a difference with one source only
    "stdin": ("rate", "pcm_channels", "encoding"),
    "simulate": ("speed",),
}


above_zero = reader(Number(0, above=True, finite=True))


def add_sound_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say where sound comes from and where words go."""
    group = parser.add_argument_group("sound")
    one = group.add_mutually_exclusive_group()
    one.add_argument(
        "--input", "-i", metavar="DEVICE", help="a microphone by its number or a part of its name (the default one)"
    )
    one.add_argument("--list-devices", action="store_true", help="print the microphones and leave")
    one.add_argument("--stdin", action="store_true", help="raw PCM from standard input")
    one.add_argument("--simulate", metavar="FILE", help="a sound file, played as if it were a microphone")
    group.add_argument("--rate", type=at_least_one, metavar="HZ", help="of --stdin (16000)")
    group.add_argument(
        "--channels", dest="pcm_channels", type=at_least_one, metavar="N", help="of --stdin, interleaved (1)"
    )
    group.add_argument("--encoding", choices=ENCODINGS, help="of --stdin (pcm_s16le)")
    group.add_argument("--speed", type=speed, metavar="X", help="of --simulate: 1, 2, 10, ... or max (1)")
    group.add_argument("--duration", type=above_zero, metavar="S", help="end after so many seconds of sound")
    words = parser.add_argument_group("output")
    add_format_flag(words, ("json", "txt"), "(on a terminal a view, elsewhere json)")
    words.add_argument(
        "--output", "-o", type=destination, metavar="FILE", help="also there: .jsonl, .txt, .srt, .vtt, .tsv, .json"
    )


def add_live_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say who hears what, and when an utterance ends."""
    group = parser.add_argument_group("two passes")
    group.add_argument(
        "--partials", type=model_name, metavar="NAME", help="the model of what is being said (that of the finals)"
    )
    group.add_argument("--finals", type=model_name, metavar="NAME", help="the model of what was said (that of --model)")
    group.add_argument("--no-partials", action="store_true", help="finals only")
    add_flags(group, SessionOptions, "step_s", "method", "commit")
    group.add_argument(
        "--context",
        type=reader(Number(0, finite=True)),
        metavar="S",
        help="seconds before an utterance that its final is read with (15)",
    )
    group.add_argument("--no-ahead", action="store_true", help="begin no final before the pause that ends it is over")
    speech = parser.add_argument_group("where speech is")
    speech.add_argument(
        "--endpointing", choices=("eager", "normal", "relaxed"), default="normal", help="how soon it ends (%(default)s)"
    )
    speech.add_argument(
        "--detector", choices=("silero", "two-stage", "webrtc"), help="what tells speech from noise (silero)"
    )
    add_flags(speech, GateOptions, but=WITHOUT_FLAG)


def check_flags(args: argparse.Namespace) -> None:
    """Raise `OptionError` for flags that make no difference here, `OutputError` for a file that cannot be written."""
    from ..errors import OptionError

    for source, flags in ONLY_WITH.items():
        for flag in flags:
            if getattr(args, flag) is not None and not getattr(args, source):
                raise OptionError(f"--{flag.removeprefix('pcm_')} is for --{source}; add that, or leave it out")
    if args.no_partials and args.partials is not None:
        raise OptionError("--no-partials and --partials contradict each other; leave one out")
    if args.output is not None:
        check_writable(args.output, grows=True)


def stream_options(args: argparse.Namespace) -> TranscribeOptions:
    """Return how words are heard and utterances end. Raises `OptionError` for values that cannot be."""
    from ..vad.speech_gate import endpointing

    return options_from(args).changed(gate=endpointing(args.endpointing, **chosen(args, GateOptions)))


def live_options(args: argparse.Namespace, rate: int) -> LiveOptions:
    """Return the options of a stream of sound at `rate` Hz."""
    from ..pipeline.live.options import LiveOptions

    session = SessionOptions(**chosen(args, SessionOptions))
    return LiveOptions(
        rate, not args.no_partials, session, args.detector, context_s=args.context, ahead=not args.no_ahead
    )


def speed(text: str) -> float:
    """Read a speed, as an argparse type; `max` is without any waiting."""
    value: float = math.inf if text.lower() == "max" else above_zero(text)
    return value


def destination(text: str) -> Path:
    """Read the name of a file whose ending says what is written, as an argparse type."""
    known = (EVENTS, *FORMATS)
    if ending_of(text) not in known:
        raise argparse.ArgumentTypeError(f"expected a name that ends in .{', .'.join(known)}, found {text!r}")
    return Path(text)
