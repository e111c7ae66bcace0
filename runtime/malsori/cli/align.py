"""`malsori align`: a recording and its text to the times of every word, on stdout or in a file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .console import emit
from .destinations import check_writable
from .failures import report
from .model_flags import DEFAULT_MODEL, add_model_flags, load_model
from .parser import Parser
from .progress import Reporter
from .sources import STDIN, sources
from .transcribe import FORMATS, progress_of
from .transcribe_flags import SWITCH, add_file_flags

if TYPE_CHECKING:
    from ..types import Alignment

EPILOG = """\
Every word of the text comes back in order and as it is written. What the model has no letters for takes the sound that
its neighbours leave over. A cue is a word, or with --cues line a line of the text; json has words and characters, each
with a score from 0 to 1: a low one says that something else was spoken; times of tsv are milliseconds. The model is one
of kind wav2vec2-ctc.

examples:
  malsori align samples/numbers.wav samples/numbers.txt
  malsori align samples/numbers.wav samples/numbers.txt --cues line -o numbers.srt
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
    parser.add_argument("transcript", nargs="?", metavar="TRANSCRIPT", help="a UTF-8 text file, or -")
    parser.add_argument("--text", metavar="TEXT", help="the text itself, in place of TRANSCRIPT")
    parser.add_argument("--output", "-o", metavar="PATH", help="write there, not to stdout")
    parser.add_argument("--output-format", "-f", choices=FORMATS, help="(the ending of PATH, or tsv)")
    parser.add_argument("--cues", default="word", choices=("word", "line"), help="(%(default)s)")
    parser.add_argument("--vad", help="listen only where speech is found (True)", **SWITCH)
    add_file_flags(parser)
    add_model_flags(parser, default=DEFAULT_MODEL)


def run(args: argparse.Namespace) -> int:
    """Align the file with its text; return 0, or 1 when that failed."""
    from ..errors import AudioError, EngineError
    from ..output import atomic_file
    from ..pipeline import align

    if args.output is not None:
        check_writable(Path(args.output))
    text = _text(args)
    (source,) = sources([args.file])
    with Reporter(quiet=args.quiet) as reporter:
        transcriber = load_model(args, reporter)
        reporter.say(args.file)
        try:
            found = align(
                source,
                text,
                transcriber,
                vad=args.vad is not False,
                allow_truncated=bool(args.allow_truncated),
                track=args.track,
                start_at_zero=bool(args.start_at_zero),
                progress=progress_of(reporter),
            )
        except (AudioError, EngineError) as error:
            reporter.pause()
            report(args.file, error, debug=args.debug)
            return 1
        for warning in found.warnings:
            reporter.warn(f"{args.file}: warning, {warning}")
        reporter.pause()
    rendered = _rendered(found, args)
    if args.output is None:
        emit(rendered)
    else:
        with atomic_file(args.output) as file:
            file.write(rendered.encode("utf-8", errors="replace"))
    return 0


def _rendered(found: Alignment, args: argparse.Namespace) -> str:
    from ..output import render

    format = args.output_format or _ending(args.output)
    if format == "json":
        return json.dumps(found.to_dict(), ensure_ascii=False) + "\n"
    return render(found.transcript(by=args.cues), format)


def _ending(output: str | None) -> str:
    """Return the format that a path's ending names, else tsv."""
    ending = Path(output or "").suffix.lower().removeprefix(".")
    return ending if ending in FORMATS else "tsv"


def _text(args: argparse.Namespace) -> str:
    """Return the text that the flags give. Raises `OptionError` for none, two, an empty one, and no UTF-8."""
    from ..errors import OptionError

    if (args.transcript is None) == (args.text is None):
        raise OptionError("expected either TRANSCRIPT or --text TEXT; see malsori align --help")
    if args.text is not None:
        return str(args.text)
    if args.transcript == STDIN:
        sources([args.file, STDIN])  # refuses a second - and a closed standard input
        return _decoded(sys.stdin.buffer.read(), "standard input")
    try:
        content = Path(args.transcript).read_bytes()
    except (OSError, ValueError) as error:  # ValueError for a path with a null byte
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionError(
            f"{args.transcript}: expected a text file that can be read, found {reason.lower()}"
        ) from error
    return _decoded(content, args.transcript)


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
