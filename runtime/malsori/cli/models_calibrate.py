"""`malsori models calibrate`: how short a window a Whisper bundle bears on one's own recordings, and how fast it is."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engines.machine.devices import DEVICES
from .calibration_table import tables
from .console import complain, emit, emit_json
from .destinations import check_writable
from .model_flags import at_least_one, percent_points, threads
from .parser import Parser
from .progress import Reporter
from .transcribe_flags import language

if TYPE_CHECKING:
    from ..bundles import Bundle
    from ..errors import AudioError
    from ..pipeline.trials import Calibration

MAX_LOSS, MAX_RETRIES = 0.5, 10.0  # as `CalibrationLimits` has them
EPILOG = """\
A transcript is FILE.txt beside the recording; without one, what the full window of 30 s hears is held to be right. Each
stretch of speech is heard at 30 s, then in the windows that floors (3 to 20 s) and margins (0.5 to 3 s) give it, those
of the least to encode first and no more than can still be taken; --all hears every one. Safe is a setting that makes no
more errors than --max-loss allows, reads no more clips again than --max-retries, and whose floor at least three clips
were short enough for.

The safe one that encodes the fewest seconds is taken, and of those within a twentieth of it the one with the longest
windows; that is the same in every run, where times are not. It is written into the bundle's manifest with the figures;
where all shorter windows were heard to be unsafe, that is the full window. With fewer than 20 clips or 60 s of speech
nothing is written without --force, and with fewer than three clips short enough for any floor nothing at all: the
bundle keeps the window it had.

columns:
  CER, WER     characters and words wrong against the transcripts
  CER to full  characters that differ from what the full window hears
  loss         percent points of CER above the full window's; below 0 it makes fewer errors
  again        clips whose reading looped or did not end, and that were read again at 30 s
  encoded      seconds of window that the encoder saw in all, those read again included
  p50, p95     seconds by the clock for one clip
  speed        how many times as fast as the full window by the clock (median of the clips)

example:
  malsori models calibrate ./turbo-int8 --audio recordings/ --plot windows.png
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser(
        "calibrate",
        help="find the shortest safe window of Whisper",
        description=__doc__,
        epilog=EPILOG,
        hints={"BUNDLE": "BUNDLE comes before --audio, which takes all that follows it"},
    )
    parser.add_argument("name", metavar="BUNDLE", help="a name or the path of a Whisper bundle")
    parser.add_argument(
        "--audio", type=Path, nargs="+", required=True, metavar="DIR|FILE", help="speech as the model is to hear it"
    )
    parser.add_argument(
        "--language", "-l", type=language, metavar="LANGUAGE", help="what is spoken (told for each recording)"
    )
    parser.add_argument(
        "--beam-size", type=at_least_one, metavar="N", help="hypotheses kept (1; 5 where that is unsure)"
    )
    parser.add_argument(
        "--max-loss",
        type=percent_points,
        default=MAX_LOSS,
        metavar="X",
        help="most that CER may be above the full window's, in percent points (default: %(default)g)",
    )
    parser.add_argument(
        "--max-retries",
        type=percent_points,
        default=MAX_RETRIES,
        metavar="X",
        help="most clips that may be read again at 30 s, in percent (default: %(default)g)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors and time to a .png or .svg, with --all")
    parser.add_argument("--all", action="store_true", help="hear every window, also those that cannot be taken")
    parser.add_argument("--dry-run", "-n", action="store_true", help="write nothing into the bundle")
    parser.add_argument("--force", action="store_true", help="write also what little speech has told")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where it runs (%(default)s)")
    parser.add_argument("--threads", type=threads, metavar="N", help="CPU threads (the cores this process may use)")
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor warnings on stderr")


def run(args: argparse.Namespace) -> int:
    """Calibrate one bundle; return 0, or 1 when the recordings tell too little of shorter windows to be written."""
    from ..bundles import open_bundle

    if args.plot:
        from .calibration_table import check_plot

        check_writable(args.plot)
        check_plot(args.plot)
    with Reporter(quiet=args.quiet) as reporter:
        reporter.say(f"loading {args.name}")
        bundle = open_bundle(args.name)
        left_out: list[str] = []
        calibration = _calibrate(args, bundle, reporter, left_out)
        refused = _refusal(args, calibration)
        written = not (refused or args.dry_run)
        if written:
            _write(bundle, calibration)
        if args.plot:
            from .calibration_table import draw

            draw(calibration, args.plot)
        warnings = [line for line in calibration.warnings() if not refused.startswith(line)]
        for line in warnings:
            reporter.warn(f"{calibration.model}: {line}")
    if args.json:
        emit_json(_summary(calibration, bundle, written, [*left_out, *warnings, *([refused] if refused else [])]))
    else:
        emit(tables(calibration, bundle, written=written))
    if refused:
        complain(f"{calibration.model}: {refused}")
    return 1 if refused else 0


def _refusal(args: argparse.Namespace, calibration: Calibration) -> str:
    """Return why the outcome must not be written, or ""."""
    if not calibration.seen:
        return (
            "fewer than three clips were short enough for any shorter window, so nothing is known of it and nothing "
            "was written; give recordings of sentences of 1 to 10 s"
        )
    if calibration.thin and not (args.force or args.dry_run):
        return f"{calibration.thin}; nothing was written, --force writes it all the same"
    return ""


def _calibrate(args: argparse.Namespace, bundle: Bundle, reporter: Reporter, left_out: list[str]) -> Calibration:
    """Check that the outcome can be written, then calibrate."""
    from ..bundles.seal import check_amendable
    from ..engines.load import load_engine
    from ..pipeline.trials import CalibrationLimits, calibrate, check_kind, find_recordings

    check_kind(bundle.manifest)
    if not args.dry_run:
        check_amendable(bundle.folder)
    recordings = find_recordings(args.audio, bundle.manifest.languages)

    def unreadable(path: Path, error: AudioError) -> None:
        if path in args.audio:
            raise error
        left_out.append(f"{error}; left out")
        reporter.warn(left_out[-1])

    # of Whisper's kind, as was checked
    engine: Any = load_engine(bundle.folder, bundle.manifest, device=args.device, threads=args.threads)
    return calibrate(
        engine,
        recordings,
        limits=CalibrationLimits(args.max_loss, args.max_retries),
        language=args.language,
        beam_size=args.beam_size,
        threads=args.threads,
        every=args.all or args.plot is not None,
        say=reporter.say,
        unreadable=unreadable,
    )


def _write(bundle: Bundle, calibration: Calibration) -> None:
    from ..bundles import read_manifest
    from ..bundles.seal import amend

    figures = {"date": date.today().isoformat(), **calibration.to_dict()}
    measured = {**read_manifest(bundle.folder).measured, "audio_context": figures}
    amend(bundle.folder, audio_context=calibration.audio_context, measured=measured)


def _summary(calibration: Calibration, bundle: Bundle, written: bool, warnings: list[str]) -> dict[str, Any]:
    return {
        "model": calibration.model,
        **calibration.to_dict(),
        "audio_context": calibration.audio_context,
        "written": written,
        "kept": None if written else bundle.manifest.audio_context,
        "warnings": warnings,
    }
