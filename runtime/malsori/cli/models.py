"""`malsori models ...`: which bundles there are, what they say and whether it is so, and which to get."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import (
    models_adopt,
    models_bundle,
    models_calibrate,
    models_prove,
    models_pull,
    models_recommend,
    models_remove,
    models_show,
    models_unbundle,
    models_verify,
)
from .console import complain, emit, emit_json
from .parser import Parser
from .tables import size, table

if TYPE_CHECKING:
    from ..bundles import Found, Manifest

EPILOG = """\
A model is looked for in $MALSORI_MODELS, in models/ of a checkout, in the installed package, in the user's cache, and
in the cache of the hub's client. It is a bundle, or a plain folder: Whisper for CTranslate2, an ONNX export with CTC.

examples:
  malsori models list
  malsori models pull base
  malsori models show nano-ctc-ko
  malsori models show ~/faster-whisper-small
  malsori models adopt ~/faster-whisper-small small
  malsori models remove large-v3
  malsori models bundle base
  malsori models unbundle whisper-base.malsori.tar
  malsori models verify ./my-bundle
  malsori models prove nano-ctc-ko
  malsori models recommend --language ko
  malsori models calibrate nano-whisper --audio recordings/
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command, its actions and their flags."""
    parser = subparsers.add_parser(
        "models",
        help="list, pull, show, verify, adopt, remove, bundle, unbundle, prove, calibrate or recommend models",
        description="Which models there are, what they say of themselves, whether they are intact and right.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the models that can be asked for by name")
    show = actions.add_parser("show", help="what a model says of itself")
    show.add_argument("name", metavar="NAME", help="a name or the path of a model's folder")
    verify = actions.add_parser("verify", help="hash all files of models again, and load them")
    verify.add_argument("names", nargs="*", metavar="NAME", help="names, paths, archives (all that have a name)")
    models_pull.add_action(actions)
    models_adopt.add_action(actions)
    models_remove.add_action(actions)
    models_bundle.add_action(actions)
    models_unbundle.add_action(actions)
    models_prove.add_action(actions)
    models_recommend.add_action(actions)
    models_calibrate.add_action(actions)
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="for programs")
        action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Carry out one action; return 0, or 1 when a model is not as it should be."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list,
        "show": models_show.run,
        "verify": models_verify.run,
        "pull": models_pull.run,
        "adopt": models_adopt.run,
        "remove": models_remove.run,
        "bundle": models_bundle.run,
        "unbundle": models_unbundle.run,
        "prove": models_prove.run,
        "recommend": models_recommend.run,
        "calibrate": models_calibrate.run,
    }
    return actions[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from ..bundles import list_bundles
    from ..errors import ModelError

    bundles: list[tuple[Found, Manifest]] = []
    failed = False
    for found in list_bundles():
        try:
            bundles.append((found, found.manifest()))
        except ModelError as error:
            complain(f"{found.name}: {error}")
            failed = True
    _complain_of_places()
    if args.json:
        emit_json([_summary(found, manifest) for found, manifest in bundles])
    elif bundles:
        emit(table([_row(found, manifest) for found, manifest in bundles]))
    else:
        _say_none()
    return 1 if failed else 0


def _complain_of_places() -> None:
    """Write to stderr which folders hold no models, and which names several models have."""
    from ..bundles.find import complaints, namesakes

    for line in complaints():
        complain(line)
    for name, (first, *others) in namesakes().items():
        rest = ", ".join(str(other.folder) for other in others)
        complain(f"two models are called {name}: {first.folder} is taken, by its path only {rest}")


def _say_none() -> None:
    from ..bundles.find import HINT

    complain(f"no models here; {HINT}")


def _summary(found: Found, manifest: Manifest) -> dict[str, Any]:
    names = ("kind", "languages", "tasks", "quantization", "licence", "description")
    fields = {name: getattr(manifest, name) for name in names}
    return {
        "name": found.name,
        **fields,
        "size": manifest.size,
        "folder": str(found.folder),
        "origin": found.origin,
        "plain": found.plain,
    }


def _row(found: Found, manifest: Manifest) -> tuple[str, ...]:
    languages = manifest.languages
    listed = ",".join(languages) if len(languages) < 5 else f"{len(languages)} languages"
    return found.name, manifest.kind, listed, manifest.quantization, size(manifest.size), found.origin
