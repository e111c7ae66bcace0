"""The finals of one stream: from a closed utterance to the scheduler, and from its outcome to the outbox."""

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
from .earlier import EarlierUtterances
from .options import LiveOptions, context_of
from .outbox import Outbox

NO_WORDS = Hypothesis((), UNKNOWN, 0.0)


class FinalWriter:
    """Makes the final events of one stream, with `words` or without; `language` None is the detected one."""

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
    """Requests the finals of one stream and puts them into its outbox; only `_take_outcome` is for any thread.

    The outbox is the `owner` of the stream's requests to the scheduler.

    Raises `OptionError` where a context is asked for and the engine is no `Follower`.
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
        self._writer = FinalWriter(engine.manifest, options.decoding.language, words=options.decoding.word_timestamps)
        context_s = context_of(live, engine)
        self._earlier = EarlierUtterances(engine, self._decoding, context_s) if context_s else None
        self._waiting: dict[int, int] = {}  # samples of each utterance that waits for its final

    @property
    def lag(self) -> float:
        """Seconds of speech that wait for their finals."""
        return sum(list(self._waiting.values())) / SAMPLE_RATE

    def hear_ahead(self, ending: Span, ring: RingBuffer) -> bool:
        """Request the recognition of an utterance that ends here if its pause lasts; return whether that is done."""
        if self._earlier is None:
            return False
        work = self._earlier.hear_ahead(ending, ring)
        if work is not None:
            self._scheduler.partial(self._engine, self._earlier, work)
        return True

    def request(self, seq: int, stretch: Clip, ring: RingBuffer) -> None:
        """Request the final of a closed utterance, of the stream in the ring."""
        span = stretch.span
        self._waiting[seq] = len(span)
        done = partial(self._take_outcome, seq, span)
        hear = self._earlier.hearing(span, stretch.audio, ring) if self._earlier is not None else None
        self._scheduler.final(self._engine, stretch.audio, self._decoding, done, self._outbox, hear)

    def leave_out(self, seq: int, span: Span) -> None:
        """Put an empty final for an utterance too short to be speech, which is not recognised, as in a file."""
        self._outbox.put_final(seq, self._writer.final(seq, span, NO_WORDS))

    def forget(self, at: int) -> None:
        """Drop the left context at a gap of the stream, which ends at sample `at`."""
        if self._earlier is not None:
            self._earlier.forget(at)

    def _take_outcome(self, seq: int, span: Span, outcome: Outcome) -> None:
        """Put the final of an utterance, or a warning for an error; called from any thread."""
        del self._waiting[seq]  # before `put_final` wakes whoever waits for it
        if isinstance(outcome, MalsoriError):
            at, seconds = span.start / SAMPLE_RATE, span.seconds
            self._outbox.put_final(seq, StreamWarning("engine_error", str(outcome), at, seconds, seq))
        else:
            self._outbox.put_final(seq, self._writer.final(seq, span, outcome))
