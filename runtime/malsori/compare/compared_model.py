"""Which models are compared: those named, each with a compute type of its own if it has one, or all that are here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..bundles import list_bundles
from ..bundles.choice import rank
from ..engines.load import COMPUTE_TYPES
from ..errors import ModelError, OptionError
from ..languages import code_of, knows

DEFAULT = "default"  # compute type


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model that is compared: the name or path that was given, its compute type, and what it is called in results."""

    name: str
    compute_type: str = DEFAULT
    label: str = ""


def compared_models(texts: Sequence[str], compute_type: str = DEFAULT) -> list[ComparedModel]:
    """Return the models that the texts name, each once, in order: `base`, `base@float32`, `base,tiny.en`, `./folder`.

    `compute_type` is that of models without one of their own. Raises `OptionError` for a compute type that there is not
    and where no model is named.
    """
    found = [_read(part, compute_type) for text in texts for part in _parts(text)]
    if not found:
        raise OptionError("models: expected names such as base,tiny.en, found none")
    return _labelled(list(dict.fromkeys(found)))


def models_here(language: str | None = None, compute_type: str = DEFAULT) -> tuple[list[ComparedModel], list[str]]:
    """Return all models that have a name here, the most accurate first, and a line for each that is left out.

    Left out are those that do not know the language, if one is given, and those that cannot be read.
    """
    here, left_out = [], []
    for found in list_bundles():
        try:
            manifest = found.manifest()
        except ModelError as error:
            left_out.append(str(error))
            continue
        if language is None or not manifest.languages or knows(manifest.languages, code_of(language)):
            here.append((rank(found.name, manifest), manifest.demonstration, found.name))
        else:
            left_out.append(f"{found.name} does not know the language {language!r}")
    ordered = sorted(here, key=lambda each: (each[1], each[0], each[2]))
    return _labelled([ComparedModel(name, compute_type) for _, _, name in ordered]), left_out


def _parts(text: str) -> Iterator[str]:
    """Yield the models of a text with commas between; a folder's path may have commas itself."""
    yield from [text] if os.path.isdir(text) else filter(None, map(str.strip, text.split(",")))


def _read(text: str, compute_type: str) -> ComparedModel:
    model, at, own = text.rpartition("@")
    if not at or os.path.isdir(text):
        return ComparedModel(text, compute_type)
    if own not in COMPUTE_TYPES:
        raise OptionError(f"{text}: expected MODEL@TYPE with one of {', '.join(COMPUTE_TYPES)}, found {own!r}")
    return ComparedModel(model, own)


def _labelled(found: list[ComparedModel]) -> list[ComparedModel]:
    """Return them with labels: name and compute type, of a path the last part unless several end in the same."""
    short = [_label(each, Path(each.name).resolve().name if os.path.isdir(each.name) else each.name) for each in found]
    return [
        replace(each, label=label if short.count(label) == 1 else _label(each, each.name))
        for each, label in zip(found, short, strict=True)
    ]


def _label(each: ComparedModel, name: str) -> str:
    return name if each.compute_type == DEFAULT else f"{name}@{each.compute_type}"
