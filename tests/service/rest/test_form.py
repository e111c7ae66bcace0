"""Forms as they arrive: in pieces of any size, up to their limits, and what is no form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.service.refusal import Refusal
from malsori.service.rest.form import FORM_BYTES, MOST_PARTS, FormReader, UploadForm
from malsori.service.rest.receiving import boundary_of
from malsori.service.serve_options import ServiceLimits

LIMITS = ServiceLimits(upload_bytes=1000)
HEAD = b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


def part(name: str, text: str) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), text.encode())


def file(data: bytes, head: bytes = HEAD) -> bytes:
    return b"--b\r\n" + head + data + b"\r\n"


def read(body: bytes, size: int = 1 << 20, limits: ServiceLimits = LIMITS) -> UploadForm:
    reader = FormReader(b"b", limits)
    try:
        for start in range(0, len(body), size):
            reader.push(body[start : start + size])
        return reader.flush()
    finally:
        reader.close()


def content(body: bytes, limits: ServiceLimits = LIMITS) -> bytes:
    form = read(body, limits=limits)
    try:
        return form.file.read()
    finally:
        form.close()


def refusal(body: bytes, limits: ServiceLimits = LIMITS) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(body, limits=limits)
    return caught.value


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), text=st.text(max_size=40), size=st.integers(1, 64))
def test_a_form_says_the_same_in_pieces_of_any_size(data: bytes, text: str, size: int) -> None:
    data = data.replace(b"\r\n--b", b"")
    body = part("prompt", text.replace("\r", "")) + file(data) + part("model", "nano") + b"--b--\r\n"
    form = read(body, size)
    assert form.file.read() == data
    assert form.texts == {"prompt": [text.replace("\r", "")], "model": ["nano"]}
    form.close()


def test_a_file_may_have_as_many_bytes_as_the_limit_and_no_more() -> None:
    assert len(content(file(b"x" * 1000) + b"--b--")) == 1000
    found = refusal(file(b"x" * 1001) + b"--b--")
    assert (found.status, found.code, found.param) == (413, "request_too_large", "file")
    assert found.message.startswith("Maximum content size limit (1000) exceeded (")
    assert len(content(file(b"x" * 5000) + b"--b--", ServiceLimits(upload_bytes=0))) == 5000


def test_nothing_is_read_behind_the_limit_but_the_piece_that_crosses_it() -> None:
    reader = FormReader(b"b", LIMITS)
    reader.push(b"--b\r\n" + HEAD)
    for _ in range(10):
        reader.push(b"x" * 100)  # the parser holds some back, which might begin a boundary
    with pytest.raises(Refusal):
        reader.push(b"x" * 100)
    reader.close()


def test_a_file_of_several_megabytes_is_kept_on_the_disk() -> None:
    data = bytes(range(256)) * (12 << 10)
    form = read(file(data) + b"--b--", 60_000, ServiceLimits())
    assert form.file.read() == data
    form.close()
    assert form.file.closed


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        (b"", None, "ends before its last boundary"),
        (b"hello", None, "no form can be read"),
        (b"--b--\r\n", "file", "file: there is none"),
        (part("file", "RIFF....") + b"--b--", "file", "found a text field"),
        (file(b"x") + file(b"y") + b"--b--", "file", "expected one, found two"),
        (file(b"x", HEAD.replace(b'"file"', b'"audio"')) + b"--b--", "file", "not in 'audio'"),
        (file(b"x"), None, "ends before its last boundary"),
        (file(b"x", b"Content-Type: audio/wav\r\n\r\n") + b"--b--", None, "Content-Disposition"),
        (file(b"x", b"Content-Disposition: attachment\r\n\r\n") + b"--b--", None, "Content-Disposition"),
        (file(b"x", b"X: y\r\n" * 20 + HEAD) + b"--b--", None, "header count"),
        (file(b"x", b"X: " + b"y" * (1 << 20) + b"\r\n" + HEAD) + b"--b--", None, "header size"),
        (file(b"x", b"Content-Transfer-Encoding: base64\r\n" + HEAD) + b"--b--", None, "Content-Transfer-Encoding"),
        (part("n" * 300, "x") + b"--b--", None, "name of a field"),
        (part("x", "y") * (MOST_PARTS + 1) + b"--b--", None, "500 parts"),
        (part("language", "ko").replace(b"ko", b"\xff\xfe") + b"--b--", "language", "expected UTF-8"),
        (part("prompt", "x").replace(b"x", b"\xed\xa0\x80") + b"--b--", "prompt", "expected UTF-8"),
        (part("language", "k" * 70_000), "language", "at most 65536 bytes"),
        (part("prompt", "k" * (2 << 20) + "k"), "prompt", "at most 2097152 bytes"),
    ],
)
def test_what_is_no_form_is_refused_with_the_reason(body: bytes, param: str | None, said: str) -> None:
    found = refusal(body)
    assert (found.status, found.param) == (400, param)
    assert said in found.message
    assert len(found.message) < 400


def test_what_stands_around_the_parts_is_limited_too() -> None:
    reader = FormReader(b"b", LIMITS)
    for _ in range(FORM_BYTES // 1000):
        reader.push(b"\r\n" * 500)
    with pytest.raises(Refusal) as caught:
        reader.push(b"\r\n" * 500)
    assert caught.value.status == 413


def test_a_file_is_known_by_its_name_in_either_spelling() -> None:
    other = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%ED%95%9C.wav\r\n\r\n"
    assert content(file(b"x", other) + b"--b--") == b"x"


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({}, 415, "found none"),
        ({"content-type": "application/json"}, 415, "found 'application/json'"),
        ({"content-type": "application/x-www-form-urlencoded"}, 415, "curl sends it with -F"),
        ({"content-type": "multipart/form-data"}, 400, "no boundary"),
        ({"content-type": "multipart/form-data; boundary="}, 400, "no boundary"),
        ({"content-type": "multipart/form-data; boundary=b", "content-encoding": "gzip"}, 415, "'gzip'"),
    ],
)
def test_a_body_of_another_kind_is_refused(headers: dict[str, str], status: int, said: str) -> None:
    with pytest.raises(Refusal) as caught:
        boundary_of(headers)
    assert caught.value.status == status
    assert said in caught.value.message


def test_a_boundary_may_have_quotes_and_no_more_than_256_letters() -> None:
    assert (
        boundary_of({"content-type": 'Multipart/Form-Data; boundary="a b"', "content-encoding": "identity"}) == b"a b"
    )
    with pytest.raises(Refusal) as caught:
        FormReader(b"b" * 300, LIMITS)
    assert caught.value.status == 400
