"""`malsori align`: a recording and its text to the times of every word, or its subtitle to other times of its cues."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..formats import CUED, FORMATS, SUBTITLES, ending_of
from ..option import check
from ..output.cues import CueOptions
from ..sound_options import SourceOptions, SpeechOptions
from .console import emit, report
from .destinations import check_writable
from .model_flags import DEFAULT_MODEL, add_model_flags, load_model
from .parser import Parser, add_flags, add_format_flag, chosen
from .progress import Reporter, progress_of
from .sources import STDIN, content_of, limited, sources
from .transcribe_flags import add_cue_flags, add_file_flags, cue_options, cueless

if TYPE_CHECKING:
    from ..aligned import Alignment
    from ..audio import AudioSource
    from ..pipeline import Transcriber
    from ..pipeline.alignment.retime import Retimed
    from ..subtitles import Subtitle

Cues: TypeAlias = Literal["word", "line"]

EPILOG = """\
Every word of the text comes back in order and as it is written. What the model has no letters for takes the sound that
its neighbours leave over. In srt and vtt a cue is a sentence or a line of the text, cut where it reads well, as the
flags of subtitles say; elsewhere each word stands by itself. --cues word or --cues line chooses. json has words and
characters, each with a score from 0 to 1: a low one says that something else was spoken; times of tsv are milliseconds.
The model must be a CTC model, such as nano-ctc-ko.

A subtitle (SubRip or WebVTT) comes back as one, with all that stands in it and the times at which its cues are spoken.
Markup, notes such as [music] and names of speakers are not listened for: such a cue moves with those around it, and
so does one that is not found.

examples:
  malsori align samples/numbers.wav samples/numbers.txt
  malsori align samples/numbers.wav samples/numbers.txt --cues line -o numbers.srt
  malsori align samples/numbers.wav numbers.srt -o retimed.srt
  malsori align samples/korean.wav --text "침실 온도를 26 도로 맞춰 주세요!" -f json
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "align",
        help="a file and its text to the times of every word",
        description="When each word of a text is spoken.",
        epilog=EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="a sound file, or - for standard input")
    parser.add_argument(
        "transcript", nargs="?", metavar="TRANSCRIPT", help="a UTF-8 text file, an .srt or a .vtt, or -"
    )
    parser.add_argument("--text", metavar="TEXT", help="the text itself, in place of TRANSCRIPT")
    parser.add_argument("--output", "-o", metavar="PATH", help="write there, not to stdout")
    add_format_flag(parser, FORMATS, "(the ending of PATH, or else tsv; of a subtitle its own)")
    parser.add_argument(
        "--cues",
        choices=("word", "line"),
        help="(sentences and lines in srt and vtt, or a subtitle's cues; else word)",
    )
    add_flags(parser, SpeechOptions, "vad")
    add_file_flags(parser)
    add_cue_flags(parser)
    add_model_flags(parser, default=DEFAULT_MODEL)


def run(args: argparse.Namespace) -> int:
    """Align the file with its text; return 0, or 1 when that failed."""
    from ..errors import AudioError, EngineError
    from ..output import atomic_file

    check(SourceOptions(track=args.track))
    if args.output is not None:
        check_writable(Path(args.output))
    cue_options(args)
    text = _text(args)
    subtitle = _subtitle(args, text)
    (source,) = sources([args.file])
    format = _format(args, "tsv" if subtitle is None else subtitle.format)
    with Reporter(quiet=args.quiet) as reporter:
        if lost := cueless(args, [format]):
            reporter.warn(f"warning, {format} cannot show the results of {lost}; srt and vtt can: -f srt")
        transcriber = load_model(args, reporter)
        reporter.say(args.file)
        try:
            rendered, warnings = _aligned(source, text, subtitle, transcriber, args, reporter, format)
        except (AudioError, EngineError) as error:
            reporter.pause()
            report(args.file, error, debug=args.debug)
            return 1
        for warning in warnings:
            reporter.warn(f"{args.file}: warning, {warning}")
        reporter.pause()
    if args.output is None:
        emit(rendered)
    else:
        with atomic_file(args.output) as file:
            file.write(rendered.encode("utf-8", errors="replace"))
    return 0


def _aligned(
    source: AudioSource,
    text: str,
    subtitle: Subtitle | None,
    transcriber: Transcriber,
    args: argparse.Namespace,
    reporter: Reporter,
    format: str,
) -> tuple[str, tuple[str, ...]]:
    """Return the text to write, and the warnings."""
    from ..pipeline import align, retime

    reading: dict[str, Any] = {**chosen(args, SourceOptions, SpeechOptions), "progress": progress_of(reporter)}
    if subtitle is None:
        found = align(source, text, transcriber, **reading)
        return _rendered(found, args, format), found.warnings
    retimed = retime(source, subtitle, transcriber, **reading)
    return _rendered_subtitle(retimed, args, format), retimed.warnings


def _rendered(found: Alignment, args: argparse.Namespace, format: str, default: Cues = "word") -> str:
    from ..output import render

    if format == "json":
        return json.dumps(found.to_dict(), ensure_ascii=False) + "\n"
    if chosen(args, CueOptions) or (args.cues is None and format in CUED):
        return render(found.transcript(), format, cue_options(args))
    return render(found.transcript(by=args.cues or default), format, None)


def _rendered_subtitle(retimed: Retimed, args: argparse.Namespace, format: str) -> str:
    from ..subtitles import render_subtitle

    if args.cues != "word" and not chosen(args, CueOptions) and format in SUBTITLES:
        return render_subtitle(retimed.subtitle, "srt" if format == "srt" else "vtt")
    return _rendered(retimed.alignment, args, format, "line")


def _format(args: argparse.Namespace, default: str) -> str:
    """Return the format asked for, else that of the output's ending, else `default`."""
    ending = ending_of(args.output or "")
    return args.output_format or (ending if ending in FORMATS else default)


def _subtitle(args: argparse.Namespace, text: str) -> Subtitle | None:
    """Return the subtitle if the text is one, by content or file ending. Raises `OptionError` for a broken one."""
    from ..subtitles import kind_of, read_subtitle

    if args.text is not None:
        return None
    ending = ending_of(args.transcript)
    if not kind_of(text) and ending not in SUBTITLES:
        return None
    name = "standard input" if args.transcript == STDIN else args.transcript
    return read_subtitle(text, name, "vtt" if ending == "vtt" else "srt")


def _text(args: argparse.Namespace) -> str:
    """Return the text of TRANSCRIPT or --text. Raises `OptionError` for none, both, an empty one, and no UTF-8."""
    from ..errors import OptionError

    if (args.transcript is None) == (args.text is None):
        raise OptionError("expected either TRANSCRIPT or --text TEXT; see malsori align --help")
    if args.text is not None:
        if not args.text.strip():
            raise OptionError(f"--text: expected at least one word to align, found {args.text!r}")
        return str(args.text)
    piped = args.transcript == STDIN
    if piped:
        sources([args.file, STDIN])  # refuses a second - and a closed standard input
    name = "standard input" if piped else args.transcript
    try:
        content = limited(sys.stdin.buffer) if piped else content_of(args.transcript)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "").lower() or str(error)
        raise OptionError(f"{name}: expected a text file that can be read, found {reason}") from error
    return _decoded(content, name)


def _decoded(content: bytes, name: str) -> str:
    from ..audio.sniff import is_sound
    from ..errors import OptionError

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_sound(content):
            raise OptionError(
                f"{name}: expected a text, found a sound file; the order is malsori align FILE TRANSCRIPT"
            ) from error
        raise OptionError(
            f"{name}: expected UTF-8, found the byte 0x{content[error.start]:02x} at {error.start}; save it as UTF-8"
        ) from error
    if not text.strip():
        raise OptionError(f"{name}: expected at least one word to align, found none")
    return text
