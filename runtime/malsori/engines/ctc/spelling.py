"""A text spelled in the tokens of a CTC model, with the way back to its words and characters. No sound, no times.

text      "3층 Cafe!"     with a vocabulary of jamo and lower-case letters
words     3층              Cafe!
graphemes 3 | 층           C | a | f | e | !
tokens    * | ᄎ ᅳ ᆼ       c | a | f | e |        (* is the wildcard, for spoken characters without tokens)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from .vocabulary import Vocabulary

WILDCARD = -1  # in place of a token's id
SAME = {"’": "'", "‘": "'", "`": "'", "‐": "-", "‑": "-"}  # variants of one character
SPOKEN = "%&@#"  # punctuation in Unicode that is spoken as a word
VOWELS_AND_FINALS = ("\u1160", "\u11ff")  # conjoining jamo that belong to the syllable before them


@dataclass(frozen=True, slots=True)
class Grapheme:
    """The least part of a word with tokens of its own: a syllable, a letter, `ch`; `()` where it is not spoken."""

    characters: tuple[str, ...]
    tokens: tuple[int, ...]

    @property
    def known(self) -> bool:
        """Whether the model has tokens for it."""
        return bool(self.tokens) and WILDCARD not in self.tokens


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word of a text, its line from 0 on, and its graphemes, at least one of which has tokens."""

    text: str
    line: int
    graphemes: tuple[Grapheme, ...]

    @property
    def said(self) -> bool:
        """Whether it has more than punctuation without tokens, and so is spoken."""
        return any(grapheme.known or not all(map(_silent, grapheme.characters)) for grapheme in self.graphemes)


class Speller:
    """Spells texts in one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        unwritten = vocabulary.silent | vocabulary.delimiters
        self._ids = {token: index for index, token in enumerate(vocabulary.tokens) if index not in unwritten}
        self._ids |= {unicodedata.normalize("NFC", token): index for token, index in self._ids.items()}
        self._longest = max(map(len, self._ids), default=1)
        self._space = Grapheme((" ",), tuple(sorted(vocabulary.delimiters)[:1]))

    def words(self, text: str) -> list[WrittenWord]:
        """Return the words of `text`, in order, split at white space."""
        lines = enumerate(text.splitlines())
        return [
            WrittenWord(word, line, tuple(self._graphemes(word))) for line, words in lines for word in words.split()
        ]

    def tokens(self, text: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Return the tokens of `text`, with delimiters between words, and the characters without tokens.

        The latter include punctuation.
        """
        graphemes = [grapheme for word in self.words(text) for grapheme in (self._space, *word.graphemes)][1:]
        tokens = tuple(token for grapheme in graphemes if grapheme.known for token in grapheme.tokens)
        return tokens, tuple(letter for grapheme in graphemes if not grapheme.known for letter in grapheme.characters)

    def _graphemes(self, word: str) -> list[Grapheme]:
        graphemes = list(self._spelled(characters(word)))
        if any(grapheme.tokens for grapheme in graphemes):
            return graphemes
        return [Grapheme(characters(word), (WILDCARD,))]  # punctuation alone, which gets a time all the same

    def _spelled(self, letters: tuple[str, ...]) -> Iterator[Grapheme]:
        """Yield the graphemes; consecutive unknown ones share a wildcard, with unspoken characters between them."""
        unknown: list[str] = []
        unsaid: list[str] = []  # unspoken characters behind the unknown ones
        start = 0
        while start < len(letters):
            size, tokens = self._first(letters[start : start + self._longest])
            grapheme = Grapheme(letters[start : start + size], tokens)
            start += size
            if tokens == (WILDCARD,):
                unknown += (*unsaid, *grapheme.characters)
                unsaid = []
            elif unknown and not tokens:
                unsaid += grapheme.characters
            else:
                yield from _pending(tuple(unknown), tuple(unsaid))
                unknown, unsaid = [], []
                yield grapheme
        yield from _pending(tuple(unknown), tuple(unsaid))

    def _first(self, letters: tuple[str, ...]) -> tuple[int, tuple[int, ...]]:
        """Return the number of letters of the first grapheme, the most that are one token, and its tokens."""
        for size in range(min(self._longest, len(letters)), 0, -1):
            for form in _forms("".join(letters[:size])):
                if form in self._ids:
                    return size, (self._ids[form],)
        return 1, self._taken_apart(letters[0])

    def _taken_apart(self, letter: str) -> tuple[int, ...]:
        """Return the tokens of a character's decomposition (jamo, a letter without its accent), or the wildcard."""
        for form in _forms(letter):
            parts = unicodedata.normalize("NFKD", form)
            for spelled in (parts, "".join(map(_compatible, parts))):
                tokens = tuple(self._ids[part] for part in spelled if part in self._ids)
                missing = [part for part in spelled if part not in self._ids and not unicodedata.combining(part)]
                if tokens and not missing:
                    return tokens
        return () if _silent(letter) else (WILDCARD,)


def characters(word: str) -> tuple[str, ...]:
    """Return the characters of a word, combining marks and jamo with the letter before them."""
    found: list[str] = []
    for point in word:
        belongs = unicodedata.category(point)[0] == "M" or VOWELS_AND_FINALS[0] <= point <= VOWELS_AND_FINALS[1]
        if found and belongs:
            found[-1] += point
        else:
            found.append(point)
    return tuple(found)


def _silent(letter: str) -> bool:
    return all(unicodedata.category(part)[0] in "PCZM" and part not in SPOKEN for part in letter)


def _pending(unknown: tuple[str, ...], unsaid: tuple[str, ...]) -> Iterator[Grapheme]:
    if unknown:
        yield Grapheme(unknown, (WILDCARD,))
    if unsaid:
        yield Grapheme(unsaid, ())


def _forms(letters: str) -> Iterator[str]:
    """Yield equivalent spellings, the closest first: NFC, other case, NFKC, variants of characters."""
    composed = unicodedata.normalize("NFC", letters)
    yield letters
    yield composed
    yield composed.lower()
    yield composed.upper()
    yield unicodedata.normalize("NFKC", composed).lower()
    yield "".join(SAME.get(letter, letter) for letter in composed)


def _compatible(jamo: str) -> str:
    """Return the compatibility letter ㄱ for a conjoining ᄀ or ᆨ, as some vocabularies spell; others as they are.

    Some jamo of old Korean have no such letter.
    """
    name = unicodedata.name(jamo, "")
    kind, _, letter = name.removeprefix("HANGUL ").partition(" ")
    if kind not in ("CHOSEONG", "JUNGSEONG", "JONGSEONG"):
        return jamo
    try:
        return unicodedata.lookup(f"HANGUL LETTER {letter}")
    except KeyError:
        return jamo
