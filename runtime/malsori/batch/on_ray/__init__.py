"""Actors of a Ray cluster: the runner, the process that talks to Ray for it, and the actor."""

from __future__ import annotations

from .ray_runner import RayRunner

__all__ = ["RayRunner"]
