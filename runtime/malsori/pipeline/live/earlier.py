"""What a stream has said lately: the utterances whose sound and words stand before a short one, so that it is heard.

Which those are, and so what is heard, depends on the utterances alone: not on how the sound came, nor on how late the
engine is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from ...audio.ring import RingBuffer
from ...engines.base import DecodeOptions, Engine, Follower, LeftContext
from ...errors import MalsoriError
from ...joining import joined
from ...types import SAMPLE_RATE, UNKNOWN, Audio, Hypothesis, Span
from ..isolation import as_engine_error
from ..sharing.scheduling import Hear

MOST_PAUSE_S = 1.0  # seconds of the silence before an utterance that stay; more would only fill the window
LONG_SILENCE_S = 10.0  # a silence behind which somebody begins anew: what was said before it is of no use


@dataclass(slots=True, eq=False)
class StreamUtterance:
    """An utterance: where it lies, its sound, the silence in front of it, and what was heard once that is known."""

    span: Span
    sound: Audio
    pause: Audio
    heard: Hypothesis | None = None

    @property
    def language(self) -> str:
        """What it was spoken in, as far as that is known."""
        return self.heard.language if self.heard else UNKNOWN

    @property
    def text(self) -> str:
        """What was heard."""
        return joined(self.heard.segments) if self.heard else ""


class EarlierUtterances:
    """The last utterances of a stream, as many as hold `context_s` seconds, and how the next is heard behind them.

    `engine` is a `Follower`. For the stream's own thread, but for what `hearing` returns.
    """

    def __init__(self, engine: Engine, options: DecodeOptions, context_s: float) -> None:
        self._engine = engine
        self._options = options
        self._most = round(context_s * SAMPLE_RATE)
        self._utterances: tuple[StreamUtterance, ...] = ()
        self._ahead: StreamUtterance | None = None  # what is read ahead
        self._end = 0  # where the last utterance or a gap ended, on the stream's clock

    def hear_ahead(self, span: Span, ring: RingBuffer) -> Callable[[], None] | None:
        """Return work that reads an utterance which will have been this one if the pause lasts; None if it is known."""
        if self._ahead is not None and self._ahead.span == span:
            return None
        self._ahead = self._utterance_of(span, ring.read(span.start, span.stop), ring)
        return partial(self._hear_ahead, self._ahead, self._utterances)

    def hearing(self, span: Span, sound: Audio, ring: RingBuffer) -> Hear:
        """Take an utterance, whose stream is in the ring; return what recognises it once those before it have been."""
        ahead, self._ahead = self._ahead, None
        utterance = ahead if ahead is not None and ahead.span == span else self._utterance_of(span, sound, ring)
        before = self._utterances
        self._utterances, self._end = self._within_limit((*before, utterance)), span.stop
        return partial(self._hear, utterance, before)

    def forget(self, at: int) -> None:
        """Begin anew at a sample of the stream: sound before it was lost."""
        self._utterances, self._end, self._ahead = (), at, None

    def _utterance_of(self, span: Span, sound: Audio, ring: RingBuffer) -> StreamUtterance:
        """Return an utterance with the silence in front of it; where that is long, nothing stands before it."""
        if span.start - self._end > LONG_SILENCE_S * SAMPLE_RATE:
            self._utterances = ()
        first = max(span.start - round(MOST_PAUSE_S * SAMPLE_RATE), self._end, ring.start)
        return StreamUtterance(span, sound, ring.read(first, span.start))

    def _within_limit(self, utterances: tuple[StreamUtterance, ...]) -> tuple[StreamUtterance, ...]:
        """Return those that may stand before another one: nothing older is held."""
        while sum(len(each.sound) for each in utterances) > self._most:
            utterances = utterances[1:]
        return utterances

    def _hear_ahead(self, utterance: StreamUtterance, before: Sequence[StreamUtterance]) -> None:
        """Recognise an utterance ahead, unless it has turned out another; what fails is told when its final is due."""
        if self._ahead is utterance:
            with suppress(MalsoriError):
                as_engine_error(lambda: self._hear(utterance, before), self._engine)

    def _hear(self, utterance: StreamUtterance, before: Sequence[StreamUtterance]) -> Hypothesis:
        """Recognise an utterance, in whichever thread runs the engine; one that was read ahead is known."""
        if utterance.heard is not None:
            return utterance.heard
        room = min(self._most, round(self._engine.longest_clip * SAMPLE_RATE) - len(utterance.sound))
        said = left_context(utterance, before, room)
        heard = said and cast("Follower", self._engine).follow(utterance.sound, said, self._options)
        utterance.heard = heard or self._engine.transcribe([utterance.sound], self._options)[0]
        return utterance.heard


def left_context(utterance: StreamUtterance, before: Sequence[StreamUtterance], room: int) -> LeftContext | None:
    """Return what was said just before an utterance, at most `room` samples of it; None where that is nothing.

    Utterances are taken whole, from the last one back: up to one that failed or was in another language, and without
    those in which no words were heard.
    """
    chosen: list[StreamUtterance] = []
    samples = len(utterance.pause)
    for each in reversed(before):
        samples += len(each.sound)
        if each.heard is None or samples > room:
            break
        if not each.text:
            samples -= len(each.sound)
            continue
        if chosen and each.heard.language != chosen[0].language:
            break
        samples += len(each.pause)
        chosen.insert(0, each)
    return _context_of(chosen, utterance.pause) if chosen else None


def _context_of(utterances: Sequence[StreamUtterance], pause: Audio) -> LeftContext:
    """Return utterances with the pauses between them and behind them."""
    pauses = [*(each.pause for each in utterances[1:]), pause]
    parts = [part for each, behind in zip(utterances, pauses, strict=True) for part in (each.sound, behind)]
    return LeftContext(np.concatenate(parts), joined(utterances), utterances[0].language)
