"""The flags that choose a model and where it runs, shared by all commands that load one."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from .progress import Reporter

if TYPE_CHECKING:
    from ..pipeline import Transcriber

DEFAULT_MODEL = "nano-ctc-ko"
DEVICES = ("auto", "cpu", "cuda", "tensorrt")


def add_model_flags(parser: argparse.ArgumentParser, *, default: str = DEFAULT_MODEL) -> None:
    """Add `--model`, `--device`, `--compute-type`, `--threads`, `--memory`, `--no-verify` and `--quiet`."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        "-m",
        default=default,
        metavar="NAME",
        help="a name from `malsori models list` or the path of a bundle (%(default)s)",
    )
    group.add_argument(
        "--device",
        default="auto",
        choices=DEVICES,
        help="where it runs (%(default)s, which never takes tensorrt)",
    )
    group.add_argument(
        "--compute-type", default="default", metavar="TYPE", help="default (as exported), int8, float16, float32, ..."
    )
    group.add_argument("--threads", type=threads, metavar="N", help="CPU threads (the cores this process may use)")
    group.add_argument(
        "--memory", default="normal", choices=("normal", "low"), help="low shares the weights, and is slower (wav2vec2)"
    )
    group.add_argument("--no-verify", action="store_true", help="skip the check of the bundle's sha256 sums")
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor warnings on stderr")


def load_model(args: argparse.Namespace, reporter: Reporter, name: str | None = None) -> Transcriber:
    """Load the model that the flags ask for, or another the same way, telling `reporter` so."""
    name = name or args.model
    reporter.say(f"loading {name}")
    from ..pipeline import load

    return load(
        name,
        device=args.device,
        compute_type=args.compute_type,
        threads=args.threads,
        memory=args.memory,
        verify=not args.no_verify,
    )


def at_least_one(text: str) -> int:
    """Read a whole number of 1 or more, as an argparse type."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, found {text!r}")
    return int(text)


def threads(text: str) -> int | None:
    """Read a number of threads; 0 is the whisper family's way to leave the choice to us."""
    return None if text == "0" else at_least_one(text)


def percent_points(text: str) -> float:
    """Read a number of 0 or more, as an argparse type."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, found {text!r}")
    return value
