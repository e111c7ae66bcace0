"""What a stream has said lately: the utterances whose sound and words stand before a short one, so that it is heard.

Which those are depends on the utterances alone, never on how the sound came or how late the engine is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engines.said import Said
from ...types import SAMPLE_RATE, UNKNOWN, Audio, Hypothesis, Span

PAUSE_S = 1.0  # seconds of the silence before an utterance that stay; more would only fill the window
LONG_SILENCE_S = 10.0  # a silence behind which somebody begins anew: what was said before it is of no use


@dataclass(slots=True, eq=False)
class Uttered:
    """An utterance: where it lies, its sound, the silence in front of it, and what was heard once that is known."""

    span: Span
    sound: Audio
    pause: Audio
    heard: Hypothesis | None = None

    @property
    def text(self) -> str:
        """What was heard."""
        return " ".join(segment.text.strip() for segment in self.heard.segments) if self.heard else ""


class Earlier:
    """The last utterances of a stream, as many as hold `context_s` seconds. For the stream's own thread."""

    def __init__(self, context_s: float) -> None:
        self._most = round(context_s * SAMPLE_RATE)
        self._utterances: tuple[Uttered, ...] = ()
        self.end = 0  # where the last utterance or a gap ended, on the stream's clock

    def add(self, uttered: Uttered) -> tuple[Uttered, ...]:
        """Take an utterance; return those before it, of which `said_before` says what is of use."""
        before = self._utterances
        if before and uttered.span.start - before[-1].span.stop > LONG_SILENCE_S * SAMPLE_RATE:
            before = ()
        kept = (*before, uttered)
        while sum(len(each.sound) + len(each.pause) for each in kept) > self._most + len(kept[0].pause):
            kept = kept[1:]
        self._utterances, self.end = kept, uttered.span.stop
        return before

    def forget(self, at: int) -> None:
        """Begin anew at a sample of the stream: sound before it was lost."""
        self._utterances, self.end = (), at


def said_before(uttered: Uttered, before: Sequence[Uttered], room: float) -> Said | None:
    """Return what was said just before an utterance, at most `room` seconds of it; None where that is nothing.

    Utterances are taken whole, from the last one back: up to one that failed or was in another language, and without
    those in which no words were heard.
    """
    parts, texts, language = [uttered.pause], list[str](), UNKNOWN
    for each in reversed(before):
        samples = sum(map(len, parts)) + len(each.sound)
        if each.heard is None or samples > room * SAMPLE_RATE:
            break
        if not each.text:
            continue
        if texts and each.heard.language != language:
            break
        language = each.heard.language
        parts += [each.sound, each.pause]
        texts.append(each.text)
    if not texts:
        return None
    return Said(np.concatenate(parts[-2::-1]), " ".join(reversed(texts)), language)
