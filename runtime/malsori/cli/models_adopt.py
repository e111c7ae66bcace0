"""`malsori models adopt`: a plain folder as people have it becomes a bundle, whose bytes a manifest vouches for."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .console import emit, emit_json
from .parser import Parser
from .progress import Reporter
from .transcribe_flags import folder, language

if TYPE_CHECKING:
    from ..bundles import Manifest

EPILOG = """\
It is loaded once before anything is written. The bundle goes into malsori's folder in the user's cache and is found by
its name; files are copied unless --move is given, and nothing is there until all is. --quantize int8 rounds Whisper's
weights as a CPU does when it loads them: the same words from half the disk and half the memory while it loads.

examples:
  malsori models adopt ~/models/faster-whisper-small small
  malsori models adopt Systran/faster-whisper-base
  malsori models adopt ./xlsr-german-onnx german --language de
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser("adopt", help="make a bundle of a plain folder", description=__doc__, epilog=EPILOG)
    parser.add_argument("model", metavar="PATH", help="a model's folder, or the name of one in the hub's cache")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="what it is to be called (as its folder)")
    parser.add_argument(
        "--language",
        "-l",
        type=languages,
        default=(),
        metavar="CODES",
        help="what it knows, such as ko or de,fr (what was inferred)",
    )
    parser.add_argument(
        "--quantize",
        choices=("int8", "none"),
        default="none",
        help="round Whisper's weights to int8 (none: as they are)",
    )
    parser.add_argument("--output-dir", "-o", type=folder, metavar="DIR", help="put it there (the user's cache)")
    parser.add_argument("--move", action="store_true", help="do not keep the files where they are")
    parser.add_argument("--force", action="store_true", help="replace what has that name")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress on stderr")


def languages(text: str) -> tuple[str, ...]:
    """Read language codes with commas between them, as an argparse type."""
    return tuple(code for each in text.split(",") if (code := language(each.strip())))


def run(args: argparse.Namespace) -> int:
    """Adopt one model; return 0."""
    from ..bundles import find_bundle, read_manifest
    from ..bundles.adopt import adopt

    with Reporter(quiet=args.quiet) as reporter:
        found = find_bundle(args.model)
        reporter.say(f"loading {found.name}")
        inferred = found.manifest()
        _check_loads(found.folder, replace(inferred, languages=args.language or inferred.languages))
        into = _destination(args.output_dir)
        target = adopt(
            found,
            into,
            args.name,
            languages=args.language,
            int8=args.quantize == "int8",
            move=args.move,
            force=args.force,
            say=reporter.say_bytes,
        )
        manifest = read_manifest(target)
        reporter.pause()
        by = manifest.name if args.output_dir is None else shlex.quote(str(target))
        reporter.warn(f"{manifest.name} is a bundle now: malsori transcribe FILE --model {by}")
    if args.json:
        emit_json({"name": manifest.name, "folder": str(target)})
    else:
        emit(f"{target}\n")
    return 0


def _check_loads(folder: Path, manifest: Manifest) -> None:
    """Load the model. Raises the engine's error for one that does not run, before anything is copied."""
    from ..engines.load import load_engine

    load_engine(folder, manifest, device="cpu")


def _destination(asked: str | None) -> Path:
    from ..bundles.places import shelf
    from ..errors import OptionError

    if asked is not None:
        return Path(asked)
    own = shelf()
    if own is None:
        raise OptionError("this user has no home and so no cache; say where the bundle is to go: --output-dir DIR")
    return own
