"""POST /v1/audio/transcriptions and /translations: read the form, have the file heard, shape the reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ...types import Segment, Transcript
from ..measured import current_request
from ..refusal import Refusal
from ..state import Service
from .audio_request import AudioRequest, audio_request
from .form import UploadForm
from .receiving import read_form
from .replies import reply
from .sse import stream_reply

CLIENT_CLOSED = 499  # nginx's number for a client that has left; nobody is there to read it


@dataclass(frozen=True, slots=True)
class AudioRoute:
    """One address for recordings; `task` is transcribe or translate, as in `DecodeOptions`."""

    service: Service
    task: str

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises `Refusal`."""
        with ExitStack() as holding:
            more = holding.enter_context(self.service.work.receiving())
            try:
                form = await read_form(request, self.service.limits, more)
            except ClientDisconnect:
                return Response(status_code=CLIENT_CLOSED)
            except Refusal as refusal:
                current_request().refused = refusal.code
                # What is left of the body is not read, so the connection cannot be used again.
                return JSONResponse(refusal.body(), refusal.status, refusal.headers() | {"connection": "close"})
            asked = self._asked(form)
            hear = partial(self._heard, request, asked, form)
            if asked.stream:
                return await stream_reply(asked, hear, holding.pop_all().close)
            return reply(await hear(), asked)

    def _asked(self, form: UploadForm) -> AudioRequest:
        try:
            language = self.service.options.language
            return audio_request(form.texts, self.service.registry, task=self.task, language=language)
        except Refusal:
            form.close()
            raise

    async def _heard(
        self,
        request: Request,
        asked: AudioRequest,
        form: UploadForm,
        on_segments: Callable[[Sequence[Segment]], None] | None = None,
    ) -> Transcript:
        try:
            return await self.service.work.transcribe(
                asked.model, form.file, asked.options, gone=request.is_disconnected, on_segments=on_segments
            )
        finally:
            form.close()  # for a thread that still reads it, it ends here
