"""A session's state: what each message of a client changes, and what is to be done. No sockets and no waiting here.

append   -> TakeIn(samples)               sound for the feed, mono, 16 kHz
commit   -> TakeIn(samples), Cut(...)     what the resampler held back, then the end of the item
clear    -> Cut(...)
update   -> an event                    it counts from the next item on: `items`
a fault  -> an event
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...audio.intake import Intake
from ...languages import code_of, knows
from ...types import SAMPLE_RATE, Audio
from ..pcm import PcmDecoder
from ..refusal import Refusal
from ..registry import Registry
from ..serve_options import ServiceLimits
from .client_events import (
    APPEND,
    BETA_UPDATE,
    CLEAR,
    COMMIT,
    UPDATE,
    ClientEvent,
    RefusedEvent,
    decoded,
    read_event,
)
from .feed_items import CommittedItems, FeedItems, TurnItems, nothing
from .items import ItemChain
from .server_events import Sent, error_event, fresh_id, server_event
from .session_config import ENCODING, Hints, SessionConfig, SoundFormat
from .session_update import beta_parts_of, parts_of, updated

LEAST_COMMIT = 0.1  # seconds
YEAR_S = 365 * 86_400.0  # how far away the end of a session is told to be that has none


@dataclass(frozen=True, slots=True, eq=False)
class TakeIn:
    """Sound that the feed is to take."""

    samples: Audio


@dataclass(frozen=True, slots=True)
class CutOff:
    """The feed is to be cut; `RealtimeSession.cut` then says what is told."""

    commit: bool
    event_id: str | None = None


Action: TypeAlias = Sent | TakeIn | CutOff


class SoundInput:
    """The bytes of a client, in its format, to samples at 16 kHz."""

    def __init__(self, sound: SoundFormat) -> None:
        self._decoder, self._intake = PcmDecoder(ENCODING[sound.type]), Intake(sound.rate, name="audio")

    def push(self, data: bytes) -> Audio:
        """Return the samples that are whole; any cut of the same bytes gives the same."""
        return self._intake.push(self._decoder.push(data))

    def flush(self) -> Audio:
        """Return the samples that the resampler has held back."""
        return self._intake.flush()


class RealtimeSession:
    """One session. It begins with `model`, and with `language` where that knows it.

    `beta`: the client's header says that it speaks the beta dialect.
    """

    def __init__(
        self,
        registry: Registry,
        limits: ServiceLimits,
        *,
        model: str | None = None,
        language: str | None = None,
        beta: bool = False,
    ) -> None:
        name = registry.resolve(model)
        known = language if language and knows(registry.manifest(name).languages, code_of(language)) else None
        self.config = SessionConfig(Hints(name, known))
        self.id, self.expires_at = fresh_id("sess"), int(time.time() + (limits.stream_seconds or YEAR_S))
        self._registry, self._limits = registry, limits
        self._chain = ItemChain(beta)
        self._settled = beta  # whether the dialect is known
        self._input = SoundInput(self.config.sound)
        self._taken = self._held = 0  # samples of the session, and of those that are not committed yet
        self._items: FeedItems = self._renewed()

    def created(self) -> Sent:
        """Return the first event of the session."""
        return server_event("session.created", session=self._shown(beta=self._chain.beta))

    def push(self, text: str) -> Sequence[Action]:
        """Return what is to be done for a message of the client, faults included: they end nothing."""
        try:
            event = read_event(text, self._limits)
        except RefusedEvent as refused:
            return [error_event(refused.refusal, refused.event_id)]
        try:
            return self._actions(event)
        except Refusal as refusal:
            return [error_event(refusal, event.event_id)]

    def cut(self, begun: int, asked: CutOff) -> list[Sent]:
        """Return what is told once the feed was cut, in which `begun` utterances had begun by then."""
        seconds, self._held = self._held / SAMPLE_RATE, 0
        try:
            events = self._items.cut(begun, seconds, commit=asked.commit)
        except Refusal as refusal:
            return [error_event(refusal, asked.event_id)]
        return events if asked.commit else [*events, server_event("input_audio_buffer.cleared")]

    def rest(self) -> Sequence[Action]:
        """Return what is to be done at the end of the session: sound that was not committed becomes an item."""
        tail = self._input.flush()
        open_item = isinstance(self._items, CommittedItems) and self._waits_with(tail)
        return [*_taken_in(tail), CutOff(commit=True)] if open_item else _taken_in(tail)

    def took(self, samples: int) -> None:
        """Count samples that a feed has taken."""
        self._taken += samples
        self._held += samples

    @property
    def has_changed(self) -> bool:
        """Whether the configuration has changed since the feed was opened."""
        return not self._items.config.hears_like(self.config)

    def items(self) -> FeedItems:
        """Return the items of the feed that hears what comes now: other ones once the configuration has changed.

        It counts from the next item on: not while somebody speaks, nor while sound waits for its commit.
        """
        waits = isinstance(self._items, CommittedItems) and self._held > 0
        if self.has_changed and self._items.is_between and not waits:
            self._items = self._renewed()
        return self._items

    def _renewed(self) -> FeedItems:
        self._held = 0
        kind = CommittedItems if self.config.turns is None else TurnItems
        return kind(self.config, self._chain, self._taken / SAMPLE_RATE)

    def _waits_with(self, tail: Audio) -> bool:
        """Return whether there is enough sound for an item."""
        return self._held + len(tail) >= LEAST_COMMIT * SAMPLE_RATE

    def _actions(self, event: ClientEvent) -> Sequence[Action]:
        if event.type == APPEND:
            assert event.sound is not None
            return _taken_in(self._input.push(decoded(event.sound)))
        if event.type == COMMIT:
            return self._commit(event)
        if event.type == CLEAR:
            self._input = SoundInput(self.config.sound)
            return [CutOff(commit=False, event_id=event.event_id)]
        assert event.type in (UPDATE, BETA_UPDATE)
        return self._update(event)

    def _commit(self, event: ClientEvent) -> Sequence[Action]:
        tail = self._input.flush()
        if isinstance(self.items(), CommittedItems) and not self._waits_with(tail):
            held = (self._held + len(tail)) / SAMPLE_RATE * 1_000
            refusal = nothing(f"the buffer has {held:.0f} ms of sound, and 100 ms are the least")
            return [*_taken_in(tail), error_event(refusal, event.event_id)]
        return [*_taken_in(tail), CutOff(commit=True, event_id=event.event_id)]

    def _update(self, event: ClientEvent) -> Sequence[Action]:
        beta, given = event.type == BETA_UPDATE, event.fields.get("session")
        if given is None:
            raise Refusal(400, "missing_required_parameter", "session: expected what is to be changed", "session")
        config = updated(self.config, beta_parts_of(given) if beta else parts_of(given), self._registry)
        if not self._settled:
            self._settled, self._chain.beta = True, beta
        tail: Sequence[Action] = []
        if config.sound != self.config.sound:
            tail, self._input = _taken_in(self._input.flush()), SoundInput(config.sound)
        self.config = config
        return [*tail, server_event(f"{event.type}d", session=self._shown(beta=beta))]

    def _shown(self, *, beta: bool) -> Sent:
        own = {"id": self.id, "object": "realtime.transcription_session", "expires_at": self.expires_at}
        return own | (self.config.to_beta() if beta else self.config.to_dict())


def _taken_in(samples: Audio) -> list[Action]:
    return [TakeIn(samples)] if len(samples) else []
