"""When each word of a window is spoken: by the decoder's cross-attention, its time tokens, and where something sounds.

Whisper's attention says in which order and roughly when words are heard (arXiv 2212.04356 has no word times; the way
through it by dynamic time warping is openai/whisper's `timing.py`). It leaves no room between words, begins the first
word with the window and ends the last one too early. So a piece's outer edges are the times that the decoder wrote
(of a window that was read without, those of its words: `sentences.py`), and no word begins or ends where nothing sounds
(`sounding.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...joining import Times, lasting
from ...types import Word
from ..word_breaks import is_said, is_unspaced, spelled_words
from .features import MEL_RATE
from .segments import PRECISION, WindowSegment
from .sounding import ascending, in_sound, parted
from .tokens import UNSPACED, Tokens, TokenWord

if TYPE_CHECKING:
    from .options import WhisperOptions

LEAST_FRAMES = MEL_RATE // 10  # mel frames to align over; CTranslate2 gives no path over less than 2
LONGEST_EDGE_WORD_S = (
    1.4  # seconds that a piece's first and last word last at most when the decoder's times make them longer
)


class EncoderOutput(Protocol):
    """The encoder's output for windows of one length."""

    def rows(self, chosen: Sequence[int]) -> Any:
        """Return these windows, in this order."""
        ...


class CrossAttention(Protocol):
    """A network whose decoder can be asked where it listens."""

    def align(
        self, encoded: Any, start: Sequence[int], texts: Sequence[Sequence[int]], frames: Sequence[int]
    ) -> list[Any]:
        """Return CTranslate2's `WhisperAlignmentResult` for text tokens and mel frames of each window."""
        ...


@dataclass(frozen=True, slots=True)
class AlignRow:
    """One window to align: its tokens in order, times among them, and its mel frames that hold sound."""

    text_tokens: tuple[int, ...]
    mel_frames: int


@dataclass(frozen=True, slots=True)
class WordTiming:
    """A word by attention: seconds from the window's start. A time token is one without text, length or probability."""

    text: str
    tokens: tuple[int, ...]
    start: float
    end: float
    probability: float


def align_rows(
    network: CrossAttention, tokens: Tokens, encoded: EncoderOutput, language: str, task: str, rows: Sequence[AlignRow]
) -> list[list[WordTiming]]:
    """Return the words of each row, all of its tokens in order; a row's words do not depend on its neighbours.

    `encoded` holds the rows' windows. `probability` is the mean of the word's tokens'.
    """
    spoken = [[token for token in row.text_tokens if token < tokens.eot] for row in rows]
    frames = [max(row.mel_frames, LEAST_FRAMES) for row in rows]
    start = tokens.start(language, task, timestamps=True)  # CTranslate2 puts <|notimestamps|> behind it
    found: list[Any] = [None] * len(rows)
    for chosen in _batches([len(text) for text in spoken], frames):
        texts, sizes = [spoken[index] for index in chosen], [frames[index] for index in chosen]
        for index, result in zip(chosen, network.align(encoded.rows(chosen), start, texts, sizes), strict=True):
            found[index] = result
    return [
        list(_timings(_words(tokens, row.text_tokens, language), tokens.eot, result)) if result is not None else []
        for row, result in zip(rows, found, strict=True)
    ]


def _words(tokens: Tokens, spoken: Sequence[int], language: str) -> list[TokenWord]:
    """Return the words of tokens, in parts where any of the text has a script without spaces, whatever its language."""
    mixed = language not in (*UNSPACED, "ko") and is_unspaced(tokens.decode(spoken))
    return tokens.words(spoken, "ja" if mixed else language)


