"""`malsori embed`: the encoder's hidden states of each file, as numpy files."""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from .console import printable, report
from .destinations import Destinations, check_writable
from .model_flags import DEFAULT_MODEL, add_model_flags, load_model
from .parser import Parser
from .progress import Reporter
from .sources import input_files, sources

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EPILOG = """\
Each file becomes a float32 array of shape (frames, hidden size); with --layers all (layers, frames, hidden size), and
with --pool without the frames. Layer 0 is what goes into the first layer, N what comes out of the last. Frames are
frame_stride samples at 16 kHz apart (320, so 20 ms); malsori models show NAME tells that and the sizes. One file makes
.npy, or .npz when asked by the name; several make an .npz with one array per file under its stem (two of one stem:
talk.mp3 and talk.wav, or a/talk and b/talk).

examples:
  malsori embed samples/korean.wav -o korean.npy
  malsori embed talks/*.wav --layers all --pool -o talks.npz
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "embed", help="files to hidden states", description="Hidden states of each file.", epilog=EPILOG
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a sound file, or - for standard input")
    parser.add_argument("--output", "-o", required=True, metavar="PATH", help="the .npy or .npz to write")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--layer", type=int, default=-1, metavar="N", help="one layer; -1 is the last (%(default)s)")
    which.add_argument("--layers", choices=("all",), help="all of them")
    parser.add_argument("--pool", "--pooled", action="store_true", help="the mean over the frames")
    add_model_flags(parser, default=DEFAULT_MODEL)


def run(args: argparse.Namespace) -> int:
    """Embed all files; return 0, or 1 when some failed (the rest is written, if there is a rest)."""
    from ..errors import AudioError, EngineError

    output, sound = _output(args), sources(args.files)
    stems = Destinations(output.parent, input_files(args.files), ()).stems
    arrays: dict[str, NDArray[np.float32]] = {}
    with Reporter(quiet=args.quiet) as reporter:
        transcriber = load_model(args, reporter)
        for stem, file, source in zip(stems, args.files, sound, strict=True):
            reporter.say(file)
            try:
                arrays[stem] = transcriber.embed(source, layer=args.layer, layers=args.layers, pooled=args.pool)
            except (AudioError, EngineError) as error:
                reporter.pause()
                report(file, error, debug=args.debug)
    if arrays:
        _save(arrays, output)
    return 0 if len(arrays) == len(args.files) else 1


def _output(args: argparse.Namespace) -> Path:
    """Return the path to write. Raises `OptionError` or `OutputError` for a wrong one, before any work is done."""
    from ..errors import OptionError

    output = Path(args.output)
    endings = (".npz",) if len(args.files) > 1 else (".npy", ".npz")
    if output.suffix not in endings:
        raise OptionError(
            f"{output}: expected a name that ends in {' or '.join(endings)} for {len(args.files)} file(s)"
        )
    check_writable(output)
    return output


def _save(arrays: dict[str, NDArray[np.float32]], output: Path) -> None:
    import numpy as np

    from ..output import atomic_file

    with atomic_file(output) as file:
        if output.suffix == ".npy":
            np.save(file, next(iter(arrays.values())))
            return
        # np.savez takes names as keywords, and a recording may well be called `file`, which is its first parameter.
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{printable(name)}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
