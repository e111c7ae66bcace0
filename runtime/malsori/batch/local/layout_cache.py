"""What trials have found, kept in the user's cache folder: the same model on the same machine is tried once."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...atomic import replacing
from ...bundles.places import cache_folder
from ..settings import WorkerSettings
from .candidates import MachineParts
from .layout_trial import TriedLayout
from .worker_layout import WorkerLayout

NAME = "layouts.json"
MOST_KEPT = 200  # of which the oldest go


class LayoutCache:
    """Layouts by key, in a file. One that cannot be read counts as empty, one that cannot be written stays as it is."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use `layouts.json` of a folder, by default the user's cache."""
        folder = folder or cache_folder()
        self._path = None if folder is None else folder / NAME

    def get(self, key: str) -> WorkerLayout | None:
        """Return the layout that was found best, None where none was tried."""
        kept = self._read().get(key)
        try:
            return None if kept is None else _layout(kept["layout"])
        except (KeyError, TypeError, ValueError):
            return None

    def put(self, key: str, best: TriedLayout) -> None:
        """Keep the layout that was found best."""
        if self._path is None:
            return
        kept = {name: value for name, value in self._read().items() if name != key}
        kept[key] = {"layout": asdict(best.layout), "speed": round(best.speed, 2)}
        text = json.dumps(dict(list(kept.items())[-MOST_KEPT:]), indent=1)
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as file:
                file.write(text.encode())

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes()) if self._path is not None else {}
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def key_of(settings: WorkerSettings, machine: MachineParts, cpu: str, version: str) -> str:
    """Return the key of a trial: the model, how it computes, the processor, its cores, and the version of malsori."""
    facts = [
        settings.model_digest or os.path.abspath(settings.model),
        [settings.compute_type, settings.loading.device, settings.loading.memory],
        [machine.threads, machine.groups, machine.gpus, cpu],
        version,
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _layout(kept: dict[str, Any]) -> WorkerLayout:
    workers, threads = int(kept["workers"]), int(kept["threads"])
    if not 1 <= workers <= 1024 or not 1 <= threads <= 1024:
        raise ValueError(f"a layout of {workers} workers of {threads} threads")
    cpus = tuple(tuple(int(core) for core in cores) for cores in kept["cpus"])
    return WorkerLayout(workers, threads, cpus, tuple(str(gpu) for gpu in kept["gpus"]))
