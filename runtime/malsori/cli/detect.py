"""`malsori detect-language`: which language each file is spoken in, as the first 30 s of its speech tell, or more."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ..sound_options import SourceOptions
from .console import emit, printable, report
from .model_flags import add_model_flags, at_least_one, load_model
from .parser import Parser, add_format_flag, chosen
from .progress import Reporter
from .sources import sources
from .transcribe_flags import add_file_flags

if TYPE_CHECKING:
    from ..pipeline import Transcriber

EPILOG = """\
One line per file: the code and its probability, after the file's name when there are several files; `und` when there is
no speech. With -f json one object per line, with the probability of every language.

example:
  malsori detect-language samples/english.wav
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "detect-language",
        help="files to the language spoken",
        description="Which language is spoken in each file.",
        epilog=EPILOG,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a sound file, or - for standard input")
    add_format_flag(parser, ("txt", "json"), "(%(default)s)", default="txt")
    parser.add_argument(
        "--segments",
        "--language-detection-segments",
        type=at_least_one,
        default=1,
        metavar="N",
        help="listen to so many times 30 s of speech, fewer where one is sure (%(default)s)",
    )
    add_file_flags(parser)
    add_model_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Detect the language of all files; return 0, or 1 when some failed."""
    from ..errors import AudioError, EngineError
    from ..pipeline import TranscribeOptions

    failures, recordings = 0, sources(args.files)
    options = TranscribeOptions(language_detection_segments=args.segments, **chosen(args, SourceOptions))
    options.check_values()
    with Reporter(quiet=args.quiet) as reporter:
        transcriber = load_model(args, reporter, several=True)
        _check_multilingual(transcriber)
        for warning in transcriber.warnings:
            reporter.warn(f"warning, {warning}")
        for file, source in zip(args.files, recordings, strict=True):
            reporter.say(file)
            try:
                languages = transcriber.detect_language(source, options)
            except (AudioError, EngineError) as error:
                reporter.pause()
                report(file, error, debug=args.debug)
                failures += 1
                continue
            reporter.pause()
            emit(_line(file, languages, args))
    return 1 if failures else 0


def _check_multilingual(transcriber: Transcriber) -> None:
    """Raise `OptionError` for a model that knows one language only, which it would always answer."""
    from ..engines.base import TellsLanguages
    from ..errors import OptionError

    manifest = transcriber.engine.manifest
    if len(manifest.languages) == 1 or not isinstance(transcriber.engine, TellsLanguages):
        known = ", ".join(manifest.languages)
        raise OptionError(
            f"{manifest.name} knows {known} and cannot tell languages apart; take a multilingual Whisper: "
            "malsori models pull base, then --model base"
        )


def _line(file: str, languages: dict[str, float], args: argparse.Namespace) -> str:
    if args.output_format == "json":
        rounded = {code: round(probability, 4) for code, probability in languages.items()}
        return json.dumps({"file": file, "languages": rounded}, ensure_ascii=False) + "\n"
    code, probability = next(iter(languages.items()), ("und", 0.0))
    name = f"{printable(file)}: " if len(args.files) > 1 else ""
    return f"{name}{code} {probability:.4f}\n"
