"""The flags that choose a model and where it runs, shared by all commands that load one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..engines.machine.devices import DEVICES
from ..kinds import Count, Number
from .parser import reader
from .progress import Reporter

if TYPE_CHECKING:
    from ..pipeline import TranscribeOptions, Transcriber
    from ..pipeline.options import Loading

DEFAULT_MODEL = "nano-ctc-ko"
at_least_one = reader(Count())
percent_points = reader(Number(0, finite=True))


def add_model_flags(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Add `--model`, `--device`, `--compute-type`, `--threads`, `--memory`, `--no-verify` and `--quiet`."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        "-m",
        default=default,
        type=model_name,
        metavar="NAME",
        help="a name (base, large-v3, one of `malsori models list`) or the path of a model's folder "
        + ("(%(default)s)" if default else "($MALSORI_MODEL, or the most accurate that is here)"),
    )
    add_loading_flags(group)
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor warnings on stderr")


def add_loading_flags(group: argparse._ActionsContainer) -> None:
    """Add `--device`, `--compute-type`, `--threads`, `--memory` and `--no-verify`."""
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
        "--memory", default="normal", choices=("normal", "low"), help="low takes less of it, and is slower; same words"
    )
    group.add_argument("--no-verify", action="store_true", help="skip the check of the bundle's sha256 sums")


def load_model(
    args: argparse.Namespace,
    reporter: Reporter,
    name: str | None = None,
    *,
    options: TranscribeOptions | None = None,
    **wanted: Any,
) -> Transcriber:
    """Load the model that the flags ask for, or another the same way, telling `reporter` so.

    Without `--model` it is the best one here for what is `wanted` of it (see `best` in `bundles/choice.py`). `options`
    that its manifest rules out are refused before it is loaded.
    """
    chosen = None
    check_loading_flags(args)
    if not (named := name or args.model):
        from ..bundles.choice import best

        chosen = best(getattr(args, "language", None), task=getattr(args, "task", None) or "transcribe", **wanted)
        named = chosen.found.name
        if chosen.line:
            reporter.warn(chosen.line)
    reporter.say(f"loading {named}")
    from ..pipeline import load

    transcriber = load(
        named,
        device=args.device,
        compute_type=args.compute_type,
        threads=args.threads,
        memory=args.memory,
        verify=not args.no_verify,
        wanted=options,
    )
    if chosen is not None and chosen.warning:
        transcriber.warnings = (chosen.warning,)
    return transcriber


def check_loading_flags(args: argparse.Namespace) -> None:
    """Raise `OptionError` for what no model can be loaded with."""
    from ..engines.load import check_loading

    flags = {name: getattr(args, name) for name in ("device", "compute_type", "threads", "memory")}
    check_loading(workers=1, **flags)


def loading_of(args: argparse.Namespace) -> Loading:
    """Return how the flags say that models are loaded. Raises as `check_loading_flags`."""
    from ..pipeline.options import Loading

    check_loading_flags(args)
    return Loading(args.device, args.threads, args.memory, not args.no_verify)


def model_name(text: str) -> str:
    """Read the name or path of a model, as an argparse type; an empty one is more likely an unset variable."""
    if not text.strip():
        raise argparse.ArgumentTypeError(
            "expected the name or the path of a model, found an empty text; leave the flag out for the model that is "
            "taken without one"
        )
    return text


def threads(text: str) -> int | None:
    """Read a number of threads; 0 is the whisper family's way to leave the choice to us."""
    number: int | None = None if text == "0" else at_least_one(text)
    return number
