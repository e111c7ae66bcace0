"""The checkpoints of a run in its work folder: which are complete, which is the best, and removing the others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STATE = "trainer_state.json"  # what transformers writes last into a checkpoint


def checkpoints(work: Path) -> list[Path]:
    """Return the complete checkpoints, the oldest first; a run killed while saving leaves one that is not."""
    found = sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    return [path for path in found if state_of(path)]


def state_of(checkpoint: Path) -> dict[str, Any]:
    """Return the trainer's state as a checkpoint has it, empty when the checkpoint is not complete."""
    try:
        return dict(json.loads((checkpoint / STATE).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def forget(work: Path, *, but: Sequence[Path] = ()) -> None:
    """Remove the checkpoints of a work folder, except those named."""
    for path in set(work.glob("checkpoint-*")) - set(but):
        shutil.rmtree(path)


def best_of(work: Path) -> Path:
    """Return the checkpoint that was the best of the run, by its metric on the held-out clips."""
    there = checkpoints(work)
    return work / f"checkpoint-{state_of(there[-1])['best_global_step']}"
