"""Words as written to words in time: spelled, sent the best way through the frames, and given edges in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import AudioTooShort
from ...types import SAMPLE_RATE, AlignedCharacter, AlignedWord, Audio
from ..frames import Frames
from .edges import word_edges
from .emissions import Emissions, Runs
from .silence import Silences
from .spelling import Piece, WrittenWord
from .viterbi import Chain, best_path
from .vocabulary import Vocabulary
from .words import mean_probability


@dataclass(frozen=True, slots=True)
class Aligner:
    """Puts written words in their places, for one vocabulary and one stack of convolutions."""

    vocabulary: Vocabulary
    frames: Frames

    def align(
        self, audio: Audio, logits: NDArray[np.float32], words: Sequence[WrittenWord], name: str
    ) -> tuple[AlignedWord, ...]:
        """Return the words, at least one, with their times; `logits` is `(frames, vocabulary)` of the whole `audio`.

        Raises `AudioTooShort` where the words need more frames than there are.
        """
        emissions = Emissions(logits, self.vocabulary)
        chain = emissions.chain(words)
        self._check_room(chain, len(logits), len(audio), name)
        runs = emissions.runs(chain, best_path(chain, len(logits), emissions.scores))
        stops = np.cumsum([sum(len(piece.tokens) for piece in word.pieces) for word in words])
        starts = np.concatenate([[0], stops[:-1]])
        duration = len(audio) / SAMPLE_RATE
        edges = word_edges(runs.first[starts], runs.last[stops - 1], self.frames, Silences.of(audio), duration)
        return tuple(
            self._word(word, runs, token, start, end)
            for word, token, (start, end) in zip(words, starts.tolist(), edges.tolist(), strict=True)
        )

    def _check_room(self, chain: Chain, frames: int, samples: int, name: str) -> None:
        least = chain.least_frames
        if least > frames:
            needed = ((least - 1) * self.frames.stride + self.frames.receptive_field) / SAMPLE_RATE
            expected = f"{least} frames ({needed:.2f} s) or more, for the {len(chain) // 2} letters of the text"
            raise AudioTooShort(name, expected, f"{frames} frames ({samples / SAMPLE_RATE:.2f} s)")

    def _word(self, word: WrittenWord, runs: Runs, token: int, start: float, end: float) -> AlignedWord:
        """Return the word whose tokens begin with number `token`, with its characters between `start` and `end`."""
        stops = np.cumsum([token, *(len(piece.tokens) for piece in word.pieces)]).tolist()
        probabilities = [runs.probability[a:b].tolist() if piece.known else [] for piece, a, b in _with(stops, word)]
        begins = self._begins(word, runs, stops, start, end)
        characters = [
            character
            for piece, probability, begin, stop in zip(word.pieces, probabilities, begins, begins[1:], strict=False)
            for character in _shared(piece, begin, stop, mean_probability(probability))
        ]
        score = mean_probability([each for probability in probabilities for each in probability])
        return AlignedWord(word.text, start, end, score, word.line, tuple(characters))

    def _begins(self, word: WrittenWord, runs: Runs, stops: list[int], start: float, end: float) -> list[float]:
        """Return where each piece begins, at the edge of its first frame, and `end`; what is not said has no length."""
        begins = [end]
        for piece, a, _ in reversed(_with(stops, word)):
            edge = self.frames.edge(int(runs.first[a])) if piece.tokens else begins[0]
            begins.insert(0, min(max(start, edge), end))
        spoken = next(index for index, piece in enumerate(word.pieces) if piece.tokens)
        begins[: spoken + 1] = [start] * (spoken + 1)
        return begins


def _with(stops: list[int], word: WrittenWord) -> list[tuple[Piece, int, int]]:
    """Return each piece with the numbers of its first token and of the one behind its last."""
    return list(zip(word.pieces, stops, stops[1:], strict=False))


def _shared(piece: Piece, start: float, end: float, score: float) -> Iterator[AlignedCharacter]:
    """Yield the characters of a piece, each with the same part of its time."""
    edges = np.linspace(start, end, len(piece.characters) + 1).tolist()
    for text, begin, stop in zip(piece.characters, edges, edges[1:], strict=False):
        yield AlignedCharacter(text, begin, stop, score)
