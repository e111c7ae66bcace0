"""Worker processes of this machine: the runner, and how many of how many threads there should be."""

from __future__ import annotations

from .layouts import layout_for
from .local_runner import LocalRunner
from .worker_layout import ONE_WORKER, WorkerLayout

__all__ = ["ONE_WORKER", "LocalRunner", "WorkerLayout", "layout_for"]
