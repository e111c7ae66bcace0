"""The body of a request to a form: read up to its limit; the rest of a refused body is dropped.

A connection that is closed while its client still sends is reset, and takes the answer along: asyncio's clients then
see no status and send everything again. So the rest of a refused body is taken, up to a limit; nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from ..refusal import Refusal
from ..serve_options import MIB, ServiceLimits, within
from .form import FORM_BYTES, FormReader, UploadForm, malformed, too_large

DROPPED_BYTES, DROP_S = 64 * MIB, 2.0  # at most, of a body that was refused


async def read_form(request: Request, limits: ServiceLimits, more: Callable[[int], None]) -> UploadForm:
    """Return the form of a request; `more` is told of the bytes that come, and may refuse them.

    Raises `Refusal`, and Starlette's `ClientDisconnect` where the client leaves meanwhile.
    """
    body, reader = RequestBody(request), None
    try:
        reader = FormReader(boundary_of(request.headers), limits)
        check_declared(request.headers, limits)
        async for piece in body.pieces():
            more(len(piece))
            reader.push(piece)
        return reader.flush()
    except Refusal:
        await body.drop()
        raise
    finally:
        if reader is not None:
            reader.close()


class RequestBody:
    """The body of a request, in the pieces in which it comes."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._begun = self._ended = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield what is left of it. Raises `ClientDisconnect`."""
        while not self._ended:
            message = await self._request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._begun, self._ended = True, not message.get("more_body", False)
            yield message.get("body", b"")

    async def drop(self) -> None:
        """Take what is left, unless that is too much, or the client waits to be told to send it."""
        declared = self._request.headers.get("content-length", "")
        waits = not self._begun and self._request.headers.get("expect", "").lower() == "100-continue"
        if not waits and not (declared.isdecimal() and int(declared) > DROPPED_BYTES):
            with suppress(asyncio.TimeoutError, ClientDisconnect):
                await asyncio.wait_for(self._drop(), DROP_S)

    async def _drop(self) -> None:
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > DROPPED_BYTES:
                return


def check_declared(headers: Mapping[str, str], limits: ServiceLimits) -> None:
    """Raise `Refusal`, 413, for a body that announces more than a form may have."""
    declared, most = headers.get("content-length", ""), within(limits.upload_bytes)
    if declared.isdecimal() and int(declared) > most + FORM_BYTES:
        raise too_large(most, f"{declared[:20]} bytes announced")


def boundary_of(headers: Mapping[str, str]) -> bytes:
    """Return the boundary of a form. Raises `Refusal`: 415 for another kind of body, 400 where it names none."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise Refusal(415, "unsupported_encoding", f"a body has no Content-Encoding here, found {coding[:20]!r}")
    kind, options = parse_options_header(headers.get("content-type"))
    if kind.lower() != b"multipart/form-data":
        found = repr(kind.decode("latin-1")[:60]) if kind else "none"
        message = f"expected Content-Type multipart/form-data, found {found}; curl sends it with -F"
        raise Refusal(415, "unsupported_content_type", message)
    if not options.get(b"boundary"):
        raise malformed("its Content-Type names no boundary")
    return options[b"boundary"]
