"""A transcript to cues: how much one may hold, which words it has, and how long it is shown.

A cue may hold the end of one segment and the start of the next where one of them alone would be too short.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ..joining import joined, written
from ..kinds import Number, Switch, Whole
from ..option import check, option
from ..types import Segment, Transcript, Word
from .breaking import cells, is_wide, may_part
from .cutting import CueCutter, CueLimits

LONGEST_WORD = 12  # letters; a longer one in a text without spaces is several that the model did not part
# A line of 42 characters and cues of up to 7 s are what the Netflix Timed Text Style Guide asks for in most languages;
# of Korean and Chinese it wants 16 letters a line, counting those of half their width half.
WIDTH, WIDE_WIDTH = 42, 32  # cells
LINES = 2
MOST_WORDS = 1000
LEAST_WIDTH = 10  # cells of a line beside a label
LEAST_S = 0.02  # seconds of a cue whose words have no time: players show none that ends as it begins


def shown_words(segment: Segment) -> list[Word]:
    """Return a segment's text in words, with times; `written` joins them to the text again, with single spaces.

    Example: "東京に行く。OK then" heard as 東京 に 行く。 OK then  ->  東京 に 行く。OK then
    """
    letters = "".join(segment.text.split())
    heard = [Word("".join(word.text.split()), word.start, word.end, word.probability) for word in segment.words]
    heard = [word for word in heard if word.text]
    if "".join(word.text for word in heard) != letters:
        heard = [Word(letters, segment.start, segment.end, segment.confidence)]
    clock = _LetterTimes(heard)
    return [clock.word(first, stop, spaced) for first, stop, spaced in _word_spans(segment.text, clock)]


class _LetterTimes:
    """The time of each letter of some words: those of one word share its time evenly."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._begins = list(accumulate((len(word.text) for word in words), initial=0))
        self.text = "".join(word.text for word in words)

    def known(self, position: int) -> bool:
        """Return whether a word ends before the letter at `position`."""
        return self._begins[self._index(position)] == position

    def inside(self, position: int) -> bool:
        """Return whether the letter at `position` is in a word longer than `LONGEST_WORD`."""
        return len(self._words[self._index(position)].text) > LONGEST_WORD

    def word(self, first: int, stop: int, spaced: bool) -> Word:
        """Return the letters `[first, stop)` as a word with its times."""
        probability = self._words[self._index(first)].probability
        return Word(self.text[first:stop], self._at(first, first), self._at(stop - 1, stop), probability, spaced)

    def _index(self, letter: int) -> int:
        return bisect_right(self._begins, letter, hi=len(self._words)) - 1

    def _at(self, letter: int, position: int) -> float:
        """Return the time in seconds of a `position` before or behind a letter."""
        index = self._index(letter)
        word = self._words[index]
        return word.start + (word.end - word.start) * (position - self._begins[index]) / len(word.text)


def _word_spans(text: str, clock: _LetterTimes) -> Iterator[tuple[int, int, bool]]:
    """Yield the words of a text as letters `[first, stop)`, counted without spaces, and whether a space precedes."""
    begin = 0
    for token in text.split():
        stop = begin + len(token)
        cuts = [
            position
            for position in range(begin + 1, stop)
            if _words_part(clock.text[position - 1], clock.text[position], position, clock)
        ]
        edges = [begin, *cuts, stop]
        for first, last in pairwise(edges):
            yield first, last, first == begin
        begin = stop


def _words_part(before: str, after: str, position: int, clock: _LetterTimes) -> bool:
    if before.isascii() and after.isascii():
        return False
    known = clock.known(position)
    return (known or clock.inside(position)) and may_part(before, after, known=known)


