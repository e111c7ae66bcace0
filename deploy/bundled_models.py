"""Build hook: puts the small bundles of `models/` into the wheel as `malsori/_models/`, so that it works offline.

A bundle that is not there yet (a checkout before training) is left out instead of failing the build. Editable
installs get none: they find the folder `models/` itself, see `malsori/bundles/places.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = ("nano-ctc-ko", "nano-whisper")


class BundledModels(BuildHookInterface):
    """Called by hatchling once per wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folders that hold a manifest to the files of the wheel."""
        if version == "editable":
            return
        for name in BUNDLED:
            folder = Path(self.root) / "models" / name
            if (folder / "manifest.json").is_file():
                build_data["force_include"][str(folder)] = f"malsori/_models/{name}"
