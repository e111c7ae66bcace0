"""Sound in blocks, events out: `Stream` ties ring, gate, sessions and scheduler together and computes nothing itself.

    stream = transcriber.stream()
    for block in blocks:                     # any size
        for event in stream.push(block):
            print(event.to_dict())
    for event in stream.flush():
        print(event.to_dict())

    block -> intake -> ring, gate -> utterance   while it is open: session -> Partial
                                                 when it closes:   engine.transcribe -> Final

The gate is that of files, so however the sound is cut, the spans are those of the same sound in a file, and so are the
finals of CTC models. Whisper reads a file in filled windows and a stream by utterance, each with what was said before
it (`earlier.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from ...audio.intake import Block, Intake
from ...engines.base import DecodeOptions, Engine
from ...engines.session import Session
from ...errors import MalsoriError, OptionError, StreamClosed
from ...events import Event, Partial, SpeechEnded, SpeechStarted
from ...types import SAMPLE_RATE, Audio, Span
from ...vad import Detector, detector_named
from ..clip import Clip
from ..isolation import as_engine_error
from ..options import TranscribeOptions
from ..sharing.scheduling import Inline, Scheduling
from .finals import Finals
from .options import LIVE, LiveOptions, check_streamed, longest_utterance
from .outbox import Outbox, Troubles
from .utterance import LiveCutter, Utterance

PART = SAMPLE_RATE // 2  # samples taken in at once: a block of a minute must not run over what the ring has to keep


class Stream:
    """One live stream of one speaker's sound. `push`, `skip`, `poll` and `flush` belong to one thread.

    `finals` recognises whole utterances; `partials`, another engine or the same (None), says what it hears meanwhile;
    `detector` makes the voice detector, unless `live` names another. `options` are those of a transcription, as far as
    they have a meaning here; `warnings`, which the model itself has, are told first. Engines may be shared by many
    streams, which then share a scheduler too; without one, `push` itself computes what is due.

    Raises `OptionError` for options that a model or a stream does not have, `UnsupportedFormat` for a sample rate.
    """

    def __init__(
        self,
        finals: Engine,
        detector: Callable[[], Detector],
        options: TranscribeOptions,
        live: LiveOptions = LIVE,
        scheduler: Scheduling | None = None,
        *,
        partials: Engine | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        check_streamed(options)
        if scheduler is not None and scheduler.closed:
            raise OptionError("the scheduler is closed; make a new one, and use its streams before it is closed")
        options.check(finals.manifest)
        left_out = finals.check(options.decoding)
        self._engine, self._partials = finals, finals if partials is None else partials
        self._scheduler = Inline() if scheduler is None else scheduler
        # Another model has other options; what it must be told is the language.
        interim = options.decoding if partials is None else DecodeOptions(language=options.decoding.language)
        self._interim = replace(interim, live=True)
        self._live = live
        self._outbox = Outbox()
        self._finals = Finals(self._engine, options, live, self._scheduler, self._outbox)
        self._ahead = live.ahead and scheduler is not None  # in one thread nothing waits
        self._intake = Intake(live.sample_rate)
        detector = detector if live.detector is None else detector_named(live.detector)
        longest = longest_utterance(options, self._engine.longest_clip, live.backlog_s / 2)
        self._cutter = LiveCutter(detector(), replace(options.speech.gate, max_speech_s=longest))
        self._troubles = Troubles(self._outbox, self._cutter.ring)
        self._seq = 0
        self._utterance: Utterance | None = None
        self._closed, self._level = False, 0.0
        for line in (*warnings, *left_out):
            self._troubles.tell("demonstration" if line in warnings else "ignored_option", line)
        self._step = self._open().step if live.partials else 0
        self._part = min(PART, self._step or PART)

    @property
    def seconds(self) -> float:
        """Seconds of sound taken, gaps included."""
        return self._cutter.clock / SAMPLE_RATE

    @property
    def level(self) -> float:
        """The peak of the newest block, 0 to 1."""
        return self._level

    @property
    def lag(self) -> float:
        """Seconds of speech that wait for their finals."""
        return self._finals.lag

    @property
    def behind(self) -> bool:
        """Whether so much speech waits that a source which can wait should; with twice as much, sound is dropped."""
        return self.lag > self._live.backlog_s / 2

    def push(self, block: Block, sample_rate: int | None = None) -> list[Event]:
        """Take a block of any size; return the events that are there by now.

        A block is an array of int16 or float samples, `(samples,)` or `(samples, channels)`, or bytes of 16-bit PCM.
        `sample_rate`, if given, must be the stream's. Raises `AudioError` for a block of another kind, `StreamClosed`
        after `flush`.
        """
        self._check_open()
        sound = self._intake.push(block, sample_rate)
        if line := self._intake.mended():
            self._troubles.tell("mended_audio", line)
        if len(sound):
            self._level = float(np.abs(sound).max())
        self._take(sound)
        return self._outbox.take()

    def skip(self, seconds: float, reason: str = "sound was lost before it got here") -> list[Event]:
        """Go on behind a gap of so many seconds, whose sound is lost; an open utterance ends before it.

        Raises `OptionError` unless `seconds` is a finite number of 0 or more.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise OptionError(f"skip: expected seconds of 0 or more, found {seconds}")
        self._check_open()
        self._take(self._intake.flush())
        self._troubles.tell_lost()
        if samples := round(seconds * SAMPLE_RATE):
            self._flush_cutter()
            self._gap(samples)
            self._troubles.tell("dropped_audio", f"{reason}: {seconds:.3f} s", seconds)
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
        self._troubles.tell_lost()
        self._closed = True
        return self._outbox.take()

    @property
    def done(self) -> bool:
        """Whether the stream was ended and its last final is there."""
        return self._closed and not self._outbox.waiting

    def _take(self, sound: Audio) -> None:
        for start in range(0, len(sound), self._part):
            part = sound[start : start + self._part]
            if self.lag > self._live.backlog_s:
                self._flush_cutter()
                self._gap(len(part))
                self._troubles.lose(len(part))
                continue
            self._troubles.tell_lost()
            for piece in self._cutter.push(part):
                self._end(piece)
            self._go_on()

    def _go_on(self) -> None:
        """Open an utterance where somebody has begun to speak; have the open one listened to when that is due."""
        if self._utterance is None and self._cutter.start is not None:
            self._begin(self._cutter.start)
        utterance, ending = self._utterance, self._cutter.ending
        begun = self._ahead and ending is not None and self._finals.begin(ending, self._cutter.ring)
        if begun and self._partials is self._engine:
            return  # one engine, and nothing new is said
        if utterance is None or not utterance.due(self._cutter.clock):
            return
        if self._scheduler.partial(self._partials, self._outbox, partial(self._listen, utterance)):
            self._troubles.late()

    def _begin(self, start: int) -> Utterance:
        self._seq += 1
        self._utterance = Utterance(self._seq, start, self._open if self._live.partials else None, self._step)
        self._outbox.put(SpeechStarted(self._seq, start / SAMPLE_RATE))
        return self._utterance

    def _end(self, piece: Clip) -> None:
        """Have a whole utterance recognised; nobody listens to it any more."""
        utterance = self._utterance or self._begin(piece.span.start)
        self._close(utterance, piece.span.stop)
        self._finals.owe(utterance.seq, piece, self._cutter.ring)

    def _close(self, utterance: Utterance, stop: int) -> None:
        self._utterance = None
        utterance.end()
        self._scheduler.drop(self._outbox)
        self._outbox.expect(utterance.seq)
        self._outbox.put(SpeechEnded(utterance.seq, stop / SAMPLE_RATE))

    def _listen(self, utterance: Utterance) -> None:
        """Compute a partial, in whichever thread runs the engine."""
        try:
            found = as_engine_error(lambda: utterance.listen(self._cutter.ring), self._partials)
        except MalsoriError as error:
            message = f"no more partials of this utterance: {error}"
            self._troubles.tell("dropped_partials", message, seq=utterance.seq)
            return
        if found is not None:
            start, stop = utterance.start / SAMPLE_RATE, found.stop / SAMPLE_RATE
            model = self._partials.manifest.name
            self._outbox.put(Partial(utterance.seq, found.heard.text, found.heard.stable, start, stop, model))

    def _gap(self, samples: int) -> None:
        """Go on behind sound that is lost; nothing may be open."""
        self._cutter.gap(samples)
        self._finals.forget(self._cutter.clock)

    def _flush_cutter(self) -> None:
        for piece in self._cutter.flush():
            self._end(piece)
        if (utterance := self._utterance) is not None:  # too short after all to be speech
            span = Span(utterance.start, self._cutter.clock)
            self._close(utterance, span.stop)
            self._finals.leave_out(utterance.seq, span)

    def _open(self) -> Session:
        return self._partials.open(self._interim, self._live.session)

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosed
