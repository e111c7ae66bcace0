"""Sound in blocks, events out: `Stream` ties ring, gate, sessions and scheduler together and computes nothing itself.

    stream = transcriber.stream()
    for block in blocks:                     # any size
        for event in stream.push(block):
            print(event.to_dict())
    for event in stream.flush():
        print(event.to_dict())

    block -> intake -> ring, gate -> utterance   while it is open: session -> Partial
                                                 when it closes:   engine.transcribe -> Final

The gate is that of files, so however the sound is cut, spans and finals are those of the same sound in a file.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...audio.intake import Block, Intake
from ...engines.base import DecodeOptions
from ...engines.session import Session
from ...errors import MalsoriError, StreamClosed
from ...events import Event, Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from ...types import SAMPLE_RATE, UNKNOWN, Audio, Hypothesis, Span
from ...vad import detector_named
from ..options import TranscribeOptions
from ..recording import Piece
from ..stitch import on_clock
from .cutter import LiveCutter
from .options import LIVE, LiveOptions, check_streamed, longest_utterance
from .outbox import Outbox
from .scheduling import Inline, Outcome, Scheduling
from .utterance import Utterance

if TYPE_CHECKING:
    from ..transcriber import Transcriber

PART = (
    SAMPLE_RATE // 2
)  # samples taken in at once: a block of a minute must not run over what the ring still has to keep
SPARE = 5.0  # seconds that the ring holds beyond the longest utterance: the gate's own delay, and a late engine's


class Stream:
    """One live stream of one speaker's sound. `push`, `skip`, `poll` and `flush` belong to one thread.

    `finals` recognises whole utterances; `partials`, another model or the same (None), says what it hears meanwhile.
    `options` are those of a transcription, as far as they have a meaning here. Models may be shared by many streams,
    which then share a scheduler too; without one, `push` itself computes what is due.

    Raises `OptionError` for options that a model or a stream does not have.
    """

    def __init__(
        self,
        finals: Transcriber,
        partials: Transcriber | None = None,
        options: TranscribeOptions | None = None,
        live: LiveOptions = LIVE,
        scheduler: Scheduling | None = None,
    ) -> None:
        options = options or TranscribeOptions()
        check_streamed(options)
        self._finals, self._partials = finals.engine, (partials or finals).engine
        self._scheduler = Inline() if scheduler is None else scheduler
        self._decoding = options.decoding(options.language)
        # Another model has other options; what it must be told is the language.
        self._interim = self._decoding if partials is None else DecodeOptions(language=options.language)
        only = self._finals.manifest.languages[0] if len(self._finals.manifest.languages) == 1 else None
        self._certain = options.language or only
        self._live = live
        self._outbox = Outbox()
        self._intake = Intake(live.sample_rate)
        detector = finals.detector if live.detector is None else detector_named(live.detector)
        gate = replace(options.gate, max_speech_s=longest_utterance(options, self._finals.longest_clip))
        self._cutter = LiveCutter(detector(), gate)
        self._seq = 0
        self._utterance: Utterance | None = None
        self._waiting: dict[int, int] = {}  # samples of each utterance that waits for its final
        self._lost = 0  # samples dropped since, because the engine is too far behind
        self._late = False
        self._closed = False
        self.level = 0.0
        for line in finals.check(options):
            self._warn("ignored_option", line)
        self._step = self._open().step if live.partials else 0

    @property
    def seconds(self) -> float:
        """Seconds of sound taken, gaps included."""
        return self._cutter.clock / SAMPLE_RATE

    @property
    def lag(self) -> float:
        """Seconds of speech that wait for their finals."""
        return sum(list(self._waiting.values())) / SAMPLE_RATE

    def push(self, block: Block, sample_rate: int | None = None) -> list[Event]:
        """Take a block of any size; return the events that are there by now.

        A block is an array of int16 or float samples, `(samples,)` or `(samples, channels)`, or bytes of 16-bit PCM.
        `sample_rate`, if given, must be the stream's. Raises `AudioError` for a block of another kind, `StreamClosed`
        after `flush`.
        """
        self._check_open()
        sound = self._intake.push(block, sample_rate)
        self._tell_mended()
        self._take(sound)
        return self._outbox.take()

    def skip(self, seconds: float, reason: str = "sound was lost before it got here") -> list[Event]:
        """Go on behind a gap of so many seconds, whose sound is lost; an open utterance ends before it."""
        self._check_open()
        self._take(self._intake.flush())
        self._flush_cutter()
        self._cutter.gap(round(seconds * SAMPLE_RATE))
        self._warn("dropped_audio", f"{reason}: {seconds:.3f} s", seconds)
        return self._outbox.take()

    def poll(self, timeout: float = 0.0) -> list[Event]:
        """Return the events that have come since, after waiting up to `timeout` seconds for one."""
        return self._outbox.take(timeout)

    def flush(self) -> list[Event]:
        """End the stream: return all that is still to come, once the last final is there."""
        events = self.finish()
        self._outbox.wait()
        return events + self._outbox.take()

    def finish(self) -> list[Event]:
        """End the stream as `flush` does, without waiting: `poll` gives the rest until the stream is `done`."""
        self._check_open()
        self._take(self._intake.flush())
        self._flush_cutter()
        self._tell_lost()
        self._closed = True
        return self._outbox.take()

    @property
    def done(self) -> bool:
        """Whether the stream was ended and its last final is there."""
        return self._closed and not self._outbox.waiting

    def _take(self, sound: Audio) -> None:
        for start in range(0, len(sound), self._part):
            part = sound[start : start + self._part]
            self.level = float(np.abs(part).max())
            if self._scheduler.backlog(self._finals) > self._scheduler.backlog_s:
                self._lose(len(part))
                continue
            self._tell_lost()
            for piece in self._cutter.push(part):
                self._end(piece)
            self._go_on()

    @property
    def _part(self) -> int:
        return min(PART, self._step or PART)

    def _go_on(self) -> None:
        """Open an utterance where somebody has begun to speak; have the open one listened to when that is due."""
        if self._utterance is None and self._cutter.start is not None:
            self._begin(self._cutter.start)
        utterance = self._utterance
        if utterance is not None and utterance.due(self._cutter.clock):
            self._scheduler.partial(self._partials, self, partial(self._listen, utterance))

    def _begin(self, start: int) -> Utterance:
        self._seq += 1
        self._utterance = Utterance(self._seq, start, self._open if self._live.partials else None, self._step)
        self._outbox.put(SpeechStarted(self._seq, start / SAMPLE_RATE))
        return self._utterance

    def _end(self, piece: Piece) -> None:
        """Have a whole utterance recognised; nobody listens to it any more."""
        span, utterance = piece.span, self._utterance or self._begin(piece.span.start)
        self._close(utterance, span.stop)
        self._waiting[utterance.seq] = len(span)
        done = partial(self._settle, utterance.seq, span)
        self._scheduler.final(self._finals, piece.audio, self._decoding, done, self)

    def _close(self, utterance: Utterance, stop: int) -> None:
        self._utterance = None
        utterance.end()
        self._scheduler.drop(self)
        self._outbox.expect(utterance.seq)
        self._outbox.put(SpeechEnded(utterance.seq, stop / SAMPLE_RATE))

    def _give_up(self, utterance: Utterance) -> None:
        """Close an utterance that was too short after all to be speech: it is heard no more than it is in a file."""
        span = Span(utterance.start, self._cutter.clock)
        self._close(utterance, span.stop)
        self._outbox.settle(utterance.seq, self._final(utterance.seq, span, Hypothesis((), UNKNOWN, 0.0)))

    def _settle(self, seq: int, span: Span, outcome: Outcome) -> None:
        """Take the final of an utterance, from whichever thread it comes."""
        if isinstance(outcome, MalsoriError):
            at, seconds = span.start / SAMPLE_RATE, span.seconds
            self._outbox.settle(seq, StreamWarning("engine_error", str(outcome), at, seconds, seq))
        else:
            self._outbox.settle(seq, self._final(seq, span, outcome))
        del self._waiting[seq]

    def _final(self, seq: int, span: Span, heard: Hypothesis) -> Final:
        segments = tuple(on_clock(heard.segments, span))
        language, probability = (self._certain, 1.0) if self._certain else (heard.language, heard.language_probability)
        return Final(
            seq,
            " ".join(segment.text.strip() for segment in segments),
            span.start / SAMPLE_RATE,
            span.stop / SAMPLE_RATE,
            segments,
            language,
            probability,
            self._finals.manifest.name,
        )

    def _listen(self, utterance: Utterance) -> None:
        """Compute a partial, in whichever thread runs the engine."""
        try:
            found = utterance.listen(self._cutter.ring)
        except MalsoriError as error:
            self._warn("dropped_partials", f"no more partials of this utterance: {error}", seq=utterance.seq)
            return
        if found is None:
            return
        if found.late and not self._late:
            self._late = True  # told once: a slow machine would tell it all the time
            self._warn("dropped_partials", "the engine is slower than the sound, so partials come less often")
        if found.heard is not None:
            start, stop = utterance.start / SAMPLE_RATE, found.stop / SAMPLE_RATE
            model = self._partials.manifest.name
            self._outbox.put(Partial(utterance.seq, found.heard.text, found.heard.stable, start, stop, model))

    def _flush_cutter(self) -> None:
        for piece in self._cutter.flush():
            self._end(piece)
        if self._utterance is not None:
            self._give_up(self._utterance)

    def _lose(self, samples: int) -> None:
        self._flush_cutter()
        self._cutter.gap(samples)
        self._lost += samples

    def _tell_lost(self) -> None:
        """Tell of a gap that is over, with its length."""
        if self._lost:
            seconds, self._lost = self._lost / SAMPLE_RATE, 0
            self._warn("dropped_audio", "the engine is too far behind; sound was dropped", seconds)

    def _tell_mended(self) -> None:
        if line := self._intake.mended():
            self._warn("mended_audio", line)

    def _warn(self, code: str, message: str, seconds: float = 0.0, seq: int | None = None) -> None:
        at = self._cutter.clock / SAMPLE_RATE - seconds
        self._outbox.put(StreamWarning(code, message, at, seconds, seq))

    def _open(self) -> Session:
        return self._partials.open(self._interim, self._live.session)

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosed
