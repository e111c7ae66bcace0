"""`malsori models calibrate`: how short a window a Whisper bundle bears on one's own recordings, and how fast it is."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import complain, emit
from .destinations import check_writable
from .model_flags import DEVICES, at_least_one, percent_points, threads
from .parser import Parser
from .progress import Reporter
from .tables import table

if TYPE_CHECKING:
    from ..bundles import Bundle
    from ..pipeline.calibration import Calibration
    from ..pipeline.calibration.figures import Figures
    from ..pipeline.proof import Errors

MAX_LOSS, MAX_RETRIES = 0.5, 10.0  # as `Limits` has them
EPILOG = """\
A transcript is FILE.txt beside the recording; without one, what the full window of 30 s hears is held to be right. Each
stretch of speech is heard in the window that each floor (3 to 20 s) and margin (0.5 to 3 s) gives it. Safe is a setting
that makes no more errors than --max-loss allows, reads no more clips again than --max-retries, and whose floor at least
three clips were short enough for. The fastest safe one becomes the bundle's own, and is written into its manifest with
the figures; where none is, the bundle keeps the full window.

example:
  malsori models calibrate ./turbo-int8 --audio recordings/ --plot windows.png
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser(
        "calibrate", help="find the shortest safe window of Whisper", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("name", metavar="BUNDLE", help="a name or the path of a Whisper bundle")
    parser.add_argument(
        "--audio", type=Path, nargs="+", required=True, metavar="DIR|FILE", help="speech as the model is to hear it"
    )
    parser.add_argument("--language", "-l", metavar="CODE", help="what is spoken (told for each recording)")
    parser.add_argument("--beam-size", type=at_least_one, metavar="N", help="hypotheses kept while decoding (5)")
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
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors and time to a .png or .svg")
    parser.add_argument("--dry-run", "-n", action="store_true", help="write nothing into the bundle")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where it runs (%(default)s)")
    parser.add_argument("--threads", type=threads, metavar="N", help="CPU threads (the cores this process may use)")
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor warnings on stderr")


def run(args: argparse.Namespace) -> int:
    """Calibrate one bundle; return 0, or 1 when the recordings can tell nothing of shorter windows."""
    from ..bundles import open_bundle

    if args.plot:
        from .calibration_plot import check_plot

        check_writable(args.plot)
        check_plot(args.plot)
    with Reporter(quiet=args.quiet) as reporter:
        reporter.say(f"loading {args.name}")
        bundle = open_bundle(args.name)
        calibration = _calibrate(args, bundle, reporter)
        written = calibration.seen and not args.dry_run
        if written:
            _write(bundle, calibration)
        if args.plot:
            from .calibration_plot import draw

            draw(calibration, args.plot)
        for line in calibration.warnings():
            reporter.warn(f"{calibration.model}: {line}")
    emit(_json(calibration, written) if args.json else _told(calibration, bundle, written))
    if not calibration.seen:
        complain(
            f"{calibration.model}: fewer than three clips were short enough for any shorter window, so nothing is "
            "known of it and nothing was written; give recordings of sentences of 1 to 10 s"
        )
    return 0 if calibration.seen else 1


def _calibrate(args: argparse.Namespace, bundle: Bundle, reporter: Reporter) -> Calibration:
    """Refuse what cannot end well before the first second is spent, then listen."""
    from ..bundles.amend import check_amendable
    from ..engines.load import load_engine
    from ..pipeline.calibration import Limits, calibrate, check_kind
    from ..pipeline.proof import find_recordings

    check_kind(bundle.manifest)
    if not args.dry_run:
        check_amendable(bundle.folder)
    recordings = find_recordings(args.audio, bundle.manifest.languages)
    # of Whisper's kind, as was checked
    engine: Any = load_engine(bundle.folder, bundle.manifest, device=args.device, threads=args.threads)
    return calibrate(
        engine,
        recordings,
        limits=Limits(args.max_loss, args.max_retries),
        language=args.language,
        beam_size=args.beam_size,
        threads=args.threads,
        say=reporter.say,
    )


def _write(bundle: Bundle, calibration: Calibration) -> None:
    from ..bundles import read_manifest
    from ..bundles.amend import amend

    figures = {"date": date.today().isoformat(), **calibration.to_dict()}
    measured = {**read_manifest(bundle.folder).measured, "audio_context": figures}
    amend(bundle.folder, audio_context=calibration.audio_context, measured=measured)


def _json(calibration: Calibration, written: bool) -> str:
    told = {
        "model": calibration.model,
        **calibration.to_dict(),
        "audio_context": calibration.audio_context,
        "written": written,
        "warnings": calibration.warnings(),
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _told(calibration: Calibration, bundle: Bundle, written: bool) -> str:
    from ..bundles import MANIFEST
    from ..pipeline.calibration.results import label

    chosen = calibration.chosen
    faster = f"{chosen.ratio:.2f}x as fast as the full window" if chosen is not calibration.full else ""
    host = calibration.host
    rows = [
        ("model", calibration.model, bundle.manifest.quantization),
        ("speech", f"{calibration.seconds:.1f} s", f"{calibration.full.clips} clips in {calibration.takes} recordings"),
        ("transcripts", str(calibration.transcripts), "" if calibration.transcripts else "the full window is right"),
        ("machine", f"{host['cpu']}", f"{host['threads']} threads, {host['device']}, {host['compute']}"),
        ("setting", label(chosen.context), faster),
        ("written", str(bundle.folder / MANIFEST) if written else "nothing", ""),
    ]
    return table(rows) + "\n" + table(_settings(calibration))


def _settings(calibration: Calibration) -> list[tuple[str, ...]]:
    full, chosen = calibration.full, calibration.chosen
    with_transcripts = ("CER", "WER") if full.cer else ()
    head = ("floor", "margin", *with_transcripts, "CER to full", "loss", "again", "p50", "p95", "speed", "")
    verdicts = {each.context: calibration.objection(each) or "safe" for each in calibration.settings}
    verdicts[full.context] = ""
    verdicts[chosen.context] = "chosen"
    return [head, *(_setting(each, verdicts[each.context]) for each in (*calibration.settings, full))]


def _setting(figures: Figures, verdict: str) -> tuple[str, ...]:
    context = figures.context
    full = context.floor_s >= 30
    return (
        "full" if full else f"{context.floor_s:g} s",
        "" if full else f"{context.margin_s:g} s",
        *(_rate(each) for each in (figures.cer, figures.wer) if each is not None),
        _rate(figures.cer_full),
        f"{figures.loss * 100:+.2f}",
        f"{figures.retries:.0%}",
        f"{figures.p50:.3f} s",
        f"{figures.p95:.3f} s",
        f"{figures.ratio:.2f}x",
        verdict,
    )


def _rate(errors: Errors) -> str:
    return "-" if errors.rate is None else f"{errors.rate:.2%}"
