"""The finals that a stream owes: what recognises its utterances, behind what, and how much speech waits for that."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ...audio.ring import RingBuffer
from ...bundles.manifest import Manifest
from ...engines.base import Engine
from ...errors import MalsoriError
from ...events import Final, StreamWarning
from ...joining import joined
from ...types import SAMPLE_RATE, UNKNOWN, Hypothesis, Span
from ..clip import Clip, Clock
from ..options import TranscribeOptions
from ..sharing.scheduling import Outcome, Scheduling
from .earlier import Earlier
from .options import LiveOptions, context_of
from .outbox import Outbox

UNHEARD = Hypothesis((), UNKNOWN, 0.0)


class Author:
    """Writes the finals of one stream, with `words` or without; `language` is None where the model tells it."""

    def __init__(self, manifest: Manifest, language: str | None, *, words: bool) -> None:
        self._certain = language or manifest.only_language
        self._words = words
        self._model = manifest.name

    def final(self, seq: int, span: Span, heard: Hypothesis) -> Final:
        """Return the final of the utterance in `span`, its segments on the stream's clock."""
        segments = tuple(Clock((span,)).placed(heard.segments, words=self._words))
        language, probability = (self._certain, 1.0) if self._certain else (heard.language, heard.language_probability)
        return Final(
            seq,
            joined(segments),
            span.start / SAMPLE_RATE,
            span.stop / SAMPLE_RATE,
            segments,
            language,
            probability,
            self._model,
        )


class Finals:
    """The finals of one stream, from the end of an utterance to its outbox. `_take_outcome` alone is for any thread.

    To schedulers the outbox stands for the stream: it is the owner of all that is asked of them.

    Raises `OptionError` where a context is asked for and the engine reads utterances by themselves.
    """

    def __init__(
        self,
        engine: Engine,
        options: TranscribeOptions,
        live: LiveOptions,
        scheduler: Scheduling,
        outbox: Outbox,
    ) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._outbox = outbox
        self._decoding = replace(options.decoding, live=True)
        self._author = Author(engine.manifest, options.decoding.language, words=options.decoding.word_timestamps)
        context_s = context_of(live, engine)
        self._earlier = Earlier(engine, self._decoding, context_s) if context_s else None
        self._waiting: dict[int, int] = {}  # samples of each utterance that waits for its final

    @property
    def lag(self) -> float:
        """Seconds of speech that wait for their finals."""
        return sum(list(self._waiting.values())) / SAMPLE_RATE

    def begin(self, ending: Span, ring: RingBuffer) -> bool:
        """Have a final begun whose utterance ends here if the pause lasts; return whether finals can be."""
        if self._earlier is None:
            return False
        work = self._earlier.ahead(ending, ring)
        if work is not None:
            self._scheduler.partial(self._engine, self._earlier, work)
        return True

    def owe(self, seq: int, piece: Clip, ring: RingBuffer) -> None:
        """Have a whole utterance recognised, whose stream is in the ring."""
        span = piece.span
        self._waiting[seq] = len(span)
        done = partial(self._take_outcome, seq, span)
        hear = self._earlier.hearing(span, piece.audio, ring) if self._earlier is not None else None
        self._scheduler.final(self._engine, piece.audio, self._decoding, done, self._outbox, hear)

    def leave_out(self, seq: int, span: Span) -> None:
        """Settle an utterance that was too short after all to be speech: it is heard no more than it is in a file."""
        self._outbox.put_final(seq, self._author.final(seq, span, UNHEARD))

    def forget(self, at: int) -> None:
        """Begin anew at a sample of the stream: sound before it was lost."""
        if self._earlier is not None:
            self._earlier.forget(at)

    def _take_outcome(self, seq: int, span: Span, outcome: Outcome) -> None:
        """Take the final of an utterance, from whichever thread it comes."""
        del self._waiting[seq]  # before anybody who waits for it wakes up
        if isinstance(outcome, MalsoriError):
            at, seconds = span.start / SAMPLE_RATE, span.seconds
            self._outbox.put_final(seq, StreamWarning("engine_error", str(outcome), at, seconds, seq))
        else:
            self._outbox.put_final(seq, self._author.final(seq, span, outcome))
