"""A language model as a scorer of the beam: each word is scored when it ends.

KenLM (Heafield 2011), ARPA or binary, implements the protocol.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from functools import lru_cache
from math import log
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import MissingDependency, OptionError
from .beam import Floats, Ints
from .vocabulary import Vocabulary
from .words import text_of

LN10 = log(10)  # KenLM's logarithms are to the base of 10
UNKNOWN = -10 * LN10  # least log-probability of a word: an ARPA file without <unk> would rule out unknown words


class LanguageModel(Protocol):
    """Conditional probabilities of words, in natural logarithms; a state is a history of words."""

    def start(self) -> Any:
        """Return the state at the beginning of a sentence."""
        ...

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Return the log-probability of a word, NFC, behind a state, and the state behind it."""
        ...

    def end(self, state: Any) -> float:
        """Return the log-probability that the sentence ends here."""
        ...


class WordScorer:
    """A `Scorer` of one clip: `alpha` times the log-probability of each word, plus `beta`, at its end.

    A state is a state of the model and the tokens of the open word. Scores of words are cached, since most of the beam
    ends the same few words again in each frame.
    """

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary, alpha: float, beta: float) -> None:
        self._model, self._vocabulary, self._alpha, self._beta = model, vocabulary, alpha, beta
        self._read: list[tuple[Any, tuple[int, ...]]] = [(model.start(), ())]
        self._following: dict[tuple[int, int], int] = {}
        self._ended: dict[int, tuple[float, int]] = {}
        self._delimits = np.zeros(len(vocabulary), bool)
        self._delimits[sorted(vocabulary.delimiters)] = True
        self.most_gain: Floats = np.where(self._delimits, max(beta, 0.0), 0.0)

    def gains(self, states: Ints, tokens: Ints) -> Floats:
        """Return what each token adds behind each state, `(states, tokens)`: 0 except for delimiters."""
        gains = np.zeros((len(states), len(tokens)))
        delimiters = self._delimits[tokens]
        if delimiters.any():
            gains[:, delimiters] = np.array([self._end(state)[0] for state in states.tolist()])[:, None]
        return gains

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """Return the states that pairs of a state and a token lead to."""
        pairs = zip(states.tolist(), tokens.tolist(), strict=True)
        return np.array([self._behind(state, token) for state, token in pairs], np.int64)

    def finish(self, states: Ints) -> Floats:
        """Return what the end of the clip adds to each state: the score of its open word and of the sentence's end."""
        ends = [self._end(state) for state in states.tolist()]
        return np.array([gain + self._alpha * self._model.end(self._read[state][0]) for gain, state in ends])

    def _behind(self, state: int, token: int) -> int:
        if token in self._vocabulary.delimiters:
            return self._end(state)[1]
        if token in self._vocabulary.silent:
            return state
        following = self._following.setdefault((state, token), len(self._read))
        if following == len(self._read):
            before, word = self._read[state]
            self._read.append((before, (*word, token)))
        return following

    def _end(self, state: int) -> tuple[float, int]:
        """Return what the end of the open word adds, and the state behind it."""
        if state not in self._ended:
            before, tokens = self._read[state]
            word = text_of(tokens, self._vocabulary)
            if not word:
                return 0.0, state
            probability, behind = self._model.score(before, word)
            self._ended[state] = self._alpha * probability + self._beta, len(self._read)
            self._read.append((behind, ()))
        return self._ended[state]


class KenLanguageModel:
    """A KenLM file. Words that it does not know are looked up in lower and in upper case too."""

    def __init__(self, model: Any, new_state: Any) -> None:
        self._model, self._new_state = model, new_state

    def start(self) -> Any:
        """Return the state at the beginning of a sentence."""
        state = self._new_state()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Return the log-probability of a word behind a state, at least `UNKNOWN`, and the state behind it."""
        known = next((form for form in (word, word.lower(), word.upper()) if form in self._model), word)
        behind = self._new_state()
        return max(LN10 * self._model.BaseScore(state, known, behind), UNKNOWN), behind

    def end(self, state: Any) -> float:
        """Return the log-probability that the sentence ends here."""
        return max(float(LN10 * self._model.BaseScore(state, "</s>", self._new_state())), UNKNOWN)


def open_language_model(path: Path) -> LanguageModel:
    """Return the model in a KenLM file, cached while the file is unchanged.

    Raises `OptionError` for a missing file or one that is not KenLM's, `MissingDependency` without the package kenlm.
    """
    found = check_file(path)
    return _opened(path, (found.st_mtime_ns, found.st_size))


def check_file(path: Path) -> os.stat_result:
    """Return the status of a file. Raises `OptionError` for a path that is no regular file."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"{path}: expected a KenLM language model, ARPA or binary, found {reason}") from error
    if not path.is_file():
        raise OptionError(f"{path}: expected a KenLM language model, ARPA or binary, found no regular file")
    return found


@lru_cache(maxsize=2)
def _opened(path: Path, _unchanged: Hashable) -> LanguageModel:
    try:
        import kenlm
    except ImportError as error:
        raise MissingDependency("kenlm", "a language model", extra="lm") from error
    settings = kenlm.Config()
    settings.show_progress, settings.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    try:
        return KenLanguageModel(kenlm.Model(str(path), settings), kenlm.State)
    except (OSError, RuntimeError, ValueError) as error:  # UnicodeDecodeError, when it quotes a file that is no text
        raise OptionError(
            f"{path}: expected a KenLM language model, ARPA or binary, found something else or a part of one"
        ) from error
