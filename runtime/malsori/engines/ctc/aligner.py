"""Written words to words with times: the likeliest alignment of their tokens, and edges in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ...aligned import AlignedCharacter, AlignedWord
from ...errors import AudioTooShort
from ...joining import counted, mean_probability
from ...types import SAMPLE_RATE, Audio
from .edges import Silences, word_edges
from .frames import Frames
from .spelling import WILDCARD, Grapheme, WrittenWord
from .viterbi import BLOCK, Chain, best_path, log_sum_exp
from .vocabulary import Vocabulary
from .words import Token, on_path

PENALTY = 1.0  # nats per frame by which the wildcard is below the best token
LEAST_LOG_PROB = -100.0  # least log-probability of a token; finite, so that every text has a path


class Emissions:
    """The scores of one recording, computed block by block to save memory."""

    def __init__(self, logits: NDArray[np.float32], vocabulary: Vocabulary) -> None:
        """Take the model's `logits`, `(frames, vocabulary)`."""
        self._logits = logits
        self._gap = [vocabulary.blank, *sorted(vocabulary.delimiters)]
        self._blank, self._wildcard = vocabulary.blank, len(vocabulary)
        blocks = (logits[start : start + BLOCK] for start in range(0, len(logits), BLOCK))
        self._totals = np.concatenate([np.zeros(0), *map(log_sum_exp, blocks)])

    def scores(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return the log scores of frames `[start, stop)`: every token, then the wildcard and the gap."""
        scores = np.empty((stop - start, self._wildcard + 2))
        tokens = scores[:, : self._wildcard]
        np.subtract(self._logits[start:stop], self._totals[start:stop, np.newaxis], out=tokens)
        np.maximum(tokens, LEAST_LOG_PROB, out=tokens)
        scores[:, -2] = tokens.max(axis=1) - PENALTY
        scores[:, -1] = tokens[:, self._gap].max(axis=1)
        return scores

    def chain(self, words: Sequence[WrittenWord]) -> Chain:
        """Return the states of a text: its tokens, with gaps around its words and blanks elsewhere."""
        sizes = [sum(len(grapheme.tokens) for grapheme in word.graphemes) for word in words]
        tokens = np.array(
            [token for word in words for grapheme in word.graphemes for token in grapheme.tokens], np.intp
        )
        tokens[tokens == WILDCARD] = self._wildcard
        gaps = np.full(len(tokens) + 1, self._blank, np.intp)
        gaps[np.cumsum([0, *sizes])] = self._wildcard + 1
        return Chain.of(tokens, gaps)

    def tokens(self, chain: Chain, path: NDArray[np.intp]) -> list[Token]:
        """Return the tokens of the chain at the frames of `path`; the probability of a wildcard is 0."""
        columns = chain.columns[path]
        known = np.flatnonzero(columns < self._wildcard)
        log_probs = np.full(len(path), -np.inf)
        log_probs[known] = self._logits[known, columns[known]] - self._totals[known]
        return on_path(chain, path, log_probs)


@dataclass(frozen=True, slots=True)
class Aligner:
    """Aligns written words, for one vocabulary and one stack of convolutions."""

    vocabulary: Vocabulary
    frames: Frames

    def align(
        self, audio: Audio, logits: NDArray[np.float32], words: Sequence[WrittenWord], name: str
    ) -> tuple[AlignedWord, ...]:
        """Return the words, at least one, with their times; `logits` is `(frames, vocabulary)` of the whole `audio`.

        Raises `AudioTooShort` where the words need more frames than there are.
        """
        emissions = Emissions(logits, self.vocabulary)
        states = emissions.chain(words)
        self._check_room(states, len(logits), len(audio), name)
        found = iter(emissions.tokens(states, best_path(states, len(logits), emissions.scores)))
        said = [[list(islice(found, len(grapheme.tokens))) for grapheme in word.graphemes] for word in words]
        whole = [list(chain.from_iterable(graphemes)) for graphemes in said]
        first = np.array([tokens[0].start for tokens in whole])
        last = np.array([tokens[-1].stop - 1 for tokens in whole])
        edges = word_edges(first, last, self.frames, Silences.of(audio), len(audio) / SAMPLE_RATE)
        return tuple(
            self._word(word, graphemes, start, end)
            for word, graphemes, (start, end) in zip(words, said, edges.tolist(), strict=True)
        )

    def _check_room(self, states: Chain, frames: int, samples: int, name: str) -> None:
        least = states.least_frames
        if least > frames:
            needed = ((least - 1) * self.frames.stride + self.frames.receptive_field) / SAMPLE_RATE
            wanted, tokens = counted(least, "frame"), counted(len(states) // 2, "token")
            expected = f"{wanted} ({needed:.2f} s) or more, for the {tokens} of the text"
            raise AudioTooShort(name, expected, f"{counted(frames, 'frame')} ({samples / SAMPLE_RATE:.2f} s)")

    def _word(self, word: WrittenWord, said: Sequence[list[Token]], start: float, end: float) -> AlignedWord:
        """Return the word between `start` and `end` with its characters; `said` are the tokens of each grapheme."""
        heard = [
            [token.probability for token in tokens] if grapheme.known else []
            for grapheme, tokens in zip(word.graphemes, said, strict=True)
        ]
        begins = self._grapheme_begins(said, start, end)
        characters = [
            character
            for grapheme, probabilities, begin, stop in zip(word.graphemes, heard, begins, begins[1:], strict=False)
            for character in _shared(grapheme, begin, stop, mean_probability(probabilities))
        ]
        score = mean_probability(list(chain.from_iterable(heard)))
        return AlignedWord(word.text, start, end, score, word.line, tuple(characters))

    def _grapheme_begins(self, said: Sequence[list[Token]], start: float, end: float) -> list[float]:
        """Return where each grapheme begins, at the edge of its first frame, and `end`; silent ones have no length."""
        begins = [end]
        for tokens in reversed(said):
            edge = self.frames.edge(tokens[0].start) if tokens else begins[0]
            begins.insert(0, min(max(start, edge), end))
        spoken = next(index for index, tokens in enumerate(said) if tokens)
        begins[: spoken + 1] = [start] * (spoken + 1)
        return begins


def _shared(grapheme: Grapheme, start: float, end: float, score: float) -> Iterator[AlignedCharacter]:
    """Yield the characters of a grapheme, each with the same part of its time."""
    edges = np.linspace(start, end, len(grapheme.characters) + 1).tolist()
    for text, begin, stop in zip(grapheme.characters, edges, edges[1:], strict=False):
        yield AlignedCharacter(text, begin, stop, score)
