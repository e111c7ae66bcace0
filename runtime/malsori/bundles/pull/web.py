"""Downloads one file by HTTP: resumes where it stopped, and gives up only when nothing comes any more.

Written here because the hub's own client resumes in steps of 10 MiB only, checks no sums and waits for a silent network
for ever. `urllib` uses the proxies of the environment. Redirects are followed to http and https only, never from https
to http, and only so many times.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from ...errors import DownloadError, brief

REDIRECTS = 6
BLOCK = 1 << 18  # bytes
SCHEMES = ("http", "https")
# Status codes of busy servers, after which a request is repeated.
AGAIN = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for which nothing may come, how often in a row that may happen, and the first pause between tries."""

    silence: float = 30.0
    tries: int = 3
    pause: float = 0.5


@dataclass(slots=True)
class Answer:
    """A server's response: status, body, and headers, with those of earlier redirects that it does not have itself."""

    status: int
    headers: dict[str, str]
    body: IO[bytes]


class Lost(Exception):
    """The connection broke, or nothing came; a retry may help. `unreached` is why there was no connection, or ""."""

    def __init__(self, message: str, unreached: str = "") -> None:
        super().__init__(message)
        self.unreached = unreached


class Unreachable(DownloadError):
    """No try has reached the server: no network, no such host, or connection refused. `reason` is a few words."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def final_error(error: Lost, tries: str = "") -> DownloadError:
    """Return the error to raise after the last try."""
    message = f"{error}{tries}"
    return Unreachable(message, error.unreached) if error.unreached else DownloadError(message)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, patience: Patience, *, start: int = 0, method: str = "GET") -> Answer:
    """Return the answer to one request, redirects followed; `start` is the first byte wanted.

    Raises `Lost` and `DownloadError`.
    """
    headers = {"User-Agent": "malsori", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = urllib.request.build_opener(_NoRedirect)
    headers_so_far: dict[str, str] = {}
    for _ in range(REDIRECTS + 1):
        answer = _once(opener, urllib.request.Request(url, headers=headers, method=method), patience)
        headers_so_far |= answer.headers
        answer.headers = headers_so_far
        if answer.status not in (301, 302, 303, 307, 308):
            return answer
        answer.body.close()
        headers_so_far.pop("content-length", None)  # that of the redirect's own body
        url = _next(url, headers_so_far.pop("location", ""))
    raise DownloadError(f"{url}: more than {REDIRECTS} redirects in a row")


def _once(opener: urllib.request.OpenerDirector, request: urllib.request.Request, patience: Patience) -> Answer:
    try:
        try:
            response = opener.open(request, timeout=patience.silence)
        except urllib.error.HTTPError as error:  # also a redirect, which `ask` follows
            response = error
    except urllib.error.URLError as error:
        reason = _reason(error.reason)
        raise Lost(f"{request.full_url}: {reason}", reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Lost(f"{request.full_url}: {_reason(error)}") from error
    return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, response)


def _next(url: str, location: str) -> str:
    target = urljoin(url, location)
    before, after = urlsplit(url).scheme, urlsplit(target).scheme
    if not location or after not in SCHEMES or (before, after) == ("https", "http"):
        raise DownloadError(f"{url}: redirects to {location or 'nowhere'}, which is not followed")
    return target


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came any more"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return brief(error) or type(error).__name__ if isinstance(error, Exception) else str(error)


def fetch(
    url: str, part: Path, size: int, patience: Patience, came: Callable[[int], None] = lambda count: None
) -> None:
    """Download a file of `size` bytes into `part`, which may hold its beginning; `came` is called with the bytes there.

    When it fails, `part` keeps what came. A try that brings any bytes does not count as failed. Raises `DownloadError`.
    The caller must check the sum of `part`.
    """
    failed = 0
    while (there := _size(part)) != size:
        if there > size:
            part.unlink()
            continue
        try:
            _continue(url, part, there, size, patience, came)
        except Lost as error:
            failed = 0 if _size(part) > there else failed + 1
            if failed >= patience.tries:
                raise final_error(error, f", {patience.tries} times in a row") from error
            time.sleep(patience.pause * 2**failed)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _continue(url: str, part: Path, there: int, size: int, patience: Patience, came: Callable[[int], None]) -> None:
    answer = ask(url, patience, start=there)
    with closing(answer.body):
        start = _checked(url, answer, there, size)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while block := _read(url, answer.body, min(BLOCK, size + 1 - start)):
                start += file.write(block)
                if start > size:
                    file.truncate(0)
                    raise DownloadError(f"{url}: expected {size} bytes, found more")
                came(start)
    if start < size:
        raise Lost(f"{url}: the connection ended after {start} of {size} bytes")


def _read(url: str, body: IO[bytes], most: int) -> bytes:
    """Return the next bytes, at least one except at the end. Raises `Lost`."""
    try:
        return body.read1(most)  # type: ignore[attr-defined,no-any-return]
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Lost(f"{url}: {_reason(error)}") from error


def _checked(url: str, answer: Answer, there: int, size: int) -> int:
    """Return the position of an answer's body in the file. Raises `Lost` and `DownloadError` for a wrong answer."""
    if answer.status in AGAIN:
        raise Lost(f"{url}: the server answered {answer.status}")
    check_status(url, answer.status)
    start = 0
    if answer.status == 206:
        start, whole = _range(answer.headers.get("content-range", ""))
        if start != there or whole not in (None, size):
            found = answer.headers.get("content-range", "nothing")
            raise DownloadError(f"{url}: expected bytes from {there} on of {size}, found {found}")
    length = answer.headers.get("content-length", "")
    if length.isdigit() and start + int(length) != size:
        raise DownloadError(f"{url}: expected {size} bytes, the server has {start + int(length)}")
    return start


def check_status(url: str, status: int) -> None:
    """Raise `DownloadError` for the status of an answer without a file."""
    if status in (401, 403):
        raise DownloadError(
            f"{url}: the server answered {status}: only for those who were given access; download it with the hub's "
            "own client, in whose cache it is found as it is"
        )
    if status not in (200, 206):
        raise DownloadError(f"{url}: the server answered {status}{', no such file' * (status == 404)}")


def _range(text: str) -> tuple[int, int | None]:
    """Return the first byte in a header like `bytes 5-9/10`, -1 for none, and the file's size, None if unknown."""
    unit, _, rest = text.partition(" ")
    span, _, whole = rest.partition("/")
    first = span.partition("-")[0]
    return (int(first) if unit == "bytes" and first.isdigit() else -1), (int(whole) if whole.isdigit() else None)
