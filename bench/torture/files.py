"""Files that are none, and damaged ones by the hundred; the same seed makes the same file."""

from __future__ import annotations

import random

from bench.torture.attempt import Attempt
from bench.torture.requests import form, post

HEARD = frozenset({200, 400, 413})  # a damaged file may still be one
REFUSED = frozenset({400})
BLOCK = 2_000  # bytes at most that are changed in one place


def strangers() -> list[Attempt]:
    """Return what is no recording, or names other files."""
    sent = {
        "nothing": b"",
        "one byte": b"R",
        "the beginning of a WAV": b"RIFF\x24\0\0\0WAVEfmt ",
        "a page": b"<!doctype html><html><body>404</body></html>",
        "a program": b"\x7fELF" + bytes(1_000),
        "an archive": b"PK\x03\x04" + bytes(1_000),
        "a document": b"%PDF-1.7\n" + bytes(1_000),
        "a list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "a list of addresses": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n#EXT-X-ENDLIST\n",
        "a description of a session": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
        "a pointer to a large file": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    }
    return [Attempt(f"a file: {name}", post(form(data)), REFUSED) for name, data in sent.items()]


def mutants(seeds: dict[str, bytes], count: int, seed: int = 0) -> list[Attempt]:
    """Return damaged copies of recordings, and bytes at random among them."""
    made = []
    for index in range(count):
        chance = random.Random(f"{seed}-{index}")
        name = chance.choice([*seeds, "bytes"])
        if name == "bytes":
            made.append(
                Attempt(f"mutant {index}: bytes", post(form(chance.randbytes(chance.randrange(1, 1 << 16)))), HEARD)
            )
        else:
            made.append(Attempt(f"mutant {index}: {name}", post(form(damaged(seeds[name], chance))), HEARD))
    return made


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a copy with one to four damages: a bit of its head or anywhere; a block zeroed, lost, doubled; its end."""
    copy = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(copy))
        stop = min(len(copy), start + chance.randrange(1, BLOCK))
        kind = chance.randrange(6)
        if kind == 0:
            copy[chance.randrange(min(200, len(copy)))] ^= 1 << chance.randrange(8)
        elif kind == 1:
            copy[start] ^= 1 << chance.randrange(8)
        elif kind == 2:
            copy[start:stop] = bytes(stop - start)
        elif kind == 3 and stop - start < len(copy):
            del copy[start:stop]
        elif kind == 4:
            copy[start:start] = copy[start:stop]
        elif start:
            del copy[start:]
    return bytes(copy)
