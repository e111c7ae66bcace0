"""How wide letters are shown, and where a text that has no spaces between its words may be taken apart.

Width is counted in cells, as terminals and caption boxes do: a letter of Chinese, Japanese or Korean takes two (Unicode
Standard Annex 11), an accent none.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

CJK = ((0x2E80, 0x312F), (0x3190, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF))  # Hangul has spaces
UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai and Lao, Burmese, Khmer: where words are known
MEDIAL_JAMO = (0x1160, 0x11FF)  # vowels and finals of decomposed Hangul stand in the cells of their initial
HIRAGANA = (0x3041, 0x309F)
# No line begins or ends with these (JIS X 4051).
NEVER_FIRST = frozenset(
    "、。，．,.・：；:;？！?!゛゜ヽヾゝゞ々ー’”\"'）)〕］]｝}〉》」』】〜～…‥％%ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
NEVER_LAST = frozenset("‘“（(〔［[｛{〈《「『【￥＄$£")


def cells(text: str) -> int:
    """Return how wide a text is shown."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def is_wide(letter: str) -> bool:
    """Whether a letter takes two cells."""
    return _cells(letter) > 1


def may_part(before: str, after: str, *, known: bool) -> bool:
    """Whether a line may end between two neighbouring letters; `known` tells that a word ends there."""
    if before in NEVER_LAST or after in NEVER_FIRST or not _cells(after):
        return False
    return any(_within(letter, CJK) or (known and _within(letter, UNSPACED)) for letter in (before, after))


def parts_words(before: str, after: str) -> bool:
    """Whether a word of a text without spaces is likely to end between two letters.

    Of Japanese: behind its endings and particles, which are hiragana, where other letters follow.
    """
    return _within(before, (HIRAGANA,)) and not _within(after, (HIRAGANA,))


@lru_cache(maxsize=4096)
def _cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf") or _within(letter, (MEDIAL_JAMO,)):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def _within(letter: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(letter) <= last for first, last in ranges)
