"""Copies of a file that are damaged in one of many ways; the same seed gives the same copy. No tests here."""

from __future__ import annotations

import random
from collections.abc import Callable

_MOST_BYTES = 64  # changed one by one
_LONGEST_RUN = 4_096  # bytes zeroed or made random in one place


def damaged(data: bytes, seed: int) -> tuple[bytes, str]:
    """Return a damaged copy and what was done to it."""
    chance = random.Random(seed)
    kind = chance.choice(list(KINDS))
    return KINDS[kind](data, chance), kind


def _cut_at_the_end(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _cut_at_the_start(data: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(1, len(data)) :]


def _cut_in_the_middle(data: bytes, chance: random.Random) -> bytes:
    start, stop = _two_places(data, chance)
    return data[:start] + data[stop:]


def _bytes_changed(data: bytes, chance: random.Random) -> bytes:
    copy = bytearray(data)
    for _ in range(chance.randint(1, _MOST_BYTES)):
        copy[chance.randrange(len(copy))] = chance.randrange(256)
    return bytes(copy)


def _bits_of_the_head_changed(data: bytes, chance: random.Random) -> bytes:
    """Change what says what the file is and how long: few bits of the first bytes."""
    copy = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        copy[chance.randrange(min(512, len(copy)))] ^= 1 << chance.randrange(8)
    return bytes(copy)


def _run_zeroed(data: bytes, chance: random.Random) -> bytes:
    start, stop = _run(data, chance)
    return data[:start] + bytes(stop - start) + data[stop:]


def _run_made_random(data: bytes, chance: random.Random) -> bytes:
    start, stop = _run(data, chance)
    return data[:start] + chance.randbytes(stop - start) + data[stop:]


def _parts_swapped(data: bytes, chance: random.Random) -> bytes:
    a, b, c, d = sorted(chance.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _part_repeated(data: bytes, chance: random.Random) -> bytes:
    start, stop = _two_places(data, chance)
    return data[:stop] + data[start:]


def _two_places(data: bytes, chance: random.Random) -> tuple[int, int]:
    start, stop = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return start, stop


def _run(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + chance.randint(1, _LONGEST_RUN))


KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut at the end": _cut_at_the_end,
    "cut at the start": _cut_at_the_start,
    "cut in the middle": _cut_in_the_middle,
    "bytes changed": _bytes_changed,
    "bits of the head changed": _bits_of_the_head_changed,
    "run zeroed": _run_zeroed,
    "run made random": _run_made_random,
    "parts swapped": _parts_swapped,
    "part repeated": _part_repeated,
}
