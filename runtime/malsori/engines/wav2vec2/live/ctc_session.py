"""A session of a CTC model: sound in, text so far out, for one utterance."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ....joining import written
from ....types import Audio
from ...base import DecodeOptions
from ...ctc.vocabulary import Vocabulary
from ...ctc.words import Token, words_of
from ...session import TextSoFar

HALF_SYLLABLES = re.compile("[\u1100-\u11ff]")  # conjoining jamo of an incomplete syllable, which are not shown
VOWELS_AND_FINALS = range(0x1160, 0x1200)  # conjoining jamo that complete a syllable begun before


@dataclass(frozen=True, slots=True)
class FrameLogits:
    """Logits `(frames, vocabulary)` of the frames `committed` now, which are final, and of those `ahead` of them."""

    committed: NDArray[np.float32]
    ahead: NDArray[np.float32]

    @classmethod
    def split(cls, logits: NDArray[np.float32], committed: int) -> FrameLogits:
        """Split the logits of consecutive frames behind the first `committed`."""
        return cls(logits[:committed], logits[committed:])


class LogitReader(Protocol):
    """Computes the logits of one utterance while it is spoken."""

    most: int  # samples that `read` takes at once

    def read(self, sound: Audio) -> FrameLogits:
        """Take the next samples; return the logits of all frames that were not committed before."""
        ...


class GrowingText:
    """Greedy text of one utterance from its logits; the tokens of committed frames never change."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._attaching = sorted({token for token in vocabulary.tokens if attaches(token)})
        self._closed = ""  # words whose delimiter is committed
        self._open: list[int] = []  # tokens of the word behind them
        self._last = vocabulary.blank  # best token of the last committed frame

    def take(self, committed: NDArray[np.float32], ahead: NDArray[np.float32]) -> TextSoFar:
        """Append committed frames, `(frames, vocabulary)`; return the text with those ahead, which are not kept."""
        self._open += self._said(committed)
        self._last = int(committed[-1].argmax()) if len(committed) else self._last
        self._close()
        text, stable = self._behind(self._words([*self._open, *self._said(ahead)])), self._behind(self._stable_part())
        return TextSoFar(stable + HALF_SYLLABLES.sub("", text[len(stable) :]).rstrip(), stable)

    def _said(self, logits: NDArray[np.float32]) -> list[int]:
        """Return the tokens that frames add: repeats collapsed, blanks dropped."""
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

    def _stable_part(self) -> str:
        """Return the part of the open word that no next token can change by NFC composition."""
        silent, tokens = self._vocabulary.silent, self._vocabulary.tokens
        letters = "".join(tokens[token] for token in self._open if token not in silent)
        forms = [unicodedata.normalize("NFC", letters + more) for more in ("", *self._attaching)]
        return "".join(same[0] for same in takewhile(_alike, zip(*forms, strict=False))).strip()

    def _behind(self, words: str) -> str:
        """Return `words` behind the closed ones."""
        return f"{self._closed} {words}" if self._closed and words else self._closed or words


def attaches(token: str) -> bool:
    """Return whether a token may compose with the letter before it: an accent, or a part of a Hangul syllable."""
    first = token[:1]
    return bool(first) and (unicodedata.category(first).startswith("M") or ord(first) in VOWELS_AND_FINALS)


def _alike(letters: tuple[str, ...]) -> bool:
    return len(set(letters)) == 1


class CtcSession:
    """One open utterance, decoded greedily; hot words and language model count in the final only."""

    def __init__(self, reader: LogitReader, vocabulary: Vocabulary, step: int, options: DecodeOptions) -> None:
        """Take the reader of logits, and the samples between two partials."""
        self.step = step
        self._reader = reader
        self._options = options
        self._text = GrowingText(vocabulary)
        self._waiting: Audio = np.zeros(0, np.float32)
        self._heard = TextSoFar("", "")

    def push(self, sound: Audio) -> TextSoFar:
        """Take the next samples of the utterance; return the text of all of it.

        Less than a step waits for the next push. Raises `EngineError`, after which the session cannot be used, and
        `Cancelled`.
        """
        self._options.check_cancelled()
        self._waiting = np.concatenate([self._waiting, sound])
        if len(self._waiting) >= self.step:
            self._read()
        return self._heard

    def _read(self) -> None:
        """Read all waiting samples, in parts of at most `most`."""
        while len(self._waiting):
            part, self._waiting = self._waiting[: self._reader.most], self._waiting[self._reader.most :]
            logits = self._reader.read(part)
            self._heard = self._text.take(logits.committed, logits.ahead)
