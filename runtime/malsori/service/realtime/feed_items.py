"""From the events of one feed to those of the session: its utterances are items, or the client says what is one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ...events import Event, Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from ..refusal import Refusal
from .items import FAILED, ItemChain, SpokenItem
from .server_events import Sent, error_event, speech_started, speech_stopped, timeout_triggered
from .session_config import SessionConfig

NOT_AN_ITEM = ("mended_audio", "dropped_partials", "ignored_option", "demonstration")  # warnings that change no item


class FeedItems:
    """The items that one feed hears, which began at `offset` seconds of the session; `config` is that of all of them.

    `take` gets the feed's events in their order, `cut` how many utterances had begun when the feed was cut.
    """

    def __init__(self, config: SessionConfig, chain: ItemChain, offset: float) -> None:
        self.config, self.chain, self.offset = config, chain, offset

    @property
    def is_between(self) -> bool:
        """Whether no item is open, so that the next one may be heard otherwise."""
        raise NotImplementedError

    def take(self, event: Event) -> list[Sent]:
        """Return the session's events for one of the feed."""
        if isinstance(event, StreamWarning):
            if event.seq is not None and event.code == "engine_error":
                return self._fail(event.seq, FAILED)
            if event.code in NOT_AN_ITEM:
                return []
            return [error_event(Refusal(500, event.code, event.message))]
        return self._spoken(event)

    def cut(self, begun: int, seconds: float, *, commit: bool) -> list[Sent]:
        """Return the events for what was said until a cut, `seconds` of it, that is committed or dropped."""
        raise NotImplementedError

    def silence(self, now: float) -> list[Sent]:
        """Return the events for a silence up to second `now` of the feed that is as long as was asked for."""
        return []

    def close(self, refusal: Refusal = FAILED) -> list[Sent]:
        """Return the events for the items that will have no more words, because the feed has ended."""
        raise NotImplementedError

    def _spoken(self, event: Event) -> list[Sent]:
        raise NotImplementedError

    def _fail(self, seq: int, refusal: Refusal) -> list[Sent]:
        raise NotImplementedError


class TurnItems(FeedItems):
    """Each utterance is an item, committed when its speech has ended."""

    def __init__(self, config: SessionConfig, chain: ItemChain, offset: float) -> None:
        super().__init__(config, chain, offset)
        self._items: dict[int, SpokenItem] = {}
        self._starts: dict[int, float] = {}
        self._begun = self._ended = self._dropped = 0  # numbers of utterances
        self._quiet_since = 0.0

    @property
    def is_between(self) -> bool:
        return self._begun == self._ended

    def cut(self, begun: int, seconds: float, *, commit: bool) -> list[Sent]:
        if begun == self._ended:  # nobody was speaking
            if commit:
                raise nothing("nobody is speaking, and what was said before is committed already")
            return []
        if not commit:
            self._dropped = begun
            for seq in range(self._ended + 1, begun + 1):
                self._items.pop(seq, None)
        return []

    def silence(self, now: float) -> list[Sent]:
        turns = self.config.turns
        limit = None if turns is None else turns.idle_timeout_ms
        if limit is None or not self.is_between or now - self._quiet_since < limit / 1_000:
            return []
        since, self._quiet_since, item = self._quiet_since, now, SpokenItem()
        return [
            timeout_triggered(self.offset + since, self.offset + now, item.id),
            *self.chain.commit(item, now - since),
            *item.outcome(logprobs=self.config.logprobs),
        ]

    def close(self, refusal: Refusal = FAILED) -> list[Sent]:
        return [each for seq in list(self._items) for each in self._fail(seq, refusal)]

    def _spoken(self, event: Event) -> list[Sent]:
        if isinstance(event, SpeechStarted):
            self._begun = max(self._begun, event.seq)
            if event.seq <= self._dropped:
                return []
            self._items[event.seq], self._starts[event.seq] = SpokenItem(), event.at
            return [speech_started(self.offset + event.at, self._items[event.seq].id)]
        if isinstance(event, SpeechEnded):
            self._begun, self._ended, self._quiet_since = max(self._begun, event.seq), event.seq, event.at
        item = self._items.get(event.seq) if event.seq is not None else None
        if item is None:  # cleared
            return []
        if isinstance(event, SpeechEnded):
            return self._end(item, event)
        if isinstance(event, Partial):
            item.stable = event.stable
            return item.news() if self.config.tells_early else []
        assert isinstance(event, Final)
        del self._items[event.seq]
        item.end_utterance(event)
        return item.outcome(logprobs=self.config.logprobs)

    def _end(self, item: SpokenItem, event: SpeechEnded) -> list[Sent]:
        events = [speech_stopped(self.offset + event.at, item.id)]
        return events + self.chain.commit(item, event.at - self._starts.pop(event.seq))

    def _fail(self, seq: int, refusal: Refusal) -> list[Sent]:
        item = self._items.pop(seq, None)
        if item is None or not item.committed:
            return []
        item.failure = refusal
        return item.outcome(logprobs=self.config.logprobs)


@dataclass(slots=True)
class CutItem:
    """What was said up to utterance `last`: an item that waits for its last final, or None for what was cleared."""

    last: int
    item: SpokenItem | None


class CommittedItems(FeedItems):
    """The client commits items, which may have several utterances or none."""

    def __init__(self, config: SessionConfig, chain: ItemChain, offset: float) -> None:
        super().__init__(config, chain, offset)
        self._open = SpokenItem()
        self._waiting: deque[CutItem] = deque()
        self._heard = 0  # the last utterance whose final has come

    @property
    def is_between(self) -> bool:
        return True  # the session knows whether sound waits for its commit

    def cut(self, begun: int, seconds: float, *, commit: bool) -> list[Sent]:
        item, self._open = self._open, SpokenItem()
        self._waiting.append(CutItem(begun, item if commit else None))
        events = self.chain.commit(item, seconds) if commit else []
        return events + self._done()

    def close(self, refusal: Refusal = FAILED) -> list[Sent]:
        for each in self._waiting:
            if each.item is not None:
                each.item.failure, each.last = refusal, self._heard
        return self._done()

    def _spoken(self, event: Event) -> list[Sent]:
        if isinstance(event, (SpeechStarted, SpeechEnded)) or event.seq is None:
            return []
        item = self._item(event.seq)
        if isinstance(event, Final):
            self._heard = event.seq
            if item is not None:
                item.end_utterance(event)
        elif isinstance(event, Partial) and item is not None and self._heard == event.seq - 1:
            item.stable = event.stable  # what was said before it is there
        told = item is not None and (self.config.tells_early or (item.committed and isinstance(event, Final)))
        return (item.news() if item is not None and told else []) + self._done()

    def _fail(self, seq: int, refusal: Refusal) -> list[Sent]:
        item = self._item(seq)
        self._heard = seq
        if item is not None:
            item.failure = refusal
        return self._done()

    def _item(self, seq: int) -> SpokenItem | None:
        """Return the item of an utterance, None where it was cleared."""
        return next((each.item for each in self._waiting if seq <= each.last), self._open)

    def _done(self) -> list[Sent]:
        """Return the last events of the items whose finals are all there."""
        events: list[Sent] = []
        while self._waiting and self._waiting[0].last <= self._heard:
            item = self._waiting.popleft().item
            events += [] if item is None else item.outcome(logprobs=self.config.logprobs)
        return events


def nothing(why: str) -> Refusal:
    """Return the refusal of a commit that has no sound."""
    return Refusal(400, "input_audio_buffer_commit_empty", f"there is nothing to commit: {why}")
