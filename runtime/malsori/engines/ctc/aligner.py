"""Words as written to words in time: spelled, sent the best way through the frames, and given edges in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ...alignment import AlignedCharacter, AlignedWord
from ...errors import AudioTooShort
from ...probability import mean_probability
from ...types import SAMPLE_RATE, Audio
from ..frames import Frames
from .edges import word_edges
from .emissions import Emissions
from .silence import Silences
from .spelling import Piece, WrittenWord
from .tokens import Token
from .viterbi import Chain, best_path
from .vocabulary import Vocabulary


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
        states = emissions.chain(words)
        self._check_room(states, len(logits), len(audio), name)
        found = iter(emissions.tokens(states, best_path(states, len(logits), emissions.scores)))
        said = [[list(islice(found, len(piece.tokens))) for piece in word.pieces] for word in words]
        whole = [list(chain.from_iterable(pieces)) for pieces in said]
        first = np.array([tokens[0].start for tokens in whole])
        last = np.array([tokens[-1].stop - 1 for tokens in whole])
        edges = word_edges(first, last, self.frames, Silences.of(audio), len(audio) / SAMPLE_RATE)
        return tuple(
            self._word(word, pieces, start, end)
            for word, pieces, (start, end) in zip(words, said, edges.tolist(), strict=True)
        )

    def _check_room(self, states: Chain, frames: int, samples: int, name: str) -> None:
        least = states.least_frames
        if least > frames:
            needed = ((least - 1) * self.frames.stride + self.frames.receptive_field) / SAMPLE_RATE
            wanted, tokens = _counted(least, "frame"), _counted(len(states) // 2, "token")
            expected = f"{wanted} ({needed:.2f} s) or more, for the {tokens} of the text"
            raise AudioTooShort(name, expected, f"{_counted(frames, 'frame')} ({samples / SAMPLE_RATE:.2f} s)")

    def _word(self, word: WrittenWord, said: Sequence[list[Token]], start: float, end: float) -> AlignedWord:
        """Return the word between `start` and `end`, with its characters; `said` holds the tokens of each piece."""
        heard = [
            [token.probability for token in tokens] if piece.known else []
            for piece, tokens in zip(word.pieces, said, strict=True)
        ]
        begins = self._piece_begins(said, start, end)
        characters = [
            character
            for piece, probabilities, begin, stop in zip(word.pieces, heard, begins, begins[1:], strict=False)
            for character in _shared(piece, begin, stop, mean_probability(probabilities))
        ]
        score = mean_probability(list(chain.from_iterable(heard)))
        return AlignedWord(word.text, start, end, score, word.line, tuple(characters))

    def _piece_begins(self, said: Sequence[list[Token]], start: float, end: float) -> list[float]:
        """Return where each piece begins, at the edge of its first frame, and `end`; what is not said has no length."""
        begins = [end]
        for tokens in reversed(said):
            edge = self.frames.edge(tokens[0].start) if tokens else begins[0]
            begins.insert(0, min(max(start, edge), end))
        spoken = next(index for index, tokens in enumerate(said) if tokens)
        begins[: spoken + 1] = [start] * (spoken + 1)
        return begins


def _shared(piece: Piece, start: float, end: float, score: float) -> Iterator[AlignedCharacter]:
    """Yield the characters of a piece, each with the same part of its time."""
    edges = np.linspace(start, end, len(piece.characters) + 1).tolist()
    for text, begin, stop in zip(piece.characters, edges, edges[1:], strict=False):
        yield AlignedCharacter(text, begin, stop, score)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
