"""What all routes share: the options, the models, the work in hand, and whether the service takes more of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace

from ..engines.base import Engine
from ..errors import MalsoriError
from ..pipeline import TranscribeOptions, Transcriber
from ..pipeline.live.options import LIVE, LiveOptions, context_of
from ..pipeline.sharing.scheduler import Scheduler
from .feed import Feed
from .measured import current_request
from .refusal import busy, draining, refusal_of
from .registry import Registry
from .serve_options import ServeOptions, within
from .telemetry import Metrics
from .upload_work import UploadWork

# Seconds before an utterance that its final is read with where nobody says. With 15, as elsewhere, tiny.en on two cores
# needs longer than the pause lasts, and its finals come 0.1 to 0.6 s behind it; with 5 they are there.
CONTEXT_S = 5.0
RETRY_S = 10.0  # seconds after which a client may ask again for a live session
LOADING, READY, DRAINING = "loading", "ready", "draining"


class Places:
    """The live sessions that are open, and how many there may be: `most`, None until that is known, which is one."""

    def __init__(self, most: int | None, metrics: Metrics) -> None:
        self.most, self.taken = most, 0
        self.closing = False
        self._metrics = metrics

    @contextmanager
    def take(self) -> Iterator[None]:
        """Take a place. Raises `Refusal`, 429 where all are taken, 503 where the service ends."""
        if self.closing:
            raise draining()
        if self.taken >= within(1 if self.most is None else self.most):
            self._metrics.rejected("server_busy")
            raise busy(
                f"live sessions: {self.taken} are open, as many as --max-streams admits; try again later", RETRY_S
            )
        self.taken += 1
        try:
            with self._metrics.session():
                yield
        finally:
            self.taken -= 1


class Service:
    """The service that runs. Its methods belong to the thread of the event loop."""

    def __init__(self, options: ServeOptions, registry: Registry, scheduler: Scheduler, metrics: Metrics) -> None:
        self.options, self.limits = options, options.limits
        self.registry, self.scheduler, self.metrics = registry, scheduler, metrics
        self.work = UploadWork(registry, scheduler, options.limits, metrics)
        self.places = Places(options.limits.streams, metrics)
        metrics.watch(lambda: self.work.waiting, lambda: len(registry.loaded))
        self.state = LOADING
        self.ending = asyncio.Event()  # set once the service takes no more work
        self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "malsori-stream")

    @asynccontextmanager
    async def feed(
        self,
        model: str | None,
        options: TranscribeOptions,
        live: LiveOptions = LIVE,
        *,
        partials: bool = True,
        placed: bool = False,
    ) -> AsyncIterator[Feed]:
        """Give a live session with the model of that name, the default one for None.

        `placed`: the caller has taken its place itself, for several feeds one after another.

        Raises `Refusal`: 429 where all places are taken, 404 for an unknown model, 400 for an option that a stream or
        the model does not have, 503 where the service ends or the model takes too long to load.
        """
        name = self.registry.resolve(model)
        other = self.registry.partials if partials and name == self.registry.default else None
        with nullcontext() if placed else self.places.take():
            async with self.registry.lease(name) as finals, self._beside(other) as beside:
                early, wanted = beside or partials, self._live(finals.engine, live, partials)
                try:  # in a thread: hundreds of hot words take a tenth of a second
                    stream = await asyncio.get_running_loop().run_in_executor(
                        self._threads,
                        lambda: finals.stream(options, partials=early, live=wanted, scheduler=self.scheduler),
                    )
                except MalsoriError as error:
                    raise refusal_of(error, "sample_rate") from error  # all that can be wrong with the sound yet
                feed = Feed(stream, self._threads, self.metrics)
                request = current_request()
                request.model = name
                try:
                    yield feed
                finally:
                    request.audio_s = round((request.audio_s or 0.0) + feed.seconds, 3)
                    await feed.close()

    @asynccontextmanager
    async def _beside(self, name: str | None) -> AsyncIterator[Transcriber | None]:
        """Give the model of partials, if they have one of their own."""
        if name is None:
            yield None
            return
        async with self.registry.lease(name) as transcriber:
            yield transcriber

    def _live(self, engine: Engine, live: LiveOptions, partials: bool) -> LiveOptions:
        """Return the options of a session with the service's own: what may wait, and what a final is read with."""
        usual, asked = context_of(live, engine), self.options.context_s
        context_s = min(usual, CONTEXT_S if asked is None else asked) if usual else 0.0
        return replace(live, backlog_s=2 * self.limits.backlog_seconds, partials=partials, context_s=context_s)

    async def drain(self, seconds: float) -> bool:
        """Take no more work, let live sessions end with their finals, and wait for what runs; return whether it ended.

        `seconds` is how long is waited.
        """
        self.state = DRAINING
        self.places.closing = self.work.closing = True
        self.ending.set()
        until = asyncio.get_running_loop().time() + seconds
        while (self.places.taken or self.work.waiting) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        return not (self.places.taken or self.work.waiting)

    def close(self) -> None:
        """End the threads; what still runs goes on to its end or ends with the process."""
        self.work.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.scheduler.close(0.0)
