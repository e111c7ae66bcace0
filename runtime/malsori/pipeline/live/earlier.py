"""The last utterances of a stream, which are the left context of the next one's final.

Which utterances these are depends on the utterances alone: not on the blocks, nor on how late the engine is.
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

MOST_PAUSE_S = 1.0  # seconds of silence kept before an utterance; more would only fill the window
LONG_SILENCE_S = 10.0  # seconds of silence behind which an utterance has no left context


@dataclass(slots=True, eq=False)
class StreamUtterance:
    """An utterance: its span, its sound, the silence in front of it, and its hypothesis once there is one."""

    span: Span
    sound: Audio
    pause: Audio
    heard: Hypothesis | None = None

    @property
    def language(self) -> str:
        """The language of its hypothesis, `und` without one."""
        return self.heard.language if self.heard else UNKNOWN

    @property
    def text(self) -> str:
        """The text of its hypothesis, empty without one."""
        return joined(self.heard.segments) if self.heard else ""


class EarlierUtterances:
    """The last utterances of a stream, `context_s` seconds at most, and the recognition of the next one behind them.

    `engine` is a `Follower`. Methods are for the stream's thread, the callables that they return for any.
    """

    def __init__(self, engine: Engine, options: DecodeOptions, context_s: float) -> None:
        self._engine = engine
        self._options = options
        self._most = round(context_s * SAMPLE_RATE)
        self._utterances: tuple[StreamUtterance, ...] = ()
        self._ahead: StreamUtterance | None = None  # recognised before its pause is over
        self._end = 0  # where the last utterance or a gap ended, on the stream's clock

    def hear_ahead(self, span: Span, ring: RingBuffer) -> Callable[[], None] | None:
        """Return work that recognises an utterance which ends here if its pause lasts; None where that was begun."""
        if self._ahead is not None and self._ahead.span == span:
            return None
        self._ahead = self._utterance_of(span, ring.read(span.start, span.stop), ring)
        return partial(self._hear_ahead, self._ahead, self._utterances)

    def hearing(self, span: Span, sound: Audio, ring: RingBuffer) -> Hear:
        """Take an utterance of the stream in the ring; return what recognises it, after those before it."""
        ahead, self._ahead = self._ahead, None
        utterance = ahead if ahead is not None and ahead.span == span else self._utterance_of(span, sound, ring)
        before = self._utterances
        self._utterances, self._end = self._within_limit((*before, utterance)), span.stop
        return partial(self._hear, utterance, before)

    def forget(self, at: int) -> None:
        """Forget all utterances at a gap of the stream, which ends at sample `at`."""
        self._utterances, self._end, self._ahead = (), at, None

    def _utterance_of(self, span: Span, sound: Audio, ring: RingBuffer) -> StreamUtterance:
        """Return an utterance with the silence in front of it; forget the earlier ones where that is long."""
        if span.start - self._end > LONG_SILENCE_S * SAMPLE_RATE:
            self._utterances = ()
        first = max(span.start - round(MOST_PAUSE_S * SAMPLE_RATE), self._end, ring.start)
        return StreamUtterance(span, sound, ring.read(first, span.start))

    def _within_limit(self, utterances: tuple[StreamUtterance, ...]) -> tuple[StreamUtterance, ...]:
        """Return the last utterances that fit into the left context."""
        while sum(len(each.sound) for each in utterances) > self._most:
            utterances = utterances[1:]
        return utterances

    def _hear_ahead(self, utterance: StreamUtterance, before: Sequence[StreamUtterance]) -> None:
        """Recognise an utterance ahead, unless its pause did not last; errors come when its final is recognised."""
        if self._ahead is utterance:
            with suppress(MalsoriError):
                as_engine_error(lambda: self._hear(utterance, before), self._engine)

    def _hear(self, utterance: StreamUtterance, before: Sequence[StreamUtterance]) -> Hypothesis:
        """Return the hypothesis of an utterance, in the thread that runs the engine; computed ahead where it was."""
        if utterance.heard is not None:
            return utterance.heard
        room = min(self._most, round(self._engine.longest_clip * SAMPLE_RATE) - len(utterance.sound))
        context = left_context(utterance, before, room)
        heard = context and cast("Follower", self._engine).follow(utterance.sound, context, self._options)
        utterance.heard = heard or self._engine.transcribe([utterance.sound], self._options)[0]
        return utterance.heard


def left_context(utterance: StreamUtterance, before: Sequence[StreamUtterance], room: int) -> LeftContext | None:
    """Return the utterances just before one as its left context, at most `room` samples; None where there are none.

    Whole utterances, from the last one back to one that failed or was in another language, without those that have no
    words.
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
    """Return utterances joined with the pauses between them and behind them."""
    pauses = [*(each.pause for each in utterances[1:]), pause]
    parts = [part for each, behind in zip(utterances, pauses, strict=True) for part in (each.sound, behind)]
    return LeftContext(np.concatenate(parts), joined(utterances), utterances[0].language)
