"""One turn of a client: what `transcribe` asks for, sound while it comes, and a transcript behind its end.

The sound is recognised while it arrives, so that of a turn only the last utterance is left to be read when it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import MalsoriError
from ...events import Event, Final, StreamWarning
from ...languages import code_of, knows
from ...pipeline import TranscribeOptions
from ...pipeline.live.options import LIVE
from ...types import UNKNOWN
from ..feed import Feed
from ..refusal import Refusal, refusal_of
from ..registry import Registry
from ..state import Service
from .chunk_sound import ChunkForm, ChunkSound, chunk_form
from .framing import EventWriter, encoded
from .home_names import HomeNames, names_sent
from .kept_sound import KeptSound
from .wyoming_info import languages_of

LONGEST = 256  # characters of the name of a model or a language


@dataclass(frozen=True, slots=True)
class Asked:
    """What a `transcribe` asks for: a model, a language, names to listen for; without one, the service's own."""

    model: str | None = None
    language: str | None = None
    names: tuple[str, ...] = ()

    def model_of(self, registry: Registry) -> str:
        """Return the model to take: the one named, else the first that knows the language, the default one first.

        Home Assistant offers the languages of all models and names none of them. Raises `Refusal` for an unknown model.
        """
        language = code_of(self.language or "auto")
        if self.model or language == "auto":
            return registry.resolve(self.model)
        able = [name for name in registry.names if knows(languages_of(registry.manifest(name)), language)]
        if registry.default in able or not able:
            return registry.default
        return min(able, key=lambda name: registry.manifest(name).demonstration)


def asked_of(data: Mapping[str, Any]) -> Asked:
    """Return what the data of a `transcribe` ask for. Raises `Refusal` for a model or a language that is no text."""
    for name in ("name", "language"):
        value = data.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= LONGEST):
            message = f"{name}: expected a text of at most {LONGEST} characters, found {repr(value)[:40]}"
            raise Refusal(400, "invalid_value", message, name)
    return Asked(data.get("name") or None, data.get("language") or None, names_sent(data))


class Turn:
    """A turn that may begin. `push` and `stop` are called as messages come, while a task runs `hear`."""

    def __init__(self, service: Service, names: HomeNames, writer: EventWriter) -> None:
        self._service, self._names, self._writer = service, names, writer
        self._asked, self._form = Asked(language=service.options.language), None  # type: tuple[Asked, ChunkForm | None]
        self._sound = ChunkSound()
        self._feed: Feed | KeptSound | None = None
        self._begun, self._opened = asyncio.Event(), asyncio.Event()
        self._parts: list[str] = []
        self._language = ""
        self.stopped = False

    def ask(self, asked: Asked) -> None:
        """Take what the turn is to be heard with; once it has begun that makes no difference."""
        self._asked = asked if asked.language else Asked(asked.model, self._asked.language, asked.names)

    def begin(self, data: Mapping[str, Any]) -> ChunkForm:
        """Begin to hear, if that was not done; return how the sound is stored. Raises `Refusal` for what is none."""
        self._form = chunk_form(data, self._form)
        self._begun.set()
        return self._form

    async def push(self, form: ChunkForm, data: bytes) -> None:
        """Take bytes of sound; waits while the model is loaded, and while more speech waits than is kept."""
        await self._opened.wait()
        samples = self._sound.push(form, data)
        if self._feed is not None and len(samples):
            await self._feed.push(samples)

    async def stop(self) -> None:
        """End the sound; the transcript follows, an empty one where there was none."""
        self.stopped = True
        if self._begun.is_set():
            await self._opened.wait()
            samples = self._sound.flush()
            if self._feed is not None:
                await self._feed.push(samples)
                await self._feed.finish()
        self._begun.set()

    async def hear(self) -> None:
        """Write what is heard, and at last the transcript. Raises `Refusal`, `ClientGone`."""
        await self._begun.wait()
        if not self.stopped:
            await self._heard()
        if not self._parts:
            await self._writer.write("transcript-start", self._spoken())
        transcript = encoded("transcript", {"text": "".join(self._parts), **self._spoken()})
        await self._writer.send(transcript + encoded("transcript-stop"))

    async def _heard(self) -> None:
        model = self._asked.model_of(self._service.registry)
        try:
            options = TranscribeOptions(language=self._asked.language)
            options = await self._names.put(self._service.registry, model, options, self._asked.names)
            try:
                async with self._service.feed(model, options, LIVE, partials=False) as feed:
                    self._feed = feed
                    self._opened.set()
                    async for event in feed:
                        await self._tell(event)
            except Refusal as refusal:
                if refusal.status != 429 or self._feed is not None:
                    raise
                await self._heard_later(model, options)
        except MalsoriError as error:
            raise refusal_of(error, None) from error

    async def _heard_later(self, model: str, options: TranscribeOptions) -> None:
        """Hear the turn as an upload: all live sessions are taken, and a command of somebody's is not to be lost."""
        with self._service.work.receiving() as more:
            self._feed = kept = KeptSound(self._service.limits.upload_bytes, more)
            self._opened.set()
            if len(samples := await kept.whole()):
                transcript = await self._service.work.transcribe(model, samples, options)
                await self._tell_text(transcript.text, transcript.language)

    async def _tell(self, event: Event) -> None:
        """Write the text of an utterance; all of these together are the transcript."""
        if isinstance(event, StreamWarning) and event.code == "engine_error":
            raise Refusal(500, "engine_error", event.message)
        if isinstance(event, Final):
            await self._tell_text(event.text, event.language)

    async def _tell_text(self, text: str, language: str) -> None:
        if not text.strip():
            return
        if not self._parts:
            self._language = language
            await self._writer.write("transcript-start", self._spoken())
        self._parts.append(" " * bool(self._parts) + text.strip())
        await self._writer.write("transcript-chunk", {"text": self._parts[-1]})

    def _spoken(self) -> dict[str, str]:
        return {"language": self._language} if self._language not in ("", UNKNOWN) else {}
