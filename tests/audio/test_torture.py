"""Damaged files by the thousand: none hangs, crashes or ends in a traceback, and none loses sound without a word.

    python -m pytest -m torture tests/audio/test_torture.py -n0 -s

A thousand copies of each format: twenty files (codecs, rates, layouts, bit rates, three sounds) by fifty seeds.
`MALSORI_TORTURE_COPIES` changes the fifty. The default run reads a few copies of some formats.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from malsori.audio import decode
from tests.containers import SECONDS, Form, bursts, encoded, forms_of, pairs
from tests.shipped import ROOT
from tests.torture import Fault, Worker, run

FILES = 20
COPIES = int(os.environ.get("MALSORI_TORTURE_COPIES", "50"))  # of each file
FORMATS = (
    "wav,w64",
    "aiff,au,caf",
    "flac",
    "ogg",
    "mp3",
    "mp2",
    "adts",
    "mp4,ipod,mov",
    "3gp,amr",
    "matroska",
    "webm",
    "mpegts",
    "mpeg",
    "avi",
    "asf",
    "ac3,eac3",
)
_BIT_RATES = {
    "aac": (0, 32_000, 96_000),
    "libmp3lame": (0, 32_000, 64_000),
    "libopus": (0, 12_000, 64_000),
    "libopencore_amrnb": (4_750, 5_900, 7_400, 10_200, 12_200),
    "mp2": (0, 64_000, 96_000),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def sounds(rate: int) -> list[NDArray[np.float32]]:
    """Return bursts, Korean and English, as long as each other."""
    speech = [decode(ROOT / "samples" / f"{name}.wav").samples for name in ("korean", "english")]
    return [bursts(rate), *(soxr.resample(each[: round(SECONDS * 16_000)], 16_000, rate) for each in speech)]


def files(containers: str, count: int) -> list[tuple[Form, NDArray[np.float32]]]:
    """Return `count` different files of some containers, every codec among them where there is room."""
    held = [pair for pair in pairs() if pair.container in containers.split(",")]
    chance = random.Random(containers)
    each = [_variants(pair, chance) for pair in held]
    turns = itertools.zip_longest(*each)  # a codec after the other, then their second variants
    return [found for found in itertools.chain.from_iterable(turns) if found is not None][:count]


def _variants(pair: Form, chance: random.Random) -> list[tuple[Form, NDArray[np.float32]]]:
    forms = [pair] if pair.variant else forms_of(pair.container, pair.codec)
    made = [
        (Form(form.container, form.codec, form.rate, form.layout, form.options, bit_rate, form.variant), sound)
        for form in forms
        for bit_rate in _BIT_RATES.get(form.codec, (0,))
        for sound in sounds(form.rate)
    ]
    chance.shuffle(made)
    return made


def faults(worker: Worker, folder: Path, containers: str, count: int, copies: int) -> list[Fault]:
    """Make the files of some containers and read `copies` damaged copies of each."""
    found = []
    for index, (form, sound) in enumerate(files(containers, count)):
        path = folder / f"{index}-{form}"
        path.write_bytes(encoded(form, sound))
        found += run(worker, path, form.container, range(index * copies, (index + 1) * copies))
    return found


def listed(found: list[Fault]) -> str:
    return "\n".join([f"{len(found)} faults", *(str(each) for each in found[:20])])


@pytest.mark.torture
@pytest.mark.parametrize("containers", FORMATS)
def test_a_thousand_damaged_copies_of_a_format(worker: Worker, tmp_path: Path, containers: str) -> None:
    found = faults(worker, tmp_path, containers, FILES, COPIES)
    assert not found, listed(found)


@pytest.mark.parametrize("containers", ["wav", "flac", "ogg", "mp3", "mp4", "matroska"])
def test_some_damaged_copies_of_the_common_formats(worker: Worker, tmp_path: Path, containers: str) -> None:
    found = faults(worker, tmp_path, containers, 3, 4)
    assert not found, listed(found)
