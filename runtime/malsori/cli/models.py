"""`malsori models ...`: which bundles there are, what they say and whether it is so, and which to get."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import models_calibrate, models_prove, models_recommend
from .console import complain, emit, printable
from .parser import Parser
from .tables import table

if TYPE_CHECKING:
    from ..bundles import Found, Manifest

WIDEST = 240  # characters of a group of figures that stays on one line
EPILOG = """\
A model is looked for in $MALSORI_MODELS, in models/ of a checkout, in the installed package, in the user's cache.

examples:
  malsori models list
  malsori models show nano-ctc-ko
  malsori models verify ./my-bundle
  malsori models prove nano-ctc-ko
  malsori models recommend --language ko
  malsori models calibrate nano-whisper --audio recordings/
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command, its actions and their flags."""
    parser = subparsers.add_parser(
        "models",
        help="list, show, verify, prove, calibrate or recommend models",
        description="Which models there are, what they say of themselves, whether they are intact and right.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the models that can be asked for by name")
    show = actions.add_parser("show", help="what a model says of itself")
    show.add_argument("name", metavar="NAME", help="a name or the path of a bundle")
    verify = actions.add_parser("verify", help="hash all files of models again")
    verify.add_argument("names", nargs="*", metavar="NAME", help="names or paths (all that can be asked for by name)")
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
        "show": _show,
        "verify": _verify,
        "prove": models_prove.run,
        "recommend": models_recommend.run,
        "calibrate": models_calibrate.run,
    }
    return actions[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from ..bundles import list_bundles, read_manifest
    from ..errors import ModelError

    bundles: list[tuple[Found, Manifest]] = []
    failed = False
    for found in list_bundles():
        try:
            bundles.append((found, read_manifest(found.folder)))
        except ModelError as error:
            complain(f"{found.name}: {error}")
            failed = True
    if args.json:
        emit(_json([_summary(found, manifest) for found, manifest in bundles]))
    elif bundles:
        emit(table([_row(found, manifest) for found, manifest in bundles]))
    else:
        _say_none()
    return 1 if failed else 0


def _say_none() -> None:
    from ..bundles.find import HINT

    complain(f"no models here; {HINT}")


def _show(args: argparse.Namespace) -> int:
    from ..bundles import find_bundle, read_manifest

    found = find_bundle(args.name)
    manifest = read_manifest(found.folder)
    if args.json:
        emit(_json({**asdict(manifest), "folder": str(found.folder), "origin": found.origin}))
        return 0
    fields = {**asdict(manifest), "folder": f"{found.folder} ({found.origin})"}
    files = [(f"  {name}", _size(entry.size)) for name, entry in manifest.files.items()]
    told = {
        name: value for name, value in fields.items() if name not in ("files", "measured") and value not in ("", (), {})
    }
    emit(table([(name, _text(value)) for name, value in told.items()]))
    emit("files\n" + table(files))
    emit("measured\n" + "".join(f"{line}\n" for line in _tree(_without_windows(manifest.measured), "  ")))
    return 0


def _without_windows(measured: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured with but one row of a calibration, the one that was chosen."""
    figures = measured.get("audio_context")
    if not isinstance(figures, dict) or not isinstance(windows := figures.get("windows"), dict):
        return measured
    chosen = figures.get("chosen")
    own = {chosen: windows[chosen]} if chosen in windows else {}
    told = {**figures, "windows": f"{len(windows)} heard, --json has them all", **own}
    return {**measured, "audio_context": told}


def _verify(args: argparse.Namespace) -> int:
    from ..bundles import find_bundle, list_bundles, read_manifest, verify
    from ..errors import ModelError

    results: list[dict[str, Any]] = []
    for name in args.names or [found.name for found in list_bundles()]:
        try:
            folder = find_bundle(name).folder
            verify(folder, read_manifest(folder), force=True)
        except ModelError as error:
            results.append({"name": name, "ok": False, "error": str(error)})
        else:
            results.append({"name": name, "ok": True})
        if not args.json:
            _tell(results[-1])
    if args.json:
        emit(_json(results))
    elif not results:
        _say_none()
    return 0 if all(result["ok"] for result in results) else 1


def _tell(result: dict[str, Any]) -> None:
    if result["ok"]:
        emit(f"{printable(result['name'])}: intact\n")
    else:
        complain(result["error"])


def _summary(found: Found, manifest: Manifest) -> dict[str, Any]:
    names = ("kind", "languages", "tasks", "quantization", "licence", "description")
    fields = {name: getattr(manifest, name) for name in names}
    return {"name": found.name, **fields, "size": _total(manifest), "folder": str(found.folder), "origin": found.origin}


def _row(found: Found, manifest: Manifest) -> tuple[str, ...]:
    languages = manifest.languages
    listed = ",".join(languages) if len(languages) < 5 else f"{len(languages)} languages"
    return found.name, manifest.kind, listed, manifest.quantization, _size(_total(manifest)), found.origin


def _total(manifest: Manifest) -> int:
    return sum(entry.size for entry in manifest.files.values())


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _tree(figures: dict[str, Any], indent: str) -> Iterator[str]:
    """Yield a line per figure, groups indented below their names; a group of plain figures stays on one line."""
    for name, value in figures.items():
        if not isinstance(value, dict):
            yield f"{indent}{name}: {value}"
        elif any(isinstance(inner, dict) for inner in value.values()) or len(str(value)) > WIDEST:
            yield f"{indent}{name}"
            yield from _tree(value, indent + "  ")
        else:
            yield f"{indent}{name}: " + ", ".join(f"{key} {inner}" for key, inner in value.items())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
