"""`malsori compare`: recordings through several models, so that a person can choose one for this machine."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..sound_options import SourceOptions
from .compare_output import emit_comparison, summary
from .console import emit_json, report
from .destinations import check_writable
from .model_flags import add_loading_flags, at_least_one, loading_of, model_name
from .parser import Parser, add_flags
from .progress import Reporter
from .sources import STDIN, InputFile, find_inputs
from .stopping import ENDING
from .transcribe_flags import SPLIT, add_vad_flags, add_whisper_flags, add_word_flags, options_from

if TYPE_CHECKING:
    from ..compare import ComparedModel, ComparedRecording, ModelComparison, SaidTexts

EPILOG = """\
Of a folder all sound files are taken, with -r those of the folders in it. Each model runs in a process of its own, one
after another. What was said is looked for in FILE.txt beside each recording; --transcripts names a folder of NAME.txt,
a TSV of names and texts, or JSON Lines. Where it is known, errors are told (WER; in Korean, Japanese and Chinese CER
without spaces first), else how the models differ from the first. A model may be named with the type that it is to
compute in: base@float32. A model that lacks an option is told, and the others go on.

examples:
  malsori compare samples/ --models nano-ctc-ko nano-whisper
  malsori compare recordings/ --models base,tiny.en --transcripts said.tsv --html page.html
  malsori compare talk.mp3 --models base base@float32 --language ko --runs 3 --json
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "compare",
        help="the same recordings through several models",
        description="The same recordings through several models: words, errors, speed, memory.",
        epilog=EPILOG,
        hints={"FILE": "FILE comes before --models, which takes all that follows it"},
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a sound file, or a folder of them")
    parser.add_argument("--recursive", "-r", action="store_true", help="take what is in a folder's folders, too")
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--transcripts", type=Path, metavar="DIR|FILE", help="what was said (FILE.txt beside each)")
    said.add_argument("--no-transcripts", action="store_true", help="compare the models with each other only")
    parser.add_argument("--runs", type=at_least_one, default=1, metavar="N", help="hear each so often (%(default)s)")
    parser.add_argument("--html", type=Path, metavar="PAGE", help="write a page that one can look at and pass on")
    parser.add_argument("--audio", action="store_true", help="put the recordings into the page, up to 24 MiB")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor warnings on stderr")
    group = parser.add_argument_group("models")
    group.add_argument(
        "--models",
        "--model",
        "-m",
        nargs="+",
        type=model_name,
        metavar="NAME",
        help="names, paths, NAME@TYPE (all here)",
    )
    add_loading_flags(group)
    add_flags(add_word_flags(parser), SourceOptions, but=["sample_rate", *SPLIT])
    add_vad_flags(parser)
    add_whisper_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Compare; return 0, or 1 when a model or a recording failed."""
    from ..compare import ComparisonSettings, compare
    from ..errors import OptionError

    ENDING.catch_termination()
    if args.audio and args.html is None:
        raise OptionError("--audio puts the recordings into a page; name it with --html PAGE")
    options = options_from(args)
    loading = loading_of(args)
    if args.html is not None:
        check_writable(args.html)
    with Reporter(quiet=args.quiet) as reporter:
        inputs = find_inputs(args.files, recursive=args.recursive)
        models = _models(args, reporter)
        recordings = _recordings(args, inputs, reporter)
        settings = ComparisonSettings(options, loading, args.runs)
        comparison = compare(models, recordings, settings, say=reporter.say)
        reporter.pause()
        _tell(args, comparison, reporter)
    whole = len(recordings) == len(inputs) == len(comparison.counted)
    return 0 if whole and len(comparison.ready) == len(comparison.models) else 1


def _models(args: argparse.Namespace, reporter: Reporter) -> list[ComparedModel]:
    """Return the models to compare. Raises `OptionError` where there are none, `ModelNotFound` for one not here."""
    from ..bundles import find_bundle
    from ..compare import compared_models, models_here
    from ..errors import ModelNotFound

    if args.models:
        named = compared_models(args.models, args.compute_type)
        for each in named:
            find_bundle(each.name)
        return named
    found, left_out = models_here(args.language, args.compute_type)
    for line in left_out:
        reporter.warn(line)
    if not found:
        raise ModelNotFound("any", hint="malsori models pull base gets one")
    reporter.warn(f"comparing all models that are here: {', '.join(each.label for each in found)}")
    return found


def _recordings(args: argparse.Namespace, inputs: Sequence[InputFile], reporter: Reporter) -> list[ComparedRecording]:
    """Return the recordings that can be read, with what was said in each; report the others."""
    from ..compare import ComparedRecording, SaidTexts
    from ..errors import OptionError

    said = SaidTexts.read(args.transcripts) if args.transcripts is not None else None
    found = []
    for each in inputs:
        if each.file == STDIN:
            raise OptionError("standard input can be read once, and each model hears the recordings; name files")
        if each.trouble is not None and not args.models and _is_model(each.file):
            raise OptionError(f"{each.file}: expected a recording, found the name of a model; type --models before it")
        if each.trouble is not None:
            reporter.pause()
            report(each.file, each.trouble, debug=args.debug)
        else:
            found.append(ComparedRecording(each.file, each.below, _said(args, each, said)))
    if said is not None and said.unused:
        first = ", ".join(sorted(said.unused)[:3])
        told = f"{args.transcripts}: {len(said.unused)} texts name no recording here: {first}"
        if found and all(each.said is None for each in found):
            raise OptionError(f"{told}; expected names such as {found[0].name}")
        reporter.warn(told)
    if not found:
        raise OptionError("there is no recording to compare models on")
    return found


def _is_model(name: str) -> bool:
    from ..bundles import find_bundle
    from ..errors import ModelError

    try:
        find_bundle(name)
    except (ModelError, ValueError, OSError):
        return False
    return True


def _said(args: argparse.Namespace, each: InputFile, said: SaidTexts | None) -> str | None:
    from ..pipeline.trials.hearing import transcript_of

    if args.no_transcripts:
        return None
    return transcript_of(Path(each.file)) if said is None else said.of(each.below)


def _tell(args: argparse.Namespace, comparison: ModelComparison, reporter: Reporter) -> None:
    if args.html is not None:
        _write_page(args, comparison)
    if args.json:
        emit_json(summary(comparison))
    else:
        emit_comparison(comparison)
    if args.html is not None:
        reporter.warn(f"{args.html} is written")


def _write_page(args: argparse.Namespace, comparison: ModelComparison) -> None:
    from ..compare import comparison_page
    from ..compare.embedded_sound import embedded_sound
    from ..output.files import atomic_file

    sound, notes = embedded_sound(comparison.recordings) if args.audio else ({}, [])
    page = comparison_page(comparison, sound=sound, notes=notes, created=time.strftime("%Y-%m-%d %H:%M"))
    with atomic_file(args.html) as file:
        file.write(page.encode("utf-8", errors="replace"))
