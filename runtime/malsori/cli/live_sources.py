"""Which sound `malsori live` listens to: a microphone, unless a pipe or a file is named."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .console import complain

if TYPE_CHECKING:
    from ..audio.live import LiveSource


def open_source(args: argparse.Namespace) -> LiveSource:
    """Open what the flags name.

    Raises:
        AudioError: the microphone or the file cannot be opened.
        OptionError: standard input is closed, or a terminal, or is to be simulated.
    """
    from ..audio.live import Simulated, open_microphone
    from ..errors import OptionError

    if args.simulate in ("-", "/dev/stdin"):
        raise OptionError("--simulate: expected a file, found standard input; that is --stdin, which takes raw PCM")
    if args.simulate is not None:
        return Simulated(args.simulate, args.speed or 1.0)
    if args.stdin:
        return _pipe(args)
    return open_microphone(args.input, tell=None if args.quiet else complain)


def _pipe(args: argparse.Namespace) -> LiveSource:
    from ..audio.live import PcmPipe
    from ..errors import OptionError

    if sys.stdin is None or sys.stdin.isatty():
        found = "closed" if sys.stdin is None else "a terminal"
        raise OptionError(f"--stdin: expected raw PCM, found that standard input is {found}; try arecord ... | malsori")
    form = {"rate": args.rate, "channels": args.channels, "encoding": args.encoding}
    given = {name: value for name, value in form.items() if value is not None}
    return PcmPipe(sys.stdin.fileno(), name="standard input", **given)
