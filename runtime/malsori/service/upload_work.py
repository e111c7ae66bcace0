"""Uploads: heard in threads, off the event loop, so many at a time, and only as long as somebody wants the words."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..audio import AudioSource
from ..errors import MalsoriError
from ..pipeline import TranscribeOptions, Transcriber
from ..pipeline.sharing.scheduler import Scheduler
from ..types import Segment, Transcript
from .measured import current_request
from .refusal import Refusal, busy, draining, refusal_of
from .registry import Registry
from .serve_options import ServiceLimits, within
from .telemetry import Metrics

Gone: TypeAlias = Callable[[], Awaitable[bool]]
OnSegments: TypeAlias = Callable[[Sequence[Segment]], None]

MOST_THREADS = 64  # uploads that are heard at a time where their number has no limit
LOOK_EVERY = 0.1  # seconds between two looks at whether the client is still there


@dataclass(slots=True, eq=False)
class Upload:
    """One upload: what is told to the thread that hears it, and when it came."""

    unwanted: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)
    begun: float = field(default_factory=time.monotonic)  # when a thread took it

    @property
    def seconds(self) -> float:
        """Seconds since it came."""
        return time.monotonic() - self.since


class UploadWork:
    """Hears uploads. Its methods belong to the thread of the event loop."""

    def __init__(self, registry: Registry, scheduler: Scheduler, limits: ServiceLimits, metrics: Metrics) -> None:
        self.registry, self._scheduler, self._limits, self._metrics = registry, scheduler, limits, metrics
        self._threads = ThreadPoolExecutor(limits.uploads or MOST_THREADS, "malsori-upload")
        self._open: set[Upload] = set()
        self._received = 0  # bytes of recordings that are held
        self._took = 1.0  # seconds that an upload took of late
        self.closing = False  # whether no more are taken

    @property
    def waiting(self) -> int:
        """Uploads that wait or are heard."""
        return len(self._open)

    async def transcribe(
        self,
        model: str | None,
        source: AudioSource,
        options: TranscribeOptions,
        *,
        gone: Gone | None = None,
        on_segments: OnSegments | None = None,
    ) -> Transcript:
        """Return the transcript of a recording by the model of that name.

        `gone` is asked now and then whether the client has left, `on_segments` gets the segments of a long recording as
        they become final, in the thread that hears it. Where the calling task is cancelled, or the client leaves, what
        has not begun is not begun any more.

        Raises `Refusal`: 429 where too many uploads wait, 504 after `request_seconds`, and those of `refusal_of`.
        """
        with self._place() as upload:
            lent = await self.registry.borrow(model)
            current_request().model = lent.transcriber.engine.manifest.name
            try:
                hearing = self._begin(lent.transcriber, source, options, upload, on_segments)
            except BaseException:
                lent.give_back()
                raise
            # The model stays in memory until the thread has let go of it, also where nobody waits for its words.
            hearing.add_done_callback(lambda _: lent.give_back())
            return await self._awaited(hearing, upload, gone)

    @contextmanager
    def receiving(self) -> Iterator[Callable[[int], None]]:
        """Give a function to be told of bytes of a recording that are kept, until all of it is let go of.

        It raises `Refusal`, 429, where all recordings together are too much: a client that sends slowly takes no place
        from others, and a thousand that send fast take no more memory and disk than this.
        """
        own = 0

        def more(size: int) -> None:
            nonlocal own
            own += size
            self._received += size
            if self._received > within(self._limits.received_bytes):
                raise busy(f"recordings of {self._limits.received_bytes} bytes are held already; try again later", 5.0)

        if self.closing:
            raise draining()
        try:
            yield more
        finally:
            self._received -= own

    @contextmanager
    def _place(self) -> Iterator[Upload]:
        if self.closing:
            raise draining()
        if len(self._open) >= within(self._limits.uploads):
            raise busy(f"{len(self._open)} uploads wait already; try again later", self._took * len(self._open) / 2)
        upload = Upload()
        self._open.add(upload)
        try:
            yield upload
        finally:
            self._open.discard(upload)

    def close(self) -> None:
        """Stop what is still heard, and take no more."""
        for upload in self._open:
            upload.unwanted.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(
        self,
        transcriber: Transcriber,
        source: AudioSource,
        options: TranscribeOptions,
        upload: Upload,
        on_segments: OnSegments | None,
    ) -> asyncio.Future[Transcript]:
        """Let a thread hear the recording."""
        chosen = options.changed(cancelled=upload.unwanted.is_set, max_seconds=self._limits.audio_seconds or None)
        shared = transcriber.shared(self._scheduler)
        more: dict[str, Any] = {} if on_segments is None else {"on_segments": on_segments}

        def hear() -> Transcript:
            upload.begun = time.monotonic()
            return shared.transcribe(source, chosen, **more)

        hearing = asyncio.get_running_loop().run_in_executor(self._threads, hear)
        hearing.add_done_callback(_seen)
        return hearing

    async def _awaited(self, hearing: asyncio.Future[Transcript], upload: Upload, gone: Gone | None) -> Transcript:
        watching = asyncio.create_task(_left(gone, upload)) if gone is not None else None
        if watching is not None:
            watching.add_done_callback(_seen)
        waited: set[asyncio.Future[Any]] = {hearing, watching} if watching is not None else {hearing}
        left = max(0.0, within(self._limits.request_seconds) - upload.seconds)
        try:
            await asyncio.wait(waited, timeout=None if left == float("inf") else left, return_when="FIRST_COMPLETED")
            if not hearing.done():
                raise _unfinished(watching is not None and watching.done(), self._limits.request_seconds)
            return self._told(await hearing, upload)
        except MalsoriError as error:
            raise refusal_of(error) from error
        finally:
            upload.unwanted.set()
            if watching is not None:
                watching.cancel()
                await asyncio.wait({watching})  # which, unlike `await watching`, takes no cancellation of this task

    def _told(self, transcript: Transcript, upload: Upload) -> Transcript:
        self._took = 0.8 * self._took + 0.2 * upload.seconds
        current_request().audio_s = round(transcript.duration, 3)
        self._metrics.transcribed(transcript.duration, time.monotonic() - upload.begun)
        if transcript.coverage is not None and transcript.coverage.spoken is not None:
            self._metrics.speech(transcript.duration, transcript.coverage.spoken)
        return transcript


def _seen(work: asyncio.Future[Any]) -> None:
    """Look at the outcome of work that nobody waits for any more, of which asyncio would complain."""
    if not work.cancelled():
        work.exception()


async def _left(gone: Gone, upload: Upload) -> None:
    """Return once the client has left, or the upload is over.

    A cancellation alone may not end it: on Python 3.10 anyio, with which Starlette looks after a client, takes one that
    comes in that moment for its own.
    """
    while not (upload.unwanted.is_set() or await gone()):
        await asyncio.sleep(LOOK_EVERY)


def _unfinished(left: bool, seconds: float) -> Refusal:
    if left:
        return Refusal(499, "client_closed_request", "the client has left")
    return Refusal(504, "deadline_exceeded", f"not heard within {seconds:g} s; send less at a time, or a shorter file")
