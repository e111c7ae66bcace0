"""The pieces of which requests are made, right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Iterable

PATH = "/v1/audio/transcriptions"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
FORM = "multipart/form-data; boundary=b"


def head(
    method: str | bytes = "GET",
    target: str | bytes = "/healthz",
    *lines: str | bytes,
    version: str = "HTTP/1.1",
    host: str | bytes | None = "localhost",
    close: bool = True,
) -> bytes:
    """Return the head of a request; `lines` are further header lines, as they are."""
    first = b" ".join(_bytes(each) for each in (method, target, version))
    own = [] if host is None else [b"Host: " + _bytes(host)]
    own += [b"Connection: close"] if close else []
    return b"\r\n".join([first, *own, *map(_bytes, lines), b"", b""])


def post(body: bytes, *lines: str | bytes, path: str = PATH, kind: str = FORM, close: bool = True) -> bytes:
    """Return a request with a body, whose length is right unless `lines` say how it comes."""
    said = any(_bytes(line).lower().startswith((b"content-length", b"transfer-encoding")) for line in lines)
    own = [f"Content-Type: {kind}", *([] if said else [f"Content-Length: {len(body)}"])]
    return head("POST", path, *own, *lines, close=close) + body


def chunked(parts: Iterable[bytes]) -> bytes:
    """Return a body in chunks, with its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


def text(name: str | bytes, value: str | bytes) -> bytes:
    """Return the part of a form with a text."""
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (_bytes(name), _bytes(value))


def form(file: bytes, *texts: tuple[str | bytes, str | bytes]) -> bytes:
    """Return a form with a file and texts."""
    return b"".join(text(*each) for each in texts) + HEAD + file + b"\r\n--b--\r\n"


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
