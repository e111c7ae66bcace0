"""When each word of a window is spoken: by the decoder's cross-attention, its time tokens, and the silences.

Dynamic time warping over the cross-attention, as in openai/whisper's `timing.py`, gives the order of words and their
rough times. It leaves no gaps between words, starts the first one with the window and ends the last one too early. So
a segment's outer edges are its time tokens (without those, the times of its words: `sentences.py`), and no word begins
or ends in silence (`sounding.py`).
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
LONGEST_EDGE_WORD_S = 1.4  # seconds to which time tokens may lengthen a segment's first and last word


class EncoderOutput(Protocol):
    """The encoder's output for windows of one length."""

    def rows(self, chosen: Sequence[int]) -> Any:
        """Return these windows, in this order."""
        ...


class CrossAttention(Protocol):
    """A network that aligns tokens with frames by its decoder's cross-attention."""

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
    """A word aligned by attention, seconds from the window's start; a time token has no text, length or probability."""

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
    """Return the tokens as words; text in a script without spaces is split as such, whatever the language."""
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
    """Yield the words with the times at which the alignment path enters their first token and leaves their last."""
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
    """Return the window's segments with their words, which do not overlap and neither begin nor end in silence.

    `timings` are the words of all the segments' tokens; `speech` the spans that are not silent, seconds from the
    window's start, ascending, empty where unknown. Each word lasts at least a step, taken from its neighbours if need
    be. A segment begins and ends with its words, one that lies in silence also with its own times.
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
    """Yield for each segment, given its number of tokens, the words that begin in it."""
    begins = list(accumulate((len(timing.tokens) for timing in timings), initial=0))
    for size, stop in zip(sizes, accumulate(sizes), strict=True):
        yield [timing for timing, begin in zip(timings, begins, strict=False) if stop - size <= begin < stop]


def _merged(timings: Sequence[WordTiming], language: str, options: WhisperOptions) -> list[Word]:
    """Return the words with the punctuation attached to them, which adds nothing to their times.

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
    """Return the times of a segment's words, the first and last one moved to the segment's time tokens."""
    starts, ends = [word.start for word in words], [word.end for word in words]
    if words and segment.end > starts[-1]:
        ends[-1] = min(segment.end, max(ends[-1], starts[-1] + LONGEST_EDGE_WORD_S))
    if words and segment.start < ends[0]:
        starts[0] = max(segment.start, min(starts[0], ends[0] - LONGEST_EDGE_WORD_S))
    return list(zip(starts, ends, strict=True))


def _with_words(
    segment: WindowSegment, words: Sequence[Word], heard: Sequence[Times], kept: Sequence[Times]
) -> WindowSegment:
    """Return a segment with its words at the times `kept`; `heard` are the times before each word got a step."""
    if not words:
        return replace(segment, words=())
    start, end = kept[0][0], kept[-1][1]
    if heard[-1][1] <= heard[0][0]:  # in silence, all at once
        start, end = min(start, segment.start), max(end, segment.end)
    placed = (replace(word, start=begin, end=stop) for word, (begin, stop) in zip(words, kept, strict=True))
    return replace(segment, start=start, end=end, words=tuple(placed))
