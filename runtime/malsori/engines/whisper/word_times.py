"""When each word of a window is spoken: by the decoder's cross-attention, its time tokens, and where something sounds.

Whisper's attention says in which order and roughly when words are heard (arXiv 2212.04356 has no word times; the way
through it by dynamic time warping is openai/whisper's `timing.py`). It leaves no room between words, begins the first
word with the window and ends the last one too early. So a piece's outer edges are the times that the decoder wrote,
and no word begins or ends where nothing sounds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from ...types import Word
from .features import MEL_RATE
from .segments import PRECISION, Piece
from .tokens import Tokens, TokenWord

if TYPE_CHECKING:
    from .options import WhisperOptions

LEAST_FRAMES = MEL_RATE // 10  # mel frames to align over; CTranslate2 gives no path over less than 2
REACH = 0.15  # seconds from the end of a word, by attention, to the pause that it may end at instead
LONGEST = 1.4  # seconds that a piece's first and last word last at most when the decoder's times make them longer

Span: TypeAlias = tuple[float, float]  # seconds


class Encoded(Protocol):
    """The encoder's output for windows of one length."""

    def rows(self, chosen: Sequence[int]) -> Any:
        """Return these windows, in this order."""
        ...


class Aligner(Protocol):
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
    network: Aligner, tokens: Tokens, encoded: Encoded, language: str, task: str, rows: Sequence[AlignRow]
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
        list(_timings(tokens.words(row.text_tokens, language), tokens.eot, result)) if result is not None else []
        for row, result in zip(rows, found, strict=True)
    ]


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
    timings: Sequence[WordTiming], pieces: Sequence[Piece], speech: Sequence[Span], options: WhisperOptions
) -> list[Piece]:
    """Return the window's pieces with their words, which never overlap, each begun and ended where something sounds.

    `timings` are the words of all the pieces' tokens; `speech` is where something sounds, seconds from the window's
    start, ascending; nothing there means that it is not known. A piece begins and ends with its words. One whose words
    have no length keeps the decoder's times.
    """
    spelled = [
        _merged(words, options.prepend_punctuations, options.append_punctuations)
        for words in _distributed(timings, [len(piece.tokens) for piece in pieces])
    ]
    spans = list(speech) or [(0.0, max((piece.end for piece in pieces), default=0.0))]
    rough = [_anchored(words, piece) for words, piece in zip(spelled, pieces, strict=True)]
    ordered = _ascending(list(chain.from_iterable(rough)), spans[0][0], spans[-1][1])
    times = iter(_in_sound(_apart(ordered, spans), spans))
    return [
        _with_words(piece, [Word(word.text, *next(times), word.probability) for word in words])
        for piece, words in zip(pieces, spelled, strict=True)
    ]


def _distributed(timings: Sequence[WordTiming], sizes: Sequence[int]) -> Iterator[list[WordTiming]]:
    """Yield for each piece of so many tokens the words that begin in it."""
    begins = list(accumulate((len(timing.tokens) for timing in timings), initial=0))
    for size, stop in zip(sizes, accumulate(sizes), strict=True):
        yield [timing for timing, begin in zip(timings, begins, strict=False) if stop - size <= begin < stop]


def _merged(timings: Sequence[WordTiming], opening: str, closing: str) -> list[WordTiming]:
    """Return the words with their punctuation, which is silent: the times stay the words'. No spaces around a text.

    Example: " (" " well" "," " yes" ")"  ->  "(well," "yes)"
    """
    words: list[WordTiming] = []
    marks: list[WordTiming] = []  # opening ones whose word has not come yet
    for timing in timings:
        text, spaced = timing.text.strip(), timing.text.startswith(" ")
        if not text:
            continue
        if spaced and set(text) <= set(opening):
            marks.append(replace(timing, text=text))
        elif words and not marks and not spaced and set(text) <= set(closing):
            words[-1] = replace(words[-1], text=words[-1].text + text)
        else:
            words.append(replace(timing, text="".join(mark.text for mark in marks) + text))
            marks = []
    return words + marks


def _anchored(words: Sequence[WordTiming], piece: Piece) -> list[Span]:
    """Return the times of a piece's words, begun and ended as the decoder wrote it where that leaves them room."""
    starts, ends = [word.start for word in words], [word.end for word in words]
    if words and piece.end > starts[-1]:
        ends[-1] = min(piece.end, max(ends[-1], starts[-1] + LONGEST))
    if words and piece.start < ends[0]:
        starts[0] = max(piece.start, min(starts[0], ends[0] - LONGEST))
    return list(zip(starts, ends, strict=True))


def _ascending(times: Sequence[Span], earliest: float, latest: float) -> list[Span]:
    """Return the times within bounds, none before what precedes it."""
    rising: list[Span] = []
    for start, end in times:
        start = max(earliest, min(start, latest))
        earliest = max(start, min(end, latest))
        rising.append((start, earliest))
    return rising


def _apart(times: Sequence[Span], spans: Sequence[Span]) -> list[Span]:
    """Return the times with words that meet near a pause moved to its two sides, unless that takes all of a word.

    Example, with `.` for silence, at a `REACH` of three letters:

        sound  aaaaaa....bbbbbb        sound  aaaaaa....bbbbbb
        words  [   a   ][  b   ]  ->   words  [ a  ]    [ b  ]
    """
    parted = list(times)
    pauses = [(before[1], after[0]) for before, after in pairwise(spans)]
    for index, ((start, meeting), (behind, end)) in enumerate(pairwise(times)):
        near = [
            pause
            for pause in pauses
            if distance(meeting, pause) <= REACH and start < pause[0] and pause[1] < end and meeting == behind
        ]
        if near:
            before, after = min(near, key=lambda pause: distance(meeting, pause))
            parted[index] = (parted[index][0], before)
            parted[index + 1] = (after, end)
    return parted


def distance(time: float, span: Span) -> float:
    """Return how many seconds a time is away from a span."""
    return max(span[0] - time, time - span[1], 0.0)


def _in_sound(times: Sequence[Span], spans: Sequence[Span]) -> list[Span]:
    """Return the times with starts moved on and ends moved back to the nearest sound.

    A word that lies in silence has no length: it is where the sound before it ended, or else the next one begins.
    """
    begins, ends = [span[0] for span in spans], [span[1] for span in spans]
    heard: list[Span] = []
    for start, end in times:
        after, before = bisect_right(ends, start), bisect_left(begins, end) - 1
        sounds = max(start, begins[after]) if after < len(spans) else ends[-1]
        falls_silent = min(end, ends[before]) if before >= 0 else begins[0]
        heard.append((min(sounds, falls_silent), falls_silent))
    return _ascending(heard, begins[0], ends[-1])


def _with_words(piece: Piece, words: Sequence[Word]) -> Piece:
    if not words or words[-1].end <= words[0].start:
        return replace(piece, words=tuple(words))
    return replace(piece, start=words[0].start, end=words[-1].end, words=tuple(words))
