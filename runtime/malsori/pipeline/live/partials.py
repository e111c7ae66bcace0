"""The partials of one stream: from an open utterance to the scheduler, and from its session to the outbox."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ...audio.ring import RingBuffer
from ...engines.base import DecodeOptions, Engine
from ...engines.session import Session
from ...errors import MalsoriError
from ..isolation import as_engine_error
from ..options import TranscribeOptions
from ..sharing.scheduling import Scheduling
from .options import LiveOptions
from .outbox import Outbox, StreamWarnings
from .utterance import Utterance


class Partials:
    """Requests the partials of one stream and puts them into its outbox; only `_listen` is for any thread.

    `engine` is that of the finals, unless there is an `other`. The outbox is the `owner` of the requests to the
    scheduler. `step` is the new sound between two partials in samples, 0 without partials.
    """

    def __init__(
        self,
        engine: Engine,
        other: Engine | None,
        options: TranscribeOptions,
        live: LiveOptions,
        scheduler: Scheduling,
        outbox: Outbox,
        troubles: StreamWarnings,
    ) -> None:
        self.engine = engine if other is None else other
        self._scheduler, self._outbox, self._troubles = scheduler, outbox, troubles
        # Another model has other options; what it must be told is the language.
        interim = options.decoding if other is None else DecodeOptions(language=options.decoding.language)
        self._options, self._session = replace(interim, live=True), live.session
        self.step = self._open().step if live.partials else 0

    def begin(self, seq: int, start: int) -> Utterance:
        """Return an utterance that has begun at sample `start`."""
        return Utterance(seq, start, self._open if self.step else None, self.step, self.engine.manifest.name)

    def request(self, utterance: Utterance, ring: RingBuffer) -> None:
        """Request a partial of an open utterance of the stream in the ring; warn where one before was not computed."""
        if self._scheduler.partial(self.engine, self._outbox, partial(self._listen, utterance, ring)):
            self._troubles.late()

    def end(self, utterance: Utterance) -> None:
        """Stop the partials of an utterance that is over; one that is being computed is dropped."""
        utterance.end()
        self._scheduler.drop(self._outbox)

    def _open(self) -> Session:
        return self.engine.open(self._options, self._session)

    def _listen(self, utterance: Utterance, ring: RingBuffer) -> None:
        """Compute a partial, in the thread that runs the engine."""
        try:
            found = as_engine_error(lambda: utterance.listen(ring), self.engine)
        except MalsoriError as error:
            message = f"no more partials of this utterance: {error}"
            self._troubles.tell("dropped_partials", message, seq=utterance.seq)
            return
        if found is not None:
            self._outbox.put(found)