def _batches(lengths: Sequence[int], frames: Sequence[int]) -> list[list[int]]:
    """Return which rows may be aligned in one call, without those that have no text.

    CTranslate2 (4.8) takes rows of different sizes apart before it normalizes attention over the tokens. Rows that all
    have the same size it does not, and then the padding of the shorter texts moves their words.
    """
    filled = [index for index, length in enumerate(lengths) if length]
    if len({frames[index] // 2 for index in filled}) != 1:
        return [filled] if filled else []
    return [[index for index in filled if lengths[index] == length] for length in sorted({lengths[i] for i in filled})]


def _timings(words: Sequence[TokenWord], eot: int, result: Any) -> Iterator[WordTiming]:
    """Yield the words at the times of their tokens: from where the path first reaches one to where it leaves it."""
    jumps = np.array(_jumps(result.alignments)) * PRECISION
    first = 0
    for word in words:
        stop = first + sum(token < eot for token in word.tokens)
        probabilities = result.text_token_probs[first:stop]
        probability = float(np.mean(probabilities)) if probabilities else 0.0
        yield WordTiming(word.text, word.tokens, float(jumps[first]), float(jumps[stop]), probability)
        first = stop


def _jumps(path: Sequence[tuple[int, int]]) -> list[int]:
    """Return the frame at which the path of (token, frame) first reaches each token, the end of text among them."""
    reached: dict[int, int] = {}
    for token, frame in path:
        reached.setdefault(token, frame)
    return [reached[token] for token in sorted(reached)]


def place(
    timings: Sequence[WordTiming],
    segments: Sequence[WindowSegment],
    speech: Sequence[Times],
    language: str,
    options: WhisperOptions,
) -> list[WindowSegment]:
    """Return the window's pieces with their words, which never overlap, each begun and ended where something sounds.

    `timings` are the words of all the pieces' tokens; `speech` is where something sounds, seconds from the window's
    start, ascending; nothing there means that it is not known. Each word lasts a step of time at least, taken from its
    neighbours if it must be. A piece begins and ends with its words; one that the decoder heard where nothing sounds
    keeps its times as well.
    """
    spelled = [
        _merged(words, language, options)
        for words in _distributed(timings, [len(segment.tokens) for segment in segments])
    ]
    spans = list(speech) or [(0.0, max((segment.end for segment in segments), default=0.0))]
    rough = [_anchored(words, segment) for words, segment in zip(spelled, segments, strict=True)]
    ordered = ascending(list(chain.from_iterable(rough)), spans[0][0], spans[-1][1])
    heard = in_sound(parted(ordered, spans), spans)
    kept = lasting(heard, spans[0][0], spans[-1][1])
    placed = []
    for segment, words, stop in zip(segments, spelled, accumulate(map(len, spelled)), strict=True):
        own = slice(stop - len(words), stop)
        placed.append(_with_words(segment, words, heard[own], kept[own]))
    return placed


def _distributed(timings: Sequence[WordTiming], sizes: Sequence[int]) -> Iterator[list[WordTiming]]:
    """Yield for each piece of so many tokens the words that begin in it."""
    begins = list(accumulate((len(timing.tokens) for timing in timings), initial=0))
    for size, stop in zip(sizes, accumulate(sizes), strict=True):
        yield [timing for timing, begin in zip(timings, begins, strict=False) if stop - size <= begin < stop]


def _merged(timings: Sequence[WordTiming], language: str, options: WhisperOptions) -> list[Word]:
    """Return the words as they stand in the text, with their marks, which are silent: the times are those of the rest.

    Example: " (" " 1" ",250" "," " yes" ")"  ->  "( 1,250," "yes)"
    """
    opening, closing = options.prepend_punctuations, options.append_punctuations
    words = []
    for word in spelled_words([timing.text for timing in timings], language, opening=opening, closing=closing):
        own = [timing for timing in timings[word.first : word.stop] if timing.text.strip()]
        said = [timing for timing in own if is_said(timing.text)] or own
        weights = [len(timing.tokens) for timing in said]
        probability = float(np.average([timing.probability for timing in said], weights=weights))
        words.append(Word(word.text, said[0].start, said[-1].end, probability, word.spaced))
    return words


def _anchored(words: Sequence[Word], segment: WindowSegment) -> list[Times]:
    """Return the times of a piece's words, begun and ended as the decoder wrote it where that leaves them room."""
    starts, ends = [word.start for word in words], [word.end for word in words]
    if words and segment.end > starts[-1]:
        ends[-1] = min(segment.end, max(ends[-1], starts[-1] + LONGEST_EDGE_WORD_S))
    if words and segment.start < ends[0]:
        starts[0] = max(segment.start, min(starts[0], ends[0] - LONGEST_EDGE_WORD_S))
    return list(zip(starts, ends, strict=True))


def _with_words(
    segment: WindowSegment, words: Sequence[Word], heard: Sequence[Times], kept: Sequence[Times]
) -> WindowSegment:
    """Return a piece with its words at the times `kept`; `heard` are those of before each word had a step of time."""
    if not words:
        return replace(segment, words=())
    start, end = kept[0][0], kept[-1][1]
    if heard[-1][1] <= heard[0][0]:  # in silence, all at once
        start, end = min(start, segment.start), max(end, segment.end)
    placed = (replace(word, start=begin, end=stop) for word, (begin, stop) in zip(words, kept, strict=True))
    return replace(segment, start=start, end=end, words=tuple(placed))
