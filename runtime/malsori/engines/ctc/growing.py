"""The text of an utterance that is not over: how much of it no later frame can change.

Greedy: the best token of each frame. Hot words, a language model and beams have the whole utterance to look at, and
speak in its final only.

    committed   ᄎ ᅵ ᆷ ᄉ ᅵ ᆯ | ᄋ ᅩ      text    침실 오, and what is read in the frames ahead
                                        stable  침실, for 오 may still become 온
"""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from ...joining import written
from ..session import Heard
from .tokens import Token
from .vocabulary import Vocabulary
from .words import words_of

HALF_SYLLABLES = re.compile("[\u1100-\u11ff]")  # jamo that have not found each other yet; nobody can read them
VOWELS_AND_FINALS = range(0x1160, 0x1200)  # conjoining jamo that complete a syllable begun before


class GrowingText:
    """Takes the logits of one utterance; the token of a committed frame is never taken back."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._attaching = sorted({token for token in vocabulary.tokens if attaches(token)})
        self._closed = ""  # words whose delimiter has been read
        self._open: list[int] = []  # tokens of the word behind them
        self._last = vocabulary.blank  # what the last committed frame says

    def take(self, committed: NDArray[np.float32], ahead: NDArray[np.float32]) -> Heard:
        """Add frames that are committed now, `(frames, vocabulary)`; those ahead of them are read and forgotten."""
        self._open += self._said(committed)
        self._last = int(committed[-1].argmax()) if len(committed) else self._last
        self._close()
        text, stable = self._behind(self._words([*self._open, *self._said(ahead)])), self._behind(self._settled())
        return Heard(stable + HALF_SYLLABLES.sub("", text[len(stable) :]).rstrip(), stable)

    def _said(self, logits: NDArray[np.float32]) -> list[int]:
        """Return the tokens that frames add to those before: repeats are one, and blanks none."""
        best = logits.argmax(axis=1)
        new = best != np.concatenate([[self._last], best[:-1]])
        return [int(token) for token in best[new] if token != self._vocabulary.blank]

    def _close(self) -> None:
        ends = [place for place, token in enumerate(self._open) if token in self._vocabulary.delimiters]
        if ends:
            self._closed = self._behind(self._words(self._open[: ends[-1]]))
            del self._open[: ends[-1] + 1]

    def _words(self, tokens: list[int]) -> str:
        return written(words_of([Token(token, 0, 0, 1.0) for token in tokens], self._vocabulary))

    def _settled(self) -> str:
        """Return the part of the open word that is the same whatever its next letter is."""
        silent, tokens = self._vocabulary.silent, self._vocabulary.tokens
        letters = "".join(tokens[token] for token in self._open if token not in silent)
        forms = [unicodedata.normalize("NFC", letters + more) for more in ("", *self._attaching)]
        return "".join(same[0] for same in takewhile(_alike, zip(*forms, strict=False))).strip()

    def _behind(self, words: str) -> str:
        """Return the words behind those that are closed."""
        return f"{self._closed} {words}" if self._closed and words else self._closed or words


def attaches(token: str) -> bool:
    """Whether a token may melt into the letter before it: an accent, or a part of a Hangul syllable."""
    first = token[:1]
    return bool(first) and (unicodedata.category(first).startswith("M") or ord(first) in VOWELS_AND_FINALS)


def _alike(letters: tuple[str, ...]) -> bool:
    return len(set(letters)) == 1
