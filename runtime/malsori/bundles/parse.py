"""Reads `manifest.json` into a `Manifest`. Each field is checked by itself, so that an error names the wrong one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from ..errors import ModelCorrupt, ModelIncompatible
from ..types import SAMPLE_RATE
from .families import FAMILIES
from .manifest import FORMAT, MANIFEST, FileEntry, Manifest, is_safe
from .verify import foreign

NUMBERS = ("hidden_size", "num_hidden_layers")  # of `sizes`, that the runtime counts with
CONTEXT = {"floor_s": (1.0, 30.0), "margin_s": (0.0, 29.0)}  # of `audio_context`: least and most, in seconds
LARGEST = 4 << 20  # bytes; the manifest of a large model is some 10 KB
SHA256 = re.compile(r"[0-9a-f]{64}")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a bundle. A field that this version does not know is ignored.

    Raises:
        ModelCorrupt: there is no such file, it is not JSON, or it names files outside the folder.
        ModelIncompatible: a field is missing or has another type, or the kind or the format is not one that this
            version reads.
    """
    path = folder / MANIFEST
    return manifest_from(_text(path), str(path))


def _text(path: Path) -> str:
    expected = "the manifest of a bundle"
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ModelCorrupt(str(path), f"at most {LARGEST} bytes", "more")
        return content.decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelCorrupt(str(path), expected, "no such file") from error
    except OSError as error:
        raise ModelCorrupt(str(path), expected, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ModelCorrupt(str(path), "UTF-8 text", f"other bytes at {error.start}") from error


def manifest_from(text: str, path: str) -> Manifest:
    """Return the manifest that a text holds; `path` names it in errors. Raises `ModelCorrupt`, `ModelIncompatible`."""
    data = _json_object(text, path)
    # The format first: in a newer one everything else may rightly look wrong.
    _check_format(data, path)
    values: dict[str, Any] = {}
    for spec in fields(Manifest):
        if spec.name in data:
            values[spec.name] = _value(spec.name, str(spec.type), data[spec.name], path)
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise ModelIncompatible(path, f"the field {spec.name!r} is missing")
    manifest = Manifest(**values)
    _check_numbers(manifest, path)
    _check_audio_context(manifest.audio_context, path)
    return manifest


def _json_object(text: str, path: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        found = foreign(text.encode()) or f"something else ({error})"
        raise ModelCorrupt(path, "JSON", found) from error
    except RecursionError as error:
        raise ModelCorrupt(path, "JSON", "values nested too deep") from error
    if not isinstance(data, dict):
        raise ModelCorrupt(path, "a JSON object", _kind_of(data))
    return data


def _check_format(data: dict[str, Any], path: str) -> None:
    number = data.get("format", FORMAT)
    if not _is_int(number) or number < 1:
        raise ModelIncompatible(path, f"format: expected a number from 1 on, found {number!r}")
    if number > FORMAT:
        raise ModelIncompatible(path, f"its format is {number}, this malsori reads up to {FORMAT}; use a newer malsori")


def _check_numbers(manifest: Manifest, path: str) -> None:
    if manifest.kind not in FAMILIES:
        raise ModelIncompatible(path, f"kind: expected {' or '.join(sorted(FAMILIES))}, found {manifest.kind!r}")
    if manifest.sample_rate != SAMPLE_RATE:
        raise ModelIncompatible(path, f"sample_rate: expected {SAMPLE_RATE}, found {manifest.sample_rate}")
    if manifest.frame_stride < 1:
        raise ModelIncompatible(path, f"frame_stride: expected at least 1 sample, found {manifest.frame_stride}")
    if len(manifest.conv_kernels) != len(manifest.conv_strides):
        lengths = f"{len(manifest.conv_kernels)} and {len(manifest.conv_strides)}"
        raise ModelIncompatible(path, f"conv_kernels and conv_strides: expected one each per layer, found {lengths}")
    if min((*manifest.conv_kernels, *manifest.conv_strides), default=1) < 1:
        raise ModelIncompatible(path, "conv_kernels and conv_strides: expected positive numbers")
    for name in NUMBERS:
        if not _is_int(value := manifest.sizes.get(name, 1)) or value < 1:
            raise ModelIncompatible(path, f"sizes: {name}: expected a whole number from 1 on, found {value!r}")


def _check_audio_context(context: dict[str, float], path: str) -> None:
    if context and context.keys() != CONTEXT.keys():
        found = ", ".join(context)
        raise ModelIncompatible(path, f"audio_context: expected {' and '.join(CONTEXT)}, or nothing, found {found}")
    for name, value in context.items():
        least, most = CONTEXT[name]
        if not least <= value <= most:  # also where it is no number at all, which JSON writers call NaN
            raise ModelIncompatible(
                path, f"audio_context: {name}: expected {least:g} to {most:g} seconds, found {value:g}"
            )


def _value(name: str, annotation: str, value: Any, path: str) -> Any:
    if name == "files":
        return _files(value, path)
    expected, fits, convert = SHAPES[annotation]
    if not fits(value):
        raise ModelIncompatible(path, f"{name}: expected {expected}, found {_kind_of(value)}")
    return convert(value)


def _files(value: Any, path: str) -> dict[str, FileEntry]:
    if not isinstance(value, dict):
        raise ModelIncompatible(path, f"files: expected an object, found {_kind_of(value)}")
    return {name: _entry(name, entry, path) for name, entry in value.items()}


def _entry(name: str, entry: Any, path: str) -> FileEntry:
    if not is_safe(name):
        raise ModelCorrupt(path, "names of files inside the bundle", f"{name!r}")
    if not isinstance(entry, dict) or not {"size", "sha256"} <= entry.keys():
        raise ModelIncompatible(path, f"files: {name!r}: expected size and sha256, found {_kind_of(entry)}")
    size, sha256 = entry["size"], entry["sha256"]
    if not _is_int(size) or size < 0:
        raise ModelIncompatible(path, f"files: {name!r}: size: expected a number of bytes, found {size!r}")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise ModelIncompatible(path, f"files: {name!r}: sha256: expected 64 hex digits, found {sha256!r}")
    return FileEntry(size, sha256)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind_of(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return repr(value) if len(repr(value)) < 60 else f"{type(value).__name__} of {len(repr(value))} characters"


def _all(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(test(item) for item in value)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_number(item) for item in value.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (_is_int(value) and abs(value) < 1 << 53)  # a larger one may be no float


def _to_floats(value: dict[str, Any]) -> dict[str, float]:
    return {name: float(number) for name, number in value.items()}


def _is_str(value: Any) -> bool:
    return isinstance(value, str)


# For each annotation in `Manifest`: what an error calls such a value, the test for it, and its conversion from JSON.
SHAPES: dict[str, tuple[str, Callable[[Any], bool], Callable[[Any], Any]]] = {
    "str": ("a text", _is_str, str),
    "int": ("a whole number", _is_int, int),
    "bool": ("true or false", lambda value: isinstance(value, bool), bool),
    "tuple[str, ...]": ("a list of texts", _all(_is_str), tuple),
    "tuple[int, ...]": ("a list of whole numbers", _all(_is_int), tuple),
    "dict[str, float]": ("an object of numbers", _are_numbers, _to_floats),
    "dict[str, Any]": ("an object", lambda value: isinstance(value, dict), dict),
}
