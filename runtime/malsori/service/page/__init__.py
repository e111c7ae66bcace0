"""The page at `/`: speak and read along, or hear files, in a browser. `index.html` is what to read first."""

from __future__ import annotations

from .static_files import PATHS, routes

__all__ = ["PATHS", "routes"]
