"""`malsori models show`: what a model says of itself; of a plain folder, what was inferred and that nothing vouches."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .console import emit, emit_json
from .tables import size, table

if TYPE_CHECKING:
    from ..bundles import Found, Manifest

WIDEST = 240  # characters of a group of figures that stays on one line
APART = ("files", "measured")  # shown below the rest


def run(args: argparse.Namespace) -> int:
    """Show one model; return 0."""
    from ..bundles import find_bundle

    found = find_bundle(args.name)
    manifest = found.manifest()
    if args.json:
        location = {"folder": str(found.folder), "origin": found.origin, "inferred": found.plain}
        emit_json({**asdict(manifest), **location})
        return 0
    fields = {**asdict(manifest), **_notes(found, manifest), "folder": f"{found.folder} ({found.origin})"}
    shown = {name: value for name, value in fields.items() if name not in APART and value not in ("", (), {})}
    for name in ("demonstration", "lower_case"):
        if not shown[name]:
            del shown[name]
    emit(table([(name, _text(value)) for name, value in shown.items()]))
    emit("files\n" + table([(f"  {name}", size(entry.size)) for name, entry in manifest.files.items()]))
    if manifest.measured:
        emit("measured\n" + "".join(f"{line}\n" for line in _tree(_without_windows(manifest.measured), "  ")))
    return 0


def _notes(found: Found, manifest: Manifest) -> dict[str, str]:
    """Return additional lines by name: what follows from the fields, or from there being no manifest."""
    from ..bundles.families import FAMILIES
    from ..engines.whisper.model_files import FLOATS

    notes = {}
    family = FAMILIES[manifest.kind]
    if family.windowed and not manifest.audio_context:
        notes["window"] = "the full 30 s; malsori models calibrate finds a shorter one that is safe"
    if family.library == "ctranslate2" and manifest.quantization in FLOATS:
        notes["computed"] = "on a CPU in int8, unless asked for --compute-type float32; on CUDA as stored"
    if found.plain:
        name = found.name if found.origin == "hub cache" else shlex.quote(str(found.folder))
        notes["inferred"] = f"all of this, from the files; nothing vouches for their bytes: malsori models adopt {name}"
    return notes


def _without_windows(measured: dict[str, Any]) -> dict[str, Any]:
    """Return the measurements, of a calibration only the row of the chosen setting."""
    figures = measured.get("audio_context")
    if not isinstance(figures, dict) or not isinstance(windows := figures.get("windows"), dict):
        return measured
    chosen = figures.get("chosen")
    own = {chosen: windows[chosen]} if chosen in windows else {}
    shown = {**figures, "windows": f"{len(windows)} heard, --json has them all", **own}
    return {**measured, "audio_context": shown}


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
