"""Where a heard text differs from what was said: words, or characters, aligned with the fewest edits (Levenshtein).

    said "please set the bedroom light", heard "please let the bedroom"
    -> same "please ", replaced "set " by "let ", same "the bedroom ", missed "light"

Spelling that is no matter of hearing (case, punctuation, hyphens) makes no difference; it is shown as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..pipeline.trials.figures import distance_rows, last, plain

# Between two words like a space, where `plain` would make one of them: twenty-six is what twenty six is.
JOINTS = r"[-‐-―−/…]|\.{2,}"
MOST_CELLS = 1_000_000  # of a table that is held at once; longer texts are halved (Hirschberg 1975)
LETTERS = ((0x1100, 0x11FF), (0x2E80, 0xA4CF), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFF66, 0xFFDC), (0x20000, 0x3FFFF))
UNSPACED_SCRIPTS = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai, Lao, Burmese, Khmer

Kind: TypeAlias = Literal["same", "replaced", "missed", "added"]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch of two texts: the same in both, or said and heard as something else; "" where there is nothing."""

    kind: Kind
    said: str
    heard: str

    @property
    def spaced(self) -> bool:
        """Whether a space follows in either text."""
        return self.said.endswith(" ") or self.heard.endswith(" ")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or character: `key` is what is compared, `text` how it is written, with what stands up to the next one."""

    key: str
    text: str


def normal(text: str) -> str:
    """Return a text as it is compared: `plain`, with hyphens, dashes, slashes and dots between words as spaces."""
    return plain(re.sub(JOINTS, " ", text))


def by_character(texts: Sequence[str]) -> bool:
    """Return whether most letters are Korean, Japanese, Chinese, Thai, ...: where spaces are few, or a matter of taste.

    In Korean they are written by rules that people and models keep differently.
    """
    letters = [ord(char) for text in texts for char in unicodedata.normalize("NFC", text) if char.isalpha()]
    ranges = (*LETTERS, *UNSPACED_SCRIPTS)
    return sum(any(low <= code <= high for low, high in ranges) for code in letters) * 2 > len(letters)


def differences(said: str, heard: str, *, characters: bool = False) -> list[Difference]:
    """Return both texts in stretches that are the same or differ, in order; neighbouring differences are one."""
    ours, theirs = pieces(said, characters=characters), pieces(heard, characters=characters)
    pairs = aligned([each.key for each in ours], [each.key for each in theirs])
    found = []
    for same, group in groupby(pairs, key=lambda pair: _same(ours, theirs, pair)):
        members = list(group)
        texts = [
            "".join(side[index].text for pair in members if (index := pair[at]) is not None)
            for at, side in enumerate((ours, theirs))
        ]
        found.append(Difference("same" if same else _kind(*texts), *texts))
    return found


def pieces(text: str, *, characters: bool) -> list[Piece]:
    """Return the words or characters of a text; what has no letters or digits goes with the piece before it."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    atoms = list(text) if characters else re.findall(rf"\s+|{JOINTS}|(?:(?!\s|{JOINTS}).)+", text)
    found: list[Piece] = []
    ahead = ""
    for atom in atoms:
        key = normal(atom)
        if key:
            found.append(Piece(key, ahead + atom))
            ahead = ""
        elif found:
            found[-1] = Piece(found[-1].key, found[-1].text + atom)
        else:
            ahead += atom
    return found


def aligned(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Return pairs of indices, in order, with the fewest edits; None where a piece has no counterpart.

    Where several alignments have as few, pieces at the end are paired first.
    """
    numbers: dict[str, int] = {}
    ours, theirs = (
        np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64) for keys in (said, heard)
    )
    return list(_pairs(ours, theirs, 0, 0))


def _pairs(said: Codes, heard: Codes, first: int, second: int) -> Iterator[tuple[int | None, int | None]]:
    """Yield the pairs of two texts that begin at `first` and `second`."""
    if len(said) < 2 or len(said) * len(heard) <= MOST_CELLS:
        yield from _small_pairs(said, heard, first, second)
        return
    half = len(said) // 2
    before = last(distance_rows(said[:half], heard))
    behind = last(distance_rows(said[half:][::-1], heard[::-1]))[::-1]
    at = int(np.argmin(before + behind))
    yield from _pairs(said[:half], heard[:at], first, second)
    yield from _pairs(said[half:], heard[at:], first + half, second + at)


def _small_pairs(said: Codes, heard: Codes, first: int, second: int) -> Iterator[tuple[int | None, int | None]]:
    table = np.stack(list(distance_rows(said, heard)))
    row, column = len(said), len(heard)
    backwards: list[tuple[int | None, int | None]] = []
    while row or column:
        here = table[row, column]
        both = row and column and table[row - 1, column - 1] + (said[row - 1] != heard[column - 1]) == here
        up = both or (row and table[row - 1, column] + 1 == here)
        left = both or not up
        row, column = row - bool(up), column - bool(left)
        backwards.append((first + row if up else None, second + column if left else None))
    yield from reversed(backwards)


def _same(ours: Sequence[Piece], theirs: Sequence[Piece], pair: tuple[int | None, int | None]) -> bool:
    own, other = pair
    return own is not None and other is not None and ours[own].key == theirs[other].key


def _kind(said: str, heard: str) -> Kind:
    return "replaced" if said and heard else "missed" if said else "added"
