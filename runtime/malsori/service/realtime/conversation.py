"""One session over its socket: messages to the session's state, sound to feeds, events of both to the client."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, suppress

from ...errors import MalsoriError
from ...pipeline.live.options import LiveOptions
from ...types import SAMPLE_RATE, Audio
from ..feed import Feed
from ..refusal import Refusal, refusal_of
from ..serve_options import within
from ..service_log import log
from ..socket_talk import CODES, GOING_AWAY, POLICY, ClientLeft, SocketTalk
from ..state import Service
from .feed_items import FeedItems
from .items import FAILED
from .realtime_session import CutOff, RealtimeSession, TakeIn
from .server_events import Sent, error_event

PART = SAMPLE_RATE  # samples that a feed takes at once
# While an update waits for the end of an utterance: so short that little of the next one is among a part.
SHORT_PART = SAMPLE_RATE // 20
MOST_FORMER = 4  # feeds that may still have finals to tell when another one is opened
TEXT_ONLY = Refusal(
    400, "invalid_value", "expected events as JSON text, found a binary message; sound is sent as base64"
)


class OpenFeed:
    """A feed and the task that tells what it hears; the feed is left when its last final is told."""

    def __init__(self, service: Service, items: FeedItems, conversation: Conversation) -> None:
        self._service, self.items, self._conversation = service, items, conversation
        self._opened: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._hear())

    async def feed(self) -> Feed:
        """Return the feed once it is there. Raises `Refusal` where it cannot be had."""
        return await asyncio.shield(self._opened)

    async def _hear(self) -> None:
        try:
            await self._tell()
            refusal = FAILED
        except ClientLeft:
            self._conversation.gone.set()
            return
        except Refusal as error:
            refusal = error
        except MalsoriError as error:
            refusal = refusal_of(error, None)
        except Exception as error:
            log("failed", level="error", message=type(error).__name__, route="/v1/realtime")
            refusal = FAILED
        if self._opened.done():
            await self._conversation.say(self.items.close(refusal))
        else:
            self._opened.set_exception(refusal)

    async def _tell(self) -> None:
        """Tell what the feed hears, until it has ended and its last final is told. Raises `Refusal`."""
        config = self.items.config
        live, partials = LiveOptions(sample_rate=SAMPLE_RATE), config.tells_early
        options = config.options_for(self._service.registry.manifest(config.hints.model))
        opening = self._service.feed(config.hints.model, options, live, partials=partials, placed=True)
        async with opening as feed:
            self._opened.set_result(feed)
            async for event in feed:
                await self._conversation.say(self.items.take(event))


class Conversation:
    """Serves one client until it leaves or a limit ends the session."""

    def __init__(self, service: Service, talk: SocketTalk, session: RealtimeSession) -> None:
        self._service, self._talk, self._session = service, talk, session
        self._open: OpenFeed | None = None  # what hears the sound that comes now
        self._tasks: set[asyncio.Task[None]] = set()  # of feeds, former ones too
        self._turn = asyncio.Lock()
        self._began = self._heard = time.monotonic()
        self._place = ExitStack()
        self._placed = False
        self.gone = asyncio.Event()

    async def run(self) -> None:
        """Talk with the client, then close the socket. Raises `ClientLeft`."""
        talking, gone = asyncio.create_task(self._talk_on()), asyncio.create_task(self.gone.wait())
        try:
            await asyncio.wait({talking, gone}, return_when="FIRST_COMPLETED")
            if not talking.done():
                raise ClientLeft
            await talking
        except Refusal as refusal:
            await self._close(refusal, CODES.get(refusal.status, POLICY))
        finally:
            tasks = (talking, gone, *self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._place.close()
            await self._talk.close()

    async def _talk_on(self) -> None:
        with self._service.places.take():  # a client that comes in vain is told at once
            pass
        await self.say([self._session.created()])
        refusal, code = await self._listen()
        await self._finish()
        await self._close(refusal, code)

    async def say(self, events: list[Sent]) -> None:
        """Send events, which stay together. Raises `ClientLeft`."""
        async with self._turn:
            for event in events:
                await self._talk.send(event)

    async def _listen(self) -> tuple[Refusal | None, int]:
        """Take messages until a limit ends the session; return what the client is told, and the closing code."""
        while True:
            message = await self._talk.receive(self._patience())
            if message is None:
                return self._why()
            self._take_place()
            if isinstance(message, bytes):
                await self.say([error_event(TEXT_ONLY)])
                continue
            for action in self._session.push(message):
                await self._do(action)

    def _take_place(self) -> None:
        """Take the place of a live session with the first message: a socket that says nothing holds none.

        Raises `Refusal` where all are taken.
        """
        if not self._placed:
            self._place.enter_context(self._service.places.take())
            self._placed = True

    async def _do(self, action: Sent | TakeIn | CutOff) -> None:
        if isinstance(action, TakeIn):
            await self._take(action.samples)
        elif isinstance(action, CutOff):
            feed = await self._feed()
            begun = await feed.cut()
            await self.say(self._session.cut(begun, action))
        else:
            await self.say([action])

    async def _take(self, samples: Audio) -> None:
        """Give sound to the feed, which may make this wait; a configuration that has changed gets another one."""
        while len(samples):
            feed = await self._feed()
            await self.say(self._session.items().silence(feed.seconds))
            part = samples[: SHORT_PART if self._session.has_changed else PART]
            try:
                await feed.push(part)
            except MalsoriError as error:
                raise refusal_of(error, "audio") from error
            self._session.took(len(part))
            samples = samples[len(part) :]
            if self._session.has_changed:
                await asyncio.sleep(0.002)  # for the feed's task, which may have an end of speech to tell
        self._heard = time.monotonic()

    async def _feed(self) -> Feed:
        """Return the feed that hears the sound that comes now, a new one where the session has other items."""
        items = self._session.items()
        if self._open is None or self._open.items is not items:
            if self._open is not None:
                await (await self._open.feed()).finish()
            while len(self._tasks) > MOST_FORMER:
                await asyncio.wait(self._tasks, return_when="FIRST_COMPLETED")
            self._open = OpenFeed(self._service, items, self)
            self._tasks.add(self._open.task)
            self._open.task.add_done_callback(self._tasks.discard)
        return await self._open.feed()

    async def _finish(self) -> None:
        """Let all feeds end, and tell what they still hear."""
        if self._open is not None:
            for action in self._session.rest():
                await self._do(action)
            await (await self._open.feed()).finish()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _close(self, refusal: Refusal | None, code: int) -> None:
        with suppress(ClientLeft):
            if refusal is not None:
                await self.say([error_event(refusal)])
        await self._talk.close(code, "" if refusal is None else refusal.code)

    def _patience(self) -> float | None:
        """Return the seconds until a limit ends the session."""
        limits, now = self._service.limits, time.monotonic()
        until = min(self._heard + within(limits.idle_seconds), self._began + within(limits.stream_seconds))
        if not self._placed:
            until = min(until, self._began + within(limits.config_seconds))
        return None if until == float("inf") else max(0.0, until - now)

    def _why(self) -> tuple[Refusal | None, int]:
        """Return what the client is told of the limit that has ended the session, and the closing code."""
        limits, now = self._service.limits, time.monotonic()
        if self._service.ending.is_set():
            return Refusal(503, "shutting_down", "the service is shutting down; connect again later"), GOING_AWAY
        if now - self._began >= within(limits.stream_seconds):
            message = f"a session lasts {limits.stream_seconds:g} s at most; open another one"
            return Refusal(400, "session_expired", message), POLICY
        if not self._placed:
            message = f"nothing came for {limits.config_seconds:g} s: expected session.update or sound"
            return Refusal(400, "config_required", message), POLICY
        return Refusal(400, "idle_timeout", f"no sound came for {limits.idle_seconds:g} s; connect again"), POLICY
