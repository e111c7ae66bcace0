"""A network that hears words exactly, for proofs about sessions: sound that spells, and who reads it. No tests here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from malsori.engines.base import DecodeOptions
from malsori.engines.session import SessionOptions
from malsori.engines.whisper.features import HOP
from malsori.engines.whisper.listening import UtteranceReader
from malsori.engines.whisper.network import Generated
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.whisper_session import WhisperSession
from malsori.engines.whisper.window import Context
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-whisper"
BASE = 0.5  # amplitude of the first word; the next ones are a thousandth louder each
CONTEXT = Context(5.0, 2.0)


@cache
def tokens() -> Tokens:
    """Return a real vocabulary."""
    return Tokens.read(BUNDLE)


@cache
def vocabulary(count: int = 400) -> tuple[int, ...]:
    """Return tokens that are a whole word each, no two of them the same word."""
    found = (token for token in range(1000, 20_000) if re.fullmatch(" [a-z]{3,}", tokens().decode([token])))
    return tuple(token for token, _ in zip(found, range(count), strict=False))


def text(count: int) -> str:
    """Return the first words of the vocabulary as they are written."""
    return tokens().decode(vocabulary()[:count]).strip()


def speech(words: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """Return sound that says the vocabulary's words in order: of each its length and the pause behind it, seconds."""
    parts = [np.zeros(0, np.float32)]
    for index, (seconds, pause) in enumerate(words):
        parts.append(np.full(round(seconds * 100) * HOP, BASE + index / 1000, np.float32))
        parts.append(np.zeros(round(pause * 100) * HOP, np.float32))
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Run:
    """A word in a window: its number, its mel frames."""

    word: int
    first: int
    stop: int


@dataclass
class SpokenNetwork:
    """Hears what `speech` says. A word of which less than half is in the window is heard as another, or not at all.

    Behind words that it is given it goes on after the last of them; where that is not in the sound, it reads
    everything. `lengths` are the words' mel frames, `astray` the numbers of the calls that give a loop, `late` the
    seconds by which the times of words are wrong at most.
    """

    lengths: Sequence[int]
    late: float = 0.0
    astray: frozenset[int] = frozenset()
    calls: int = 0
    encoded: int = 0
    given: list[int] = field(default_factory=list)
    prompts: list[tuple[int, ...]] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def encode(self, features: NDArray[np.float32]) -> Any:
        """Return the sound itself."""
        self.encoded += 1
        self.frames.append(features.shape[2])
        values = features[0, 0]
        return SimpleNamespace(values=values, rows=lambda chosen: SimpleNamespace(values=values))

    def languages(self, encoded: Any) -> list[dict[str, float]]:
        """Return that it is English."""
        return [{"en": 0.9, "ko": 0.1}]

    def generate(self, encoded: Any, prompts: Sequence[Sequence[int]], options: Any, **how: Any) -> list[Generated]:
        """Return the words, behind those given."""
        self.calls += 1
        count, budget = how["given"], how["budget"]
        given = list(prompts[0])[len(prompts[0]) - count :]
        self.given.append(count)
        self.prompts.append(tuple(prompts[0]))
        if self.calls in self.astray:
            return [Generated((*given, *[vocabulary()[-1]] * budget), -0.1, 0.0)]
        read = [self._heard(run, len(encoded.values)) for run in runs(encoded.values)]
        read = [token for token in read if token is not None]
        if given and given[-1] in read:
            read = read[read.index(given[-1]) + 1 :]
        return [Generated((*given, *read[:budget]), -0.1, 0.0)]

    def align(self, encoded: Any, start: Any, texts: Sequence[Sequence[int]], frames: Sequence[int]) -> list[Any]:
        """Return each word where it is, all of them the same bit early or late by turns."""
        places = {vocabulary()[run.word]: run for run in runs(encoded.values)}
        wrong = round(self.late * 50) * (1 if self.calls % 2 else -1)
        path, reached = [], 0
        for index, token in enumerate(texts[0]):
            run = places.get(token)
            reached = max(reached, min(run.first // 2 + wrong, frames[0] // 2) if run and index else 0)
            path.append((index, reached))
        last = places.get(texts[0][-1]) if texts[0] else None
        path.append((len(texts[0]), max(reached, last.stop // 2 if last else frames[0] // 2)))
        return [SimpleNamespace(alignments=path, text_token_probs=[1.0] * len(texts[0]))]

    def _heard(self, run: Run, size: int) -> int | None:
        if 2 * (run.stop - run.first) >= self.lengths[run.word]:
            return vocabulary()[run.word]
        return vocabulary()[-2 - run.word % 7] if run.first else None


def runs(values: NDArray[np.float32]) -> list[Run]:
    """Return the words in a window's frames."""
    numbers = np.where(values > 0, np.rint((values - BASE) * 1000), -1).astype(int)
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    spans = pairwise(edges)
    return [Run(int(numbers[first]), first, stop) for first, stop in spans if numbers[first] >= 0]


def listening(network: SpokenNetwork, options: DecodeOptions | None = None) -> UtteranceReader:
    """Return what listens by such a network."""
    mel: Any = lambda audio: audio[None, ::HOP]  # noqa: E731
    heard_by: Any = network
    return UtteranceReader(heard_by, tokens(), mel, CONTEXT, ("ko", "en"), options or DecodeOptions(language="en"))


def open_session(
    network: SpokenNetwork, session: SessionOptions | None = None, options: DecodeOptions | None = None
) -> WhisperSession:
    """Return a session that hears by such a network."""
    return WhisperSession(listening(network, options), session or SessionOptions())
