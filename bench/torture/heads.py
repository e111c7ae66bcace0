"""Requests whose head is wrong or unusual: lengths, codings, versions, methods, targets, names of the host."""

from __future__ import annotations

import gzip
import zlib

from bench.torture.attempt import CLOSED, Attempt
from bench.torture.requests import HEAD, PATH, chunked, form, head, post

WRONG = frozenset({400, CLOSED})  # the connection may be closed at once
NOWHERE = frozenset({400, 404, 405})
OK = frozenset({200})
# What a server may take (RFC 9112: 2.3 and 5.2), or answer as a request to no host.
TAKEN = ("a line that is folded", "20,000 lines", "HTTP/2's preface", "a version that there is not")


def lengths(sound: bytes) -> list[Attempt]:
    """Return bodies whose length cannot be, or is said twice, or comes in broken chunks."""
    body = form(sound)
    said = {
        "negative": ["Content-Length: -1"],
        "a word": ["Content-Length: ten"],
        "with a sign": ["Content-Length: +5"],
        "in hexadecimal": ["Content-Length: 0x10"],
        "a fraction": ["Content-Length: 1.5"],
        "two different": ["Content-Length: 5", "Content-Length: 6"],
        "a list of two different": ["Content-Length: 5, 6"],
        "of 40 digits": ["Content-Length: " + "9" * 40],
        "beside a coding": ["Content-Length: 10", "Transfer-Encoding: chunked"],
        "beside a coding that comes first": ["Transfer-Encoding: chunked", "Content-Length: 10"],
        "a coding that is not known": ["Transfer-Encoding: gzip, chunked"],
        "a coding that is hidden": ["Transfer-Encoding: \x0bchunked"],
        "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        "a coding with a space before the colon": ["Transfer-Encoding : chunked"],
    }
    made = [Attempt(f"a length: {name}", post(body, *lines), WRONG | {413}) for name, lines in said.items()]
    coded = {
        "no number": b"zz\r\nabc\r\n",
        "negative": b"-1\r\nabc\r\n",
        "of 40 digits": b"f" * 40 + b"\r\nabc\r\n",
        "an extension of 200 kB": b"3;" + b"x" * 200_000 + b"\r\nabc\r\n0\r\n\r\n",
        "longer than it says": b"3\r\nabcdef\r\n0\r\n\r\n",
        "trailers of 200 kB": b"3\r\nabc\r\n0\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    }
    chunk = "Transfer-Encoding: chunked"
    return [
        *made,
        *(Attempt(f"a chunk: {name}", post(sent, chunk), WRONG | {413}) for name, sent in coded.items()),
        Attempt("chunks of one byte", post(chunked(bytes([each]) for each in body[:4_000]), chunk), frozenset({400})),
        Attempt("chunks that are right", post(chunked([body[:1_000], body[1_000:]]), chunk), OK),
    ]


def codings(sound: bytes) -> list[Attempt]:
    """Return bodies that are compressed: small ones that would become large."""
    large = HEAD + bytes(32 << 20)
    packed = {"gzip": gzip.compress(large, 9), "deflate": zlib.compress(large, 9), "br": b"\x8b\x02\x80" * 9}
    refused = frozenset({400, 415})
    return [
        Attempt(f"a body in {name}", post(body, f"Content-Encoding: {name}"), refused) for name, body in packed.items()
    ] + [Attempt("a body in no coding", post(form(sound), "Content-Encoding: identity"), OK)]


def shapes() -> list[Attempt]:
    """Return heads that are none."""
    sent = {
        "a space in a name": head("GET", "/healthz", "X Y: z"),
        "a NUL in a value": head("GET", "/healthz", b"X: a\0b"),
        "a line that is folded": head("GET", "/healthz", "X: a", " b"),
        "a line without a colon": head("GET", "/healthz", "nothing"),
        "a name that is empty": head("GET", "/healthz", ": a"),
        "a return within a value": head("GET", "/healthz", b"X: a\rb"),
        "200 kB in a value": head("GET", "/healthz", "X: " + "y" * 200_000),
        "20,000 lines": head("GET", "/healthz", *["X: y"] * 20_000),
        "a method of 100 kB": head("G" * 100_000),
        "a target of 200 kB": head("GET", "/" + "x" * 200_000),
        "a target with a space": head("GET", "/a b"),
        "a target with bytes beyond ASCII": head("GET", b"/\xff\xfe"),
        "a target with a NUL": head("GET", b"/a\0b"),
        "no target": b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/0.9": b"GET /healthz\r\n\r\n",
        "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "a version that there is not": head(version="HTTP/9.9"),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        "SSH": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "bytes of zero": bytes(100_000),
    }
    usual = frozenset({400, 404, 405, 414, 431, 505, CLOSED})
    made = [Attempt(name, each, usual) for name, each in sent.items()]
    either = frozenset({200, 403, *usual})
    return [Attempt(each.name, each.sent, either) if each.name in TAKEN else each for each in made]


def targets() -> list[Attempt]:
    """Return methods and targets that lead nowhere, and versions that are old."""
    nowhere = {
        "the whole address": head("GET", "http://localhost/nothing"),
        "the address of another host": head("GET", "http://other.example/healthz"),
        "a star": head("OPTIONS", "*"),
        "a host and a port": head("CONNECT", "localhost:80"),
        "TRACE": head("TRACE", PATH),
        "a method that there is not": head("BREW", PATH),
        "a method in small letters": head("post", PATH, "Content-Length: 0"),
        "DELETE": head("DELETE", PATH),
        "GET of what is posted to": head("GET", PATH),
        "dots": head("GET", "/../../etc/passwd"),
        "dots in a code": head("GET", "/%2e%2e/%2e%2e/etc/passwd"),
        "NUL in a code": head("GET", "/healthz%00"),
        "a code that is none": head("GET", "/%zz%"),
        "no UTF-8 in a code": head("GET", "/%ff%fe"),
        "slashes": head("GET", "//////"),
        "a query of 50 kB": head("GET", "/nothing?" + "a=b&" * 12_000),
    }
    return [
        *(Attempt(f"a target: {name}", each, NOWHERE) for name, each in nowhere.items()),
        Attempt("HTTP/1.0 with a host", head("GET", "/readyz", version="HTTP/1.0"), OK),
        Attempt(
            "HTTP/1.0 without a host", head("GET", "/readyz", version="HTTP/1.0", host=None), frozenset({200, 403})
        ),
    ]


def hosts() -> list[Attempt]:
    """Return names of the host that cannot be, or that are another's."""
    foreign = {
        "of somebody else": "evil.example",
        "with a user before it": "user@localhost",
        "with ours as the user": "localhost@evil.example",
        "that only begins like ours": "localhost.evil.example",
        "with a port that is none": "localhost:80@evil.example",
        "that is empty": "",
        "with bytes beyond ASCII": b"\xc3\xa9.example",
        "in brackets that do not end": "[::1.evil.example",
    }
    refused = frozenset({400, 403})
    return [
        *(
            Attempt(f"a host {name}", head("GET", "/v1/limits", host=each), refused, ours_alone=True)
            for name, each in foreign.items()
        ),
        Attempt("no host", head(host=None), frozenset({400})),
        Attempt("two hosts", head("GET", "/healthz", "Host: evil.example"), frozenset({400})),
    ]


def expectations(sound: bytes) -> list[Attempt]:
    """Return requests that expect something before, or want another protocol."""
    body = form(sound)
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    listen = "/v1/listen"
    refused = frozenset({400, 403, 404, 405, 426, CLOSED})
    sockets = {
        "of an old version": head("GET", listen, *upgrade, "Sec-WebSocket-Version: 8", close=False),
        "without a key": head("GET", listen, *upgrade[:2], "Sec-WebSocket-Version: 13", close=False),
        "with a key that is too short": head(
            "GET", listen, *upgrade[:2], "Sec-WebSocket-Key: YQ==", "Sec-WebSocket-Version: 13", close=False
        ),
        "that is posted": head("POST", listen, *upgrade, "Sec-WebSocket-Version: 13", close=False),
        "where there is none": head("GET", "/nothing", *upgrade, "Sec-WebSocket-Version: 13", close=False),
    }
    other = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
    return [
        Attempt("100-continue", post(body, "Expect: 100-continue"), OK),
        Attempt("another expectation", post(body, "Expect: the-moon"), frozenset({200, 417})),
        Attempt("an upgrade to HTTP/2", head("GET", "/readyz", *other, close=False), OK),
        *(Attempt(f"a socket {name}", each, refused) for name, each in sockets.items()),
    ]


def pipelines(sound: bytes) -> list[Attempt]:
    """Return several requests in one piece: that are right, and of which one is hidden in another."""
    get, last = head("GET", "/readyz", close=False), head("GET", "/readyz")
    upload = post(form(sound), close=False)
    hidden = head("GET", "/nothing")
    smuggled = post(b"0\r\n\r\n" + hidden, "Content-Length: 5", "Transfer-Encoding: chunked", close=False)
    longer = head("GET", "/readyz", f"Content-Length: {len(hidden)}", close=False) + hidden + last
    return [
        Attempt("ten in one piece", get * 9 + last, OK, 10),
        Attempt("an upload between two others", get + upload + last, OK, 3),
        Attempt("one hidden in a body with two lengths", smuggled + last, frozenset({400, CLOSED})),
        Attempt("one hidden in the body of a GET", longer, OK, 2),
        Attempt("one behind an answer that closes", last + hidden, OK),
        Attempt("a head behind a wrong one", head("GET", "/a b", close=False) + last, frozenset({400, CLOSED})),
        Attempt("empty lines before it", b"\r\n\r\n" + last, frozenset({200, 400})),
    ]


def methods(paths: tuple[str, ...]) -> list[Attempt]:
    """Return a head and options of each path: whatever is said, it is no fault of the server's."""
    any_of_ours = frozenset({200, 204, 304, 400, 401, 403, 404, 405, 415, 426})
    return [
        Attempt(f"{method} {path}", head(method, path, "Content-Length: 0"), any_of_ours)
        for path in paths
        for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
    ]


def requests(sound: bytes) -> list[Attempt]:
    """Return all of this file that name no path but the usual ones."""
    groups = lengths(sound), codings(sound), shapes(), targets(), hosts(), expectations(sound), pipelines(sound)
    return [each for group in groups for each in group]
