"""GET /v1/models: the models that a client may name, from what was found at the start; no file is touched."""

from __future__ import annotations

import re
from typing import Any

from ...bundles.manifest import Manifest
from ..registry import Registry

OWNED = re.compile(r"(?:https://[\w.]+/)?([\w.-]+)/[\w.-]+/?")  # openai/whisper-base
OURS = "malsori"


def model_list(registry: Registry, created: int) -> dict[str, Any]:
    """Return all models, the one first that is taken where a request names none."""
    return {"object": "list", "data": [model_entry(registry.manifest(name), created) for name in registry.names]}


def model_entry(manifest: Manifest, created: int) -> dict[str, Any]:
    """Return one model as OpenAI's clients know it, with what it can in members of our own.

    `created` is a time in seconds since 1970; bundles have none, so it is that of the service's start.
    """
    owner = OWNED.fullmatch(manifest.source)
    return {
        "id": manifest.name,
        "object": "model",
        "created": created,
        "owned_by": owner[1] if owner else OURS,
        "tasks": list(manifest.tasks),
        "languages": list(manifest.languages),
    }
