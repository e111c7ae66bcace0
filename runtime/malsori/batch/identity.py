"""What a batch is of: the model, what is asked of it, and what is written. A journal belongs to one of these."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from ..bundles import find_bundle
from ..option import non_defaults
from .settings import WorkerSettings

# Options that change no words of what is done: speed and memory, and whether a recording fails.
WITHOUT_EFFECT = ("batch_size", "cancelled", "allow_truncated", "max_seconds")

SHOWN = 16  # digits of the model's digest: enough to tell models apart


def identity_of(settings: WorkerSettings) -> dict[str, Any]:
    """Return what the results of a batch depend on, as JSON has it; where it runs, and how fast, is none of it."""
    options = settings.options
    asked = {
        name: _plain(value)
        for group in (options.source, options.speech, options.decoding)
        for name, value in non_defaults(group).items()
        if name not in WITHOUT_EFFECT
    }
    if options.align_with is not None:
        asked["align_with"] = str(options.align_with)
    return {
        "model": f"{find_bundle(settings.model).manifest().name} (sum {settings.model_digest[:SHOWN]})",
        "options": asked,
        "formats": list(settings.formats),
        "cues": {name: _plain(value) for name, value in non_defaults(settings.cues).items()},
        "compute_type": settings.compute_type,
        "words": settings.words,
    }


def _plain(value: Any) -> Any:
    """Return a value of an option as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(each) for name, each in asdict(value).items()}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Collection) and not isinstance(value, (str, bytes)):
        return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value
