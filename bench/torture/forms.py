"""Forms that are none, too large ones, and values that cannot be."""

from __future__ import annotations

from bench.torture.attempt import CLOSED, Attempt
from bench.torture.requests import FORM, HEAD, chunked, form, post, text

BAD = frozenset({400})
LARGE = frozenset({413, CLOSED})
MIB = 1 << 20
LIMIT = 25 * MIB


def shapes(sound: bytes) -> list[Attempt]:
    """Return bodies that are no form with one file."""
    right = form(sound)
    bodies = {
        "of nothing": b"",
        "of 10,000 parts": text("x", "y") * 10_000 + b"--b--\r\n",
        "with a header of 1 MB": HEAD[:-4] + b"\r\nX: " + b"y" * MIB + b"\r\n\r\nz\r\n--b--\r\n",
        "with 1,000 headers in a part": HEAD[:-4] + b"\r\nX: y" * 1_000 + b"\r\n\r\nz\r\n--b--\r\n",
        "with a file name of 1 MB": HEAD.replace(b"a.wav", b"a" * MIB) + sound + b"\r\n--b--\r\n",
        "without a file": text("model", "whisper-1") + b"--b--\r\n",
        "with two files": HEAD + sound + b"\r\n" + right,
        "with a text for a file": right.replace(b'; filename="a.wav"', b""),
        "without an end": right[:-8],
        "that ends in the middle of a header": HEAD[:40],
        "without a name": right.replace(b' name="file";', b""),
        "without a disposition": b"--b\r\n\r\n" + sound + b"\r\n--b--\r\n",
        "with a header that has no colon": HEAD[:-4] + b"\r\nnothing\r\n\r\n" + sound + b"\r\n--b--\r\n",
        "with texts that are no UTF-8": form(sound, ("prompt", b"\xff\xfe\xfd")),
        "that is none": b"\0" * 100_000,
    }
    kinds = {
        "with no boundary": "multipart/form-data",
        "with a boundary of 300 letters": "multipart/form-data; boundary=" + "b" * 300,
        "with another boundary": "multipart/form-data; boundary=other",
        "with an empty boundary": 'multipart/form-data; boundary=""',
        "of fields alone": "application/x-www-form-urlencoded",
        "of JSON": "application/json",
        "of 50 kB of a kind": "multipart/form-data; " + "a=b; " * 10_000 + "boundary=b",
    }
    ours = frozenset({400, 413, 415})
    return [
        *(Attempt(f"a form {name}", post(body), ours) for name, body in bodies.items()),
        Attempt("a form behind a preamble of 2 MB", post(b"\r\n" * MIB + right), ours | {200}),
        *(
            Attempt(f"a form {name}", post(right, kind=kind), ours | {200} if "50 kB" in name else ours)
            for name, kind in kinds.items()
        ),
        Attempt("a form without a kind", post(right).replace(f"Content-Type: {FORM}\r\n".encode(), b""), ours),
    ]


def sizes(sound: bytes) -> list[Attempt]:
    """Return bodies of the limit and beyond, said beforehand or not."""
    whole = form(sound + bytes(LIMIT - len(sound)))
    beyond = form(sound + bytes(LIMIT - len(sound) + 1))
    pieces = [beyond[start : start + MIB] for start in range(0, len(beyond), MIB)]
    return [
        Attempt("a file of 25 MiB", post(whole), frozenset({200})),
        Attempt("a file of one byte more", post(beyond), LARGE, ours_alone=True),
        Attempt("the same in chunks", post(chunked(pieces), "Transfer-Encoding: chunked"), LARGE, ours_alone=True),
        Attempt("10 GB that are announced", post(b"", f"Content-Length: {10 << 30}"), LARGE, ours_alone=True),
        Attempt("a text of 5 MB", post(form(sound, ("prompt", "x" * 5 * MIB))), frozenset({400, 413}), ours_alone=True),
    ]


VALUES: dict[str, tuple[str | bytes, ...]] = {
    "temperature": ("abc", "NaN", "1e309", "-inf", "2", "-1", "0,5", "1" * 300),
    "response_format": ("exe", "JSON ", "../json", "diarized_json", "x" * 10_000),
    "timestamp_granularities[]": ("x", "words", "'word'"),
    "include[]": ("x",),
    "stream": ("perhaps", "2", "nul"),
    "language": ("xx", "../", "x" * 10_000, "en\0", "e\u0301n", "\u202een"),
    "languages[]": (",".join(["en"] * 10_000), "xx,yy"),
    "prompt": ("a\0b", b"\xed\xa0\x80"),
    "beam_size": ("0", "-1", "1e9", "10000000000000000000000", "five"),
    "best_of": ("1000000",),
    "clip_timestamps": ("a-b", "5-1", "nan-inf", "0-1e309"),
    "suppress_tokens": ("x", "9" * 40),
    "keywords[]": ("x" * 100_000,),
    "chunking_strategy": ('{"type": "server_vad", "threshold": 1e999}', "[" * 100_000, '{"a"', "no"),
    "vad": ("perhaps",),
    "track": ("-1", "99999999999999999999"),
    "responce_format": ("json",),
    "known_speaker_names[]": ("me",),
}
ALLOWED: dict[str, tuple[str | bytes, ...]] = {
    "prompt": ("x" * MIB, "<|startoftranscript|><|endoftext|>", "\u202e\u200f\u2028", "\U0001f468\u200d\U0001f469"),
    "user": ("../../x", "x" * 60_000),
    "language": ("en", "EN", "english"),
}
NAMES = (
    "../../etc/passwd",
    "/etc/passwd",
    "%2e%2e/x",
    "x" * 300,
    "x" * 60_000,
    "http://localhost:1/x",
    "hf://openai/whisper-tiny",
    "file:///etc/passwd",
    "\uff4eano-whisper",
    "nano\u2010whisper",
    "nano-whisper/",
    "nano-whisper\0",
    "${HOME}",
    "nano-wh\u0131sper",
)


def fields(sound: bytes) -> list[Attempt]:
    """Return forms with a value that cannot be; only our route has these fields."""
    wrong = [
        Attempt(f"{name}: {_brief(value)}", post(form(sound, (name, value))), BAD, ours_alone=True)
        for name, values in VALUES.items()
        for value in values
    ]
    right = [
        Attempt(f"{name}: {_brief(value)}", post(form(sound, (name, value))), frozenset({200, 400}), ours_alone=True)
        for name, values in ALLOWED.items()
        for value in values
    ]
    models = [
        Attempt(f"model: {_brief(name)}", post(form(sound, ("model", name))), frozenset({404}), ours_alone=True)
        for name in NAMES
    ]
    twice = form(sound, ("temperature", "0"), ("temperature", "1"))
    many = form(sound, *[("languages[]", "en")] * 400)
    return [
        *wrong,
        *right,
        *models,
        Attempt("a field that is sent twice", post(twice), BAD, ours_alone=True),
        Attempt("a list of 400", post(many), BAD, ours_alone=True),
    ]


def _brief(value: str | bytes) -> str:
    return ascii(value if len(value) < 40 else value[:37] + (b"..." if isinstance(value, bytes) else "..."))