@dataclass(frozen=True, slots=True)
class CueOptions:
    """How subtitles are cut.

    max_line_width: cells of a line at most; letters of Chinese, Japanese, Korean take two (42; 32 where they are most
        of the text). A word that is wider has a line of its own.
    max_line_count: lines of a cue at most (2; 1 with --words-per-line).
    max_cue_s: seconds that a cue lasts at most.
    words_per_line: words of a line at most (as many as there is room for).
    highlight_words: a cue for each word, which is underlined in it.

    Raises `OptionError` for a value out of its range.
    """

    max_line_width: int | None = option(None, Whole(1, 1000, or_none=True))
    max_line_count: int | None = option(None, Whole(1, 10, or_none=True))
    max_cue_s: float = option(7.0, Number(1, 3600, expected="1 to 3600 seconds"))
    words_per_line: int | None = option(
        None, Whole(1, MOST_WORDS, or_none=True), "--words-per-line", "--max-words-per-line"
    )
    highlight_words: bool = option(False, Switch())

    def __post_init__(self) -> None:
        check(self)

    def limits(self, text: str) -> CueLimits:
        """Return what a cue of `text` may hold."""
        width = WIDE_WIDTH if _mostly_wide(text) else WIDTH
        lines = LINES if self.words_per_line is None else 1
        return CueLimits(
            self.max_line_width or width,
            self.max_line_count or lines,
            self.words_per_line or MOST_WORDS,
            float(self.max_cue_s),
        )


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: words on lines, shown from `start` to `end` seconds. `marked` is the word to be underlined.

    `speaker` is who says all of it, None where nobody is told apart.
    """

    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]
    marked: Word | None = None
    speaker: str | None = None

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(map(written, self.lines))

    def by_word(self) -> Iterator[Cue]:
        """Yield the cue once for each of its words that has a length, marked until the next word begins."""
        words = [word for line in self.lines for word in line]
        starts = [self.start, *(max(self.start, min(word.start, self.end)) for word in words[1:]), self.end]
        spans = zip(words, starts[:-1], starts[1:], strict=True)
        shown = [(word, start) for word, start, end in spans if round(end, 3) > round(start, 3)]
        marked = [word for word, _ in shown] or words[:1]
        edges = [self.start, *(start for _, start in shown[1:]), self.end]
        for word, start, end in zip(marked, edges[:-1], edges[1:], strict=True):
            yield replace(self, start=start, end=end, marked=word)


def cues_of(transcript: Transcript, options: CueOptions | None, *, labelled: bool = False) -> Iterator[Cue]:
    """Yield the cues of a transcript in the order of their starts; without options each segment is a cue of one line.

    No cue has words of two speakers, and none overlaps another of the same speaker; where two speak at once, so do
    their cues. With `labelled`, lines leave room for `speaker: `.
    """
    spoken = [segment for segment in transcript.segments if segment.text.strip()]
    if options is None:
        yield from map(_segment_cue, spoken)
        return
    limits = options.limits(transcript.text or joined(spoken))
    found: list[Cue] = []
    for speaker in dict.fromkeys(segment.speaker for segment in spoken):
        label = cells(f"{speaker}: ") if labelled and speaker is not None else 0
        narrow = replace(limits, width=max(limits.width - label, LEAST_WIDTH)) if label else limits
        own = [segment for segment in spoken if segment.speaker == speaker]
        found += (replace(cue, speaker=speaker) for cue in _cues(own, transcript, narrow))
    shown = (part for cue in _in_turns(found) for part in (cue.by_word() if options.highlight_words else (cue,)))
    yield from sorted(shown, key=lambda cue: cue.start)  # those of two speakers may overlap


def _cues(spoken: Sequence[Segment], transcript: Transcript, limits: CueLimits) -> Iterator[Cue]:
    """Yield the cues of segments of one speaker, none overlapping another."""
    words: list[Word] = []
    ends: set[int] = set()
    for segment in spoken:
        words += shown_words(segment)
        ends.add(len(words) - 1)
    words = _ascending(words)
    room_s = max(transcript.duration, words[-1].end if words else 0.0)
    yield from _timed(words, CueCutter(words, ends, transcript.language, limits, room_s))


def _in_turns(cues: Sequence[Cue]) -> Iterator[Cue]:
    """Yield the cues of all speakers in the order of their starts.

    A cue that stays longer than it is spoken makes room for what another speaker says then.
    """
    ordered = sorted(cues, key=lambda cue: cue.start)
    starts = [cue.start for cue in ordered]
    for index, cue in enumerate(ordered):
        said = max(cue.lines[-1][-1].end, cue.start + LEAST_S)
        during = ordered[index + 1 : bisect_left(starts, cue.end)]
        ends = (each.start for each in during if each.start >= said)  # of others: own ones do not overlap
        yield replace(cue, end=next(ends, cue.end))


def _timed(words: list[Word], cutter: CueCutter) -> Iterator[Cue]:
    """Yield the cues with their times; each begins at the end of the one before or later."""
    earliest = 0.0
    for first, stop in cutter.cues():
        start, end = cutter.shown(first, stop)
        start = max(start, earliest)
        earliest = max(end, start + LEAST_S)
        lines = tuple(tuple(words[begin:end]) for begin, end in cutter.ruler.lines(first, stop))
        yield Cue(start, earliest, lines)


def _segment_cue(segment: Segment) -> Cue:
    text = " ".join(segment.text.split())
    word = Word(text, segment.start, segment.end, segment.confidence)
    return Cue(segment.start, segment.end, ((word,),), speaker=segment.speaker)


def _ascending(words: list[Word]) -> list[Word]:
    """Return the words with times that never go back: each ends where the next one begins at the latest."""
    rising: list[Word] = []
    start = 0.0
    for word in words:
        start = max(start, word.start)
        rising.append(replace(word, start=start, end=max(start, word.end)))
    nexts = [word.start for word in rising[1:]]
    return [
        *(replace(word, end=min(word.end, start)) for word, start in zip(rising, nexts, strict=False)),
        *rising[-1:],
    ]


def _mostly_wide(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(map(is_wide, letters)) > len(letters)
