"""Hot words as an automaton over token ids: a scorer of the beam, with a gain for each token behind each state.

A hot word gains its weight in equal parts with each of its tokens, loses them when the word goes on otherwise, and
keeps them when it ends: at a delimiter or at the end of the clip. `침실*` also takes words that begin so (침실을).

침실 with weight 6     | ᄎ ᅵ ᆷ ᄉ ᅵ ᆯ |      +1 for each of the six jamo, kept at the delimiter
                        | ᄎ ᅵ ᆷ ᄃ            +1 +1 +1, then -3

Several words with spaces between them are one hot word; where one breaks off, another may have begun.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...errors import OptionError
from ..base import HotWord
from .beam import Floats, Ints
from .spelling import Speller
from .vocabulary import Vocabulary

ANY_ENDING = "*"  # at the end of a hot word: any word that begins so
MOST_HOTWORDS = 1000  # hot words; the tables grow with the square of their number
CELLS = 1 << 24  # states times columns, 8 bytes each in both tables: 134 MB
ROOT, LOST = 0, 1  # states: where a word may begin; inside of a word that is no hot word
DELIMITER, SILENT, OTHER, FIRST = 0, 1, 2, 3  # columns: word delimiter, no text, in no hot word, the first token of one


@lru_cache(maxsize=1)
def hot_words(words: tuple[HotWord, ...], vocabulary: Vocabulary) -> tuple[HotWords, tuple[str, ...]]:
    """Return the scorer of the hot words, and one warning that names those that the vocabulary cannot spell, if any.

    Cached for the clips of a run. Raises `OptionError` for more than the tables may hold.
    """
    speller = Speller(vocabulary)
    spelled: list[_Spelled] = []
    unknown: list[str] = []
    for word in words:
        tokens, rest = speller.tokens(unicodedata.normalize("NFC", word.text.removesuffix(ANY_ENDING)))
        if rest or not tokens:
            characters = ", ".join(map(repr, dict.fromkeys(rest)))
            unknown.append(f"{word.text!r} ({characters or 'nothing to hear'})")
        else:
            spelled.append(_Spelled(tokens, word.weight, word.text.endswith(ANY_ENDING)))
    warning = f"hot words left out, the model's vocabulary has no token for: {', '.join(unknown)}"
    return HotWords(spelled, vocabulary), (warning,) if unknown else ()


class HotWords:
    """A `Scorer` with tables of the gain and the next state for each state and each token of the hot words."""

    def __init__(self, words: Sequence[_Spelled], vocabulary: Vocabulary) -> None:
        used = sorted({token for word in words for token in word.tokens} - vocabulary.delimiters)
        self._columns = np.full(len(vocabulary), OTHER)
        self._columns[sorted(vocabulary.silent)] = SILENT
        self._columns[sorted(vocabulary.delimiters)] = DELIMITER
        self._columns[used] = np.arange(len(used)) + FIRST
        nodes = _trie(words, self._columns)
        self._next, self._gain, self._end = _tables(nodes, FIRST + len(used))
        self.most_gain: Floats = np.maximum(self._gain.max(axis=0), 0.0)[self._columns].astype(np.float64)

    def gains(self, states: Ints, tokens: Ints) -> Floats:
        """Return what each token adds behind each state, `(states, tokens)`."""
        gains: Floats = self._gain[states[:, None], self._columns[tokens]].astype(np.float64)
        return gains

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """Return the states that pairs of a state and a token lead to."""
        following: Ints = self._next[states, self._columns[tokens]].astype(np.int64)
        return following

    def finish(self, states: Ints) -> Floats:
        """Return what the end of the clip adds to each state: it ends a word as a delimiter does."""
        ended: Floats = self._end[states]
        return ended


@dataclass(frozen=True, slots=True)
class _Spelled:
    tokens: tuple[int, ...]
    weight: float
    begins: bool  # also takes words that only begin so


@dataclass(slots=True)
class _Node:
    """A state: `value` was gained on the way; `kept` of it stays when the word goes on otherwise, `whole` at its end.

    `fallback` is the state reached by the tokens behind the last delimiter alone.
    """

    depth: int
    value: float = 0.0
    kept: float = 0.0
    whole: float = 0.0
    fallback: int = LOST
    spaced: bool = False  # the last column was the delimiter
    children: dict[int, int] = field(default_factory=dict)


def _trie(words: Sequence[_Spelled], columns: Ints) -> list[_Node]:
    """Return the hot words as a tree over columns; its first nodes are `ROOT` and `LOST`."""
    nodes = [_Node(0), _Node(0)]
    for word in words:
        state = ROOT
        for position, column in enumerate(columns[list(word.tokens)].tolist(), start=1):
            parent = nodes[state]
            state = parent.children.setdefault(column, len(nodes))
            if state == len(nodes):
                nodes.append(_Node(parent.depth + 1, spaced=column == DELIMITER))
            nodes[state].value = max(nodes[state].value, word.weight * position / len(word.tokens))
        nodes[state].whole = max(nodes[state].whole, word.weight)
        nodes[state].kept = max(nodes[state].kept, word.weight if word.begins else 0.0)
    return nodes


def _tables(nodes: Sequence[_Node], width: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
    """Return the next state and the gain, both `(states, columns)`, and the gain at the end, `(states,)`.

    For a column without a child a node does as its fallback, behind giving back what is not kept. Raises `OptionError`
    where there would be more than `CELLS`.
    """
    if len(nodes) * width > CELLS:
        raise OptionError(
            f"hotwords: expected at most {CELLS} places in the hot words times different tokens in them, "
            f"found {len(nodes)} times {width}; give fewer or shorter ones"
        )
    following = np.full((len(nodes), width), LOST, np.int32)
    following[:, DELIMITER] = ROOT
    gain, end = np.zeros(following.shape, np.float32), np.zeros(len(nodes))
    for state in sorted(range(len(nodes)), key=lambda index: nodes[index].depth):  # fallbacks come first
        node = nodes[state]
        if node.depth:
            base, whole = nodes[node.fallback].value - node.value, max(node.whole, node.kept)
            following[state], gain[state] = following[node.fallback], gain[node.fallback] + base + node.kept
            gain[state, DELIMITER] += whole - node.kept
            end[state] = end[node.fallback] + base + whole
        for column, child in node.children.items():
            below = nodes[child]
            below.kept = max(below.kept, node.kept, node.whole if below.spaced else 0.0)
            below.value = max(below.value, below.kept)
            below.fallback = int(following[node.fallback, column]) if node.depth else LOST
            following[state, column], gain[state, column] = child, below.value - node.value
        for column in (SILENT, DELIMITER) if node.spaced else (SILENT,):  # two delimiters are as good as one
            following[state, column], gain[state, column] = state, 0.0
    return following, gain, end
