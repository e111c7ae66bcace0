"""An item: sound that was committed, and the words that are told of it, so that they always join to its transcript."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from ...events import Final
from ...joining import joined
from ..refusal import Refusal
from .server_events import Sent, completed_event, delta_event, failed_event, fresh_id, item_events

FAILED = Refusal(500, "engine_error", "this item could not be heard; those before and behind it are not concerned")
PIECE = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True)
class StableText:
    """What is known of an utterance that is still open."""

    text: str


@dataclass(slots=True)
class SpokenItem:
    """An item, or what will be one once it is committed.

    `told` is the text that the client has by now, revisions put in; `stable` is the text of the open utterance, which
    follows the finals; `failure` says why there is no text.
    """

    id: str = field(default_factory=lambda: fresh_id("item"))
    committed: bool = False
    seconds: float = 0.0
    finals: list[Final] = field(default_factory=list)
    stable: str = ""
    told: str = ""
    revised: bool = False
    failure: Refusal | None = None

    @property
    def transcript(self) -> str:
        """The text of its finals."""
        return joined(self.finals)

    def end_utterance(self, final: Final) -> None:
        """Take the final of its next utterance."""
        self.finals.append(final)
        self.stable = ""

    def news(self) -> list[Sent]:
        """Return the event with the words that were not told yet, if there are any.

        Where a final differs from what was told of it as stable, the words behind the same place in it are told, and
        the item is revised: its transcript counts, not the deltas.
        """
        text = joined([*self.finals, StableText(self.stable)])
        if text.startswith(self.told):
            delta = text[len(self.told) :]
        elif self.stable:
            return []
        else:
            self.revised, delta = True, behind(self.told, text)
        self.told = text
        return [delta_event(self.id, delta)] if delta else []

    def outcome(self, *, logprobs: bool) -> list[Sent]:
        """Return its last events: the rest of its words and its transcript, or that it failed."""
        if self.failure is not None:
            return [failed_event(self.id, self.failure)]
        news = self.news()
        seen = {"revised": self.revised, "logprobs": logprobs}
        return [*news, completed_event(self.id, self.transcript, self.seconds, self.finals, **seen)]


@dataclass(slots=True)
class ItemChain:
    """The items of a session in the order in which they were committed, and the dialect in which that is told."""

    beta: bool = False
    last: str | None = None

    def commit(self, item: SpokenItem, seconds: float) -> list[Sent]:
        """Return the events for `seconds` of sound that become an item."""
        previous, self.last = self.last, item.id
        item.committed, item.seconds = True, seconds
        return item_events(item.id, previous, beta=self.beta)


def behind(told: str, text: str) -> str:
    """Return the part of a text behind the place where `told`, another reading of its beginning, ends.

    behind("three six", "three sixty, eight one") is " eight one".
    """
    words, others = PIECE.findall(text), told.split()
    matcher = SequenceMatcher(None, others, [each.strip() for each in words], autojunk=False)
    for _, begin, stop, at, until in matcher.get_opcodes():
        if stop == len(others):
            return "".join(words[min(until, at + stop - begin) :])
    return text
