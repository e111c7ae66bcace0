"""Requests at random, from a seed: each is mostly right, and wrong in a few places."""

from __future__ import annotations

import random

from bench.torture.requests import PATH

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "GETT", "")
VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.", "")
TARGETS = (
    PATH,
    "/v1/audio/translations",
    "/v1/models",
    "/v1/models/x",
    "/v1/listen",
    "/v1/realtime",
    "/v1/limits",
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    "/page/page.js",
    "/nothing",
    "*",
)
LINES = (
    "Host: localhost",
    "Host: other.example",
    "Content-Type: multipart/form-data; boundary=b",
    "Content-Type: application/json",
    "Content-Length: 10",
    "Content-Length: 0",
    "Content-Length: 99999999999",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: identity",
    "Content-Encoding: gzip",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Connection: close",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",
    "Sec-WebSocket-Protocol: a, malsori-key.!!!, openai-insecure-api-key.x",
    "Expect: 100-continue",
    "Origin: null",
    "Origin: http://[::1",
    "Authorization: Bearer \u00e9",
    "Range: bytes=0-0,-1",
    "If-None-Match: *",
    "X-Request-Id: " + "x" * 300,
    "Cookie: " + "a=b; " * 500,
    "Accept-Encoding: gzip;q=nan",
)
BODIES = (
    b"",
    b"0\r\n\r\n",
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--b--\r\n',
    b"5\r\nhello\r\n0\r\n\r\n",
    b'{"a": [[[[1e999]]]]}',
    b"\x81\x85\0\0\0\0hello",
    b"\x88\x80\0\0\0\0",
)


def request(seed: int) -> bytes:
    """Return a request that this seed stands for."""
    chance = random.Random(seed)
    target = chance.choice(TARGETS) + chance.choice(["", "", "", "?a=%00", "?model=../x", "/", "%2e", "#x"])
    first = f"{chance.choice(METHODS)} {target} {chance.choice(VERSIONS)}"
    lines = [first, *(["Host: localhost"] if chance.random() < 0.8 else [])]
    lines += chance.sample(LINES, chance.randrange(0, 7))
    sent = "\r\n".join([*lines, "", ""]).encode() + chance.choice(BODIES)
    return _spoilt(sent, chance) if chance.random() < 0.5 else sent


def _spoilt(sent: bytes, chance: random.Random) -> bytes:
    copy = bytearray(sent)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(copy))
        kind = chance.randrange(4)
        if kind == 0:
            copy[at] = chance.randrange(256)
        elif kind == 1:
            copy[at:at] = chance.choice([b"\r\n", b"\0", b"\xff", b":", b" ", b"\t", b"%", b"9" * 50])
        elif kind == 2:
            del copy[at : at + chance.randrange(1, 20)]
        else:
            copy[at:at] = copy[at : at + 30]
        if not copy:
            return b"\0"
    return bytes(copy)
