"""How a batch is run. No numpy here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..kinds import Choice, Count, FilePath, Kind, Switch
from ..option import option


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Where the workers of a batch run, and what a run does with what runs before it have left.

    engine: local has worker processes on this machine, ray has actors on a cluster. Files, results and journal are the
        same: a batch that was begun with one goes on with the other.
    address: cluster for --engine ray: HOST:PORT, or auto for the one of this machine (one is started).
    workers: worker processes, or actors (measured). On one machine, how many are best is found by a short trial, whose
        outcome is kept.
    retry_failed: do again what has failed in earlier runs.
    start_over: do all files anew; the journal that is there is set aside, results are replaced one by one.
    journal: file that remembers what was done (.malsori-batch.sqlite in the folder of the results). It has to lie on a
        disk of this machine, and so has to be named where results go to a URL or a network file system.
    null: the paths on standard input end in a null byte, as those of find -print0.
    """

    engine: Literal["local", "ray"] = option("local", Choice("local", "ray"))
    address: str | None = option(None, Kind(or_none=True))
    workers: int | None = option(None, Count(1024, or_none=True))
    retry_failed: bool = option(False, Switch())
    start_over: bool = option(False, Switch())
    journal: Path | None = option(None, FilePath(or_none=True))
    null: bool = option(False, Switch(), "--null", "-0")
