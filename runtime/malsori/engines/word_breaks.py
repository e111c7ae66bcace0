"""Where in a text its words begin: at spaces, and in scripts without spaces at characters.

text    "1,250 people, aren't they?"     "東京の AI,3.5%です。"
words    1,250|people,|aren't|they?       東|京|の|AI,|3.5%|で|す。

Numbers, apostrophes and hyphens are inside of words, and punctuation belongs to the word beside it. In scripts without
spaces a word is a character with its combining ones (small kana, vowel signs), a run of katakana, a number or a word of
another script.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

OPENING = "\"'“¿([{-¡«‹„‚‘「『（〈《【"  # marks that, alone between spaces, belong to the word behind them
CLOSING = "\"'.。,，!！?？:：”)]}、;；…—–’»›」』）〉》】"  # marks that then belong to the word before them
SAID = "%‰&@#°§"  # punctuation that is spoken, as currency and maths symbols are

SPACES = re.compile(r"\s*[^\S\u00a0\u2007\u202f]\s*")  # without no-break spaces alone, as in "1 000"
DASHES = re.compile(r"(?<=\w)(?:[—―]+|–|…+|\.{2,}|-{2,})(?=\W*\w)")  # end a word, except in "1914–1918"
UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai to Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u30ff\u3105-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")  # Korean has spaces, around Chinese letters too
KATAKANA = re.compile("[\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d]")
SYLLABLES = re.compile("[\u0f00-\u0fff]")  # Tibetan, which has a mark between syllables
FOLLOWING = frozenset(
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶー々〻ゝゞヽヾｰﾞﾟ"
    "\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ebd\u0ec6"  # Thai and Lao vowels behind a consonant
)
LEADING = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")  # and those before it
STACKING = frozenset("\u1039\u17d2")  # the letter behind it stands below the one before
FINAL = frozenset("\u1039\u103a")  # the letter before it ends a syllable
IN_NUMBERS, IN_WORDS = frozenset(".,:．，：'’"), frozenset(".'’-‐‑&@/_+·")
QUOTES = frozenset("\"'")  # open and close alike
SIGNS = frozenset("$＄£￡¥￥€₩￦฿#＃@＠+＋-－−№")  # belong to the number or word behind them


def spaced_once(text: str) -> str:
    """Return the text with each run of white space as one space, and none at its ends."""
    return SPACES.sub(" ", text.strip()).strip(" ")


def word_begins(text: str, language: str = "", *, opening: str = OPENING, closing: str = CLOSING) -> list[int]:
    """Return the positions at which the words of a text begin, ascending.

    Marks between spaces belong to the word behind them where they are `opening`, to the one before where they are
    `closing`, and are words otherwise; marks of `OPENING` and `CLOSING` that are in neither are always words.
    `language` matters for Korean alone, in which words of Chinese letters have spaces too.
    """
    begins: list[int] = []
    held = False  # the text so far ends in opening marks
    for chunk in re.finditer(r"[^ ]+", _with_plain_spaces(text)):
        opens, closes = set(chunk[0]) <= set(opening), set(chunk[0]) <= set(closing)
        first = chunk.end() - len(chunk[0].lstrip())
        if first == chunk.end():  # nothing but no-break spaces
            continue
        if not held and not (closes and not opens and begins):
            begins.append(first)
        inside = (chunk.start() + begin for begin in _inside(chunk[0], language, opening, closing))
        begins += [begin for begin in inside if begin > first]
        held = opens or (closes and len(begins) == 1 and chunk.start() == begins[0])
    return begins[:-1] if held and len(begins) > 1 else begins  # marks that nothing follows end the word before them


@dataclass(frozen=True, slots=True)
class SpelledWord:
    """A word of a text given in parts, of which it consists of `[first, stop)`."""

    text: str
    spaced: bool
    first: int
    stop: int


def spelled_words(
    parts: Sequence[str], language: str = "", *, opening: str = OPENING, closing: str = CLOSING
) -> list[SpelledWord]:
    """Return the words of a text in parts, with single spaces; parameters as for `word_begins`.

    No part is split, so several words in one part are one word; words of blank parts alone are left out.
    """
    text = _with_plain_spaces("".join(parts))
    begins = set(word_begins(text, language, opening=opening, closing=closing))
    places = [end - len(part.lstrip()) for part, end in zip(parts, accumulate(map(len, parts)), strict=True)]
    firsts = [index for index, part in enumerate(parts) if part.strip() and places[index] in begins]
    words: list[SpelledWord] = []
    for first, stop in pairwise([*firsts, len(parts)]):
        end = places[stop] if stop < len(parts) else len(text.rstrip())
        spaced = not words or text[places[first] - 1] == " "
        words.append(SpelledWord(re.sub(" +", " ", text[places[first] : end]).rstrip(" "), spaced, first, stop))
    return words


def is_unspaced(text: str) -> bool:
    """Return whether a text has letters of a script without spaces between words."""
    return bool(UNSPACED.search(text)) and not HANGUL.search(text)


def is_said(text: str) -> bool:
    """Return whether a text has more than punctuation, which is not spoken."""
    return any(letter.isalnum() or letter in SAID or unicodedata.category(letter)[0] in "SM" for letter in text)


def _with_plain_spaces(text: str) -> str:
    """Return the text with white space between words replaced by as many ordinary spaces."""
    return SPACES.sub(lambda found: " " * len(found[0]), text)


def _inside(chunk: str, language: str, opening: str, closing: str) -> Iterator[int]:
    """Yield the positions inside of a chunk between spaces at which words begin."""
    if language != "ko" and is_unspaced(chunk):
        found = set(_unspaced(chunk))
    else:
        behind = (dash.end() for dash in DASHES.finditer(chunk) if not _in_number(chunk, dash))
        found = {len(chunk) - len(chunk[end:].lstrip()) for end in behind}  # a no-break space begins no word
    if any(letter.isalnum() for letter in chunk):
        found |= _parted(chunk, set(OPENING) - set(opening), set(CLOSING) - set(closing))
    else:
        found |= {at for at, mark in enumerate(chunk) if at and mark in set(CLOSING) - set(closing)}
    yield from sorted(found)


def _in_number(chunk: str, dash: re.Match[str]) -> bool:
    return chunk[dash.start() - 1].isdigit() and chunk[dash.end()].isdigit()


def _parted(chunk: str, apart_before: set[str], apart_behind: set[str]) -> set[int]:
    """Return where words begin at marks that are words of their own, at both ends of a chunk."""
    first = next(at for at, letter in enumerate(chunk) if letter.isalnum())
    last = next(at for at in range(len(chunk) - 1, -1, -1) if chunk[at].isalnum())
    found = {at + 1 for at in range(first) if chunk[at] in apart_before}
    behind = [at for at in range(last + 1, len(chunk)) if chunk[at] in apart_behind]
    return found | set(behind[:1])


def _unspaced(chunk: str) -> Iterator[int]:
    """Yield where words begin in a chunk of a script without spaces."""
    begin = 0
    for at in range(1, len(chunk)):
        if _begins(chunk, begin, at):
            yield at
            begin = at


def _begins(chunk: str, begin: int, at: int) -> bool:
    """Return whether a word begins at position `at` of a chunk, behind the one that begins at `begin`."""
    letter, word = chunk[at], chunk[begin:at]
    if all(_opens(chunk, place) for place in range(begin, at)):
        return False
    if not letter.isalnum():
        return _opens(chunk, at)
    if letter in FOLLOWING or unicodedata.category(letter)[0] == "M":
        return False
    if word[-1] in LEADING | STACKING or (at + 1 < len(chunk) and chunk[at + 1] in FINAL):
        return False
    before = word.rstrip("".join(mark for mark in word if not mark.isalnum()))
    return not before or not _one_word(before, word[len(before) :], letter)


def _opens(chunk: str, at: int) -> bool:
    """Return whether there is a mark at position `at` that belongs to the word behind it."""
    mark = chunk[at]
    if mark in QUOTES:
        return chunk[:at].count(mark) % 2 == 0 and at + 1 < len(chunk) and not _other(chunk[at - 1 : at] if at else "")
    if mark in SIGNS:
        return _other(chunk[at + 1 : at + 2]) and not _other(chunk[at - 1 : at] if at else "")
    return unicodedata.category(mark) in ("Ps", "Pi")


def _one_word(before: str, marks: str, letter: str) -> bool:
    """Return whether a letter belongs to the word before it, with only `marks` between the two."""
    last = next(other for other in reversed(before) if other.isalnum())
    if _other(last) and _other(letter):
        inside = IN_NUMBERS | IN_WORDS if last.isdigit() and letter.isdigit() else IN_WORDS
        return set(marks) <= inside or all(unicodedata.category(mark)[0] == "M" for mark in marks)
    return not marks and bool(KATAKANA.match(letter)) and bool(KATAKANA.match(last) or last == "ー")


def _other(letter: str) -> bool:
    """Return whether it is a letter or digit of a script whose words have several characters."""
    return letter.isalnum() and (not UNSPACED.match(letter) or bool(SYLLABLES.match(letter)))
