"""Recordings of real people and of rooms, as `INDEX.tsv` describes them, and the sound of the samples that ship."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.places import SAMPLES

RATE = 16_000
ROOMS = {  # as their index says: no speech in them
    "rooms and machines (recorded)": (
        "noise/speechbrain_noise1",
        "noise/speechbrain_noise4",
        "noise/speechbrain_noise5",
    ),
    "silences (recorded)": (
        "vad/ina_silence2sec",
        "vad/pyaa_n_IMBOEI4DBL_374.0_375.0",
        "vad/pyaa_n_IOBEWT1S55_174.0_175.0",
        "vad/pyaa_n_J950HTM138_56.0_57.0",
    ),
}
Audio = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording: its name below the folder of recordings, where it lies, its language if told, its length, its words.

    `said` is None where nobody speaks.
    """

    name: str
    path: Path
    language: str | None
    seconds: float
    said: str | None


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's index, by the names of its columns."""
    with (folder / "INDEX.tsv").open(encoding="utf-8") as file:
        return [*csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def sound(seconds: float) -> Audio:
    """Return so much of the samples' speech, repeated."""
    from malsori.audio import decode

    return np.resize(decode(SAMPLES / "numbers.wav").samples, round(seconds * RATE))
