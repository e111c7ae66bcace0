"""`malsori models verify`: are the bytes of models those that their manifests list, and do the models load?

An archive that `models bundle` wrote is checked as `models unbundle` does; what is in it is not loaded.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from .console import complain, emit, emit_json, printable
from .models_unbundle import open_archive
from .progress import Reporter


def run(args: argparse.Namespace) -> int:
    """Check all models named, or all there are; return 0, or 1 when one is not whole or does not load."""
    from ..bundles import list_bundles

    results = []
    names = args.names or [found.name for found in list_bundles()]
    with Reporter() as reporter:
        for name in names:
            reporter.say(f"verifying {name}")
            results.append(_verified_archive(name, reporter) if _is_archive(name) else _verified(name))
            reporter.pause()
            if not args.json:
                _tell(results[-1])
    if args.json:
        emit_json(results)
    elif not results:
        from ..bundles.find import HINT

        complain(f"no models here; {HINT}")
    return 0 if all(result["ok"] for result in results) else 1


def _verified(name: str) -> dict[str, Any]:
    """Return the JSON form of one model's result; `intact` is None where there is no manifest with sums."""
    from ..bundles import find_bundle, verify
    from ..engines.load import load_engine
    from ..errors import DeviceUnavailable, EngineError, ModelError, ModelNotFound, OptionError

    intact: bool | None = False
    try:
        found = find_bundle(name)
        manifest = found.manifest()
        if found.plain:
            intact = None
        else:
            verify(found.folder, manifest, force=True)
            intact = True
        load_engine(found.folder, manifest, device="cpu")
    except (ModelError, EngineError, OptionError, DeviceUnavailable) as error:
        # The other lines of an unknown name would be repeated for each of several models.
        message = error.lines[0] if isinstance(error, ModelNotFound) else str(error)
        return {"name": name, "ok": False, "intact": intact, "loads": False, "error": message}
    return {"name": name, "ok": True, "intact": intact, "loads": True}


def _is_archive(name: str) -> bool:
    return name.endswith(".tar") and os.path.isfile(name)


def _verified_archive(name: str, reporter: Reporter) -> dict[str, Any]:
    """Return the JSON form of an archive's result; `loads` is None, since nothing in it is loaded."""
    from ..bundles.archive import check
    from ..errors import ModelError

    told: dict[str, Any] = {"name": name, "ok": False, "intact": False, "loads": None}
    try:
        with open_archive(name) as (reader, expected):
            models = check(reader, lambda label, done, total: reporter.say_bytes(f"verifying {label}", done, total))
            if expected and reader.sha256 != expected:
                raise reader.wrong(f"sha256 {expected}, as {name}.sha256 says", f"sha256 {reader.sha256}")
    except ModelError as error:
        return {**told, "error": str(error)}
    return {**told, "ok": True, "intact": True, "models": [model.name for model in models], "sha256": reader.sha256}


def _tell(result: dict[str, Any]) -> None:
    name = printable(result["name"])
    if result["ok"] and "models" in result:
        emit(f"{name}: {', '.join(result['models'])}: intact; sha256 {result['sha256']}\n")
    elif result["ok"]:
        bytes_are = "intact" if result["intact"] else "no manifest vouches for its bytes (malsori models adopt)"
        emit(f"{name}: {bytes_are}; loads\n")
    elif result["intact"]:
        complain(f"{result['name']}: its bytes are intact, but it does not load: {result['error']}")
    else:
        complain(result["error"])
