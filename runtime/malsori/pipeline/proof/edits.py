"""Character errors: the edit distance of two texts, and the form in which a transcript is compared."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray


def edit_distance(reference: str, heard: str) -> int:
    """Return how many characters to insert, delete or replace to turn one text into the other (Levenshtein).

    A row of the usual table at a time. What insertions give is a running minimum: a cell is the least of the cells
    left of it plus their distance.
    """
    columns = _codes(heard)
    steps = np.arange(len(columns) + 1)
    row = steps
    for code in _codes(reference):
        best = row + 1  # deleted
        best[1:] = np.minimum(best[1:], row[:-1] + (columns != code))  # kept or replaced
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def word_distance(reference: str, heard: str) -> int:
    """Return how many words to insert, delete or replace to turn one text into the other; spaces part them."""
    numbers: dict[str, str] = {}
    coded = [
        "".join(numbers.setdefault(word, chr(len(numbers) + 1)) for word in text.split()) for text in (reference, heard)
    ]
    return edit_distance(*coded)


def plain(text: str) -> str:
    """Return a text as it is compared with a transcript: NFC, no case, no punctuation or symbols, single spaces.

    Models write without punctuation and in one case, people do not; that is no error of hearing.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join("".join(char for char in folded if unicodedata.category(char)[0] not in "PS").split())


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
