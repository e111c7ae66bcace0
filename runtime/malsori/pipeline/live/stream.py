"""`Stream`: sound in blocks, events out. It connects ring, gate, sessions and scheduler.

    stream = transcriber.stream()
    for block in blocks:                     # any size
        for event in stream.push(block):
            print(event.to_dict())
    for event in stream.flush():
        print(event.to_dict())

    block -> intake -> ring, gate -> utterance   while it is open: session -> Partial
                                                 when it closes:   engine.transcribe -> Final

The gate is that of files, so whatever the blocks, utterances have the spans of the same sound in a file, and CTC models
give the same text. Whisper reads files in filled windows, and streams by utterance behind its left context
(`earlier.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...audio.intake import Block, Intake
from ...engines.base import Engine
from ...errors import OptionError, StreamClosed
from ...events import Event, SpeechEnded, SpeechStarted
from ...types import SAMPLE_RATE, Audio, Span
from ...vad import Detector, detector_named
from ..clip import Clip
from ..options import TranscribeOptions
from ..sharing.scheduling import Inline, Scheduling
from .finals import Finals
from .options import LIVE, LiveOptions, check_streamed, longest_utterance
from .outbox import Outbox, StreamWarnings
from .partials import Partials
from .utterance import LiveCutter, Utterance

PART = SAMPLE_RATE // 2  # samples taken in at once: a long block must not overwrite what the ring has to keep


class Stream:
    """One live stream of one speaker's sound. `push`, `skip`, `poll` and `flush` belong to one thread.

    `finals` recognises whole utterances; `partials`, another engine or the same (None), open ones; `detector` makes the
    voice detector, unless `live` names another. `options` are those of a transcription that a stream has; `warnings`,
    the model's own, are the first events. Streams that share engines share a scheduler too; without one, `push` itself
    runs the engines.

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
        self._engine, self._live = finals, live
        self._outbox = Outbox()
        self._scheduler = working = Inline() if scheduler is None else scheduler
        self._finals = Finals(finals, options, live, working, self._outbox)
        self._ahead = live.ahead and scheduler is not None  # in one thread nothing waits
        self._intake = Intake(live.sample_rate)
        detector = detector if live.detector is None else detector_named(live.detector)
        longest = longest_utterance(options, finals.longest_clip, live.backlog_s / 2)
        self._cutter = LiveCutter(detector(), replace(options.speech.gate, max_speech_s=longest))
        self._troubles = StreamWarnings(self._outbox, self._cutter.ring)
        self._seq = 0
        self._utterance: Utterance | None = None
        self._closed, self._level = False, 0.0
        for line in (*warnings, *left_out):
            self._troubles.tell("demonstration" if line in warnings else "ignored_option", line)
        self._partials = Partials(finals, partials, options, live, working, self._outbox, self._troubles)
        self._part = min(PART, self._partials.step or PART)

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
        """Whether half of `backlog_s` waits, so that patient sources should pause; above all of it sound is dropped."""
        return self.lag > self._live.backlog_s / 2

    @property
    def wake(self) -> Callable[[], None] | None:
        """Called whenever an event waits for `poll`, from any thread, so it must be brief and raise nothing."""
        return self._outbox.wake

    @wake.setter
    def wake(self, wake: Callable[[], None] | None) -> None:
        self._outbox.wake = wake

    def push(self, block: Block, sample_rate: int | None = None) -> list[Event]:
        """Take a block of any size; return the events that are ready.

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

    def cut(self) -> list[Event]:
        """End the open utterance here, if there is one; its final comes as always, and the sound goes on without a gap.

        Where the pause has filled the padding, the words are those of an utterance that the gate ends. Raises
        `StreamClosed` after `flush`.
        """
        self._check_open()
        for stretch in self._cutter.end():
            self._end(stretch)
        return self._outbox.take()

    def skip(self, seconds: float, reason: str = "sound was lost before it got here") -> list[Event]:
        """Advance over a gap of `seconds`, whose sound is lost; an open utterance ends before it.

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
        """Return the events that are ready, after waiting up to `timeout` seconds for one."""
        return self._outbox.take(timeout)

    def flush(self) -> list[Event]:
        """End the stream; wait for the last final and return the remaining events."""
        events = self.finish()
        self._outbox.wait()
        return events + self._outbox.take()

    def finish(self) -> list[Event]:
        """End the stream without waiting; `poll` gives the remaining events until the stream is `done`."""
        self._check_open()
        self._take(self._intake.flush())
        self._flush_cutter()
        self._troubles.tell_lost()
        self._closed = True
        return self._outbox.take()

    def abandon(self) -> None:
        """End the stream, whose events nobody wants any more: what waits in the scheduler is not recognised."""
        if self._utterance is not None:
            self._partials.end(self._utterance)
        self._utterance, self._closed = None, True
        self._scheduler.drop(self._outbox, finals=True)

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
            for stretch in self._cutter.push(part):
                self._end(stretch)
            self._go_on()

    def _go_on(self) -> None:
        """Open an utterance where speech has begun; request what is due of the open one, a final ahead or a partial."""
        if self._utterance is None and self._cutter.start is not None:
            self._begin(self._cutter.start)
        utterance, ending = self._utterance, self._cutter.ending
        begun = self._ahead and ending is not None and self._finals.hear_ahead(ending, self._cutter.ring)
        if begun and self._partials.engine is self._engine:
            return  # the engine is busy with the final, and a pause has no new words for a partial
        if utterance is not None and utterance.due(self._cutter.clock):
            self._partials.request(utterance, self._cutter.ring)

    def _begin(self, start: int) -> Utterance:
        self._seq += 1
        self._utterance = self._partials.begin(self._seq, start)
        self._outbox.put(SpeechStarted(self._seq, start / SAMPLE_RATE))
        return self._utterance

    def _end(self, stretch: Clip) -> None:
        """Close the utterance of a stretch, and request its final."""
        utterance = self._utterance or self._begin(stretch.span.start)
        self._close(utterance, stretch.span.stop)
        self._finals.request(utterance.seq, stretch, self._cutter.ring)

    def _close(self, utterance: Utterance, stop: int) -> None:
        self._utterance = None
        self._partials.end(utterance)
        self._outbox.expect(utterance.seq)
        self._outbox.put(SpeechEnded(utterance.seq, stop / SAMPLE_RATE))

    def _gap(self, samples: int) -> None:
        """Advance over lost samples; no utterance may be open."""
        self._cutter.gap(samples)
        self._finals.forget(self._cutter.clock)

    def _flush_cutter(self) -> None:
        for stretch in self._cutter.flush():
            self._end(stretch)
        if (utterance := self._utterance) is not None:  # too short after all to be speech
            span = Span(utterance.start, self._cutter.clock)
            self._close(utterance, span.stop)
            self._finals.leave_out(utterance.seq, span)

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosed
