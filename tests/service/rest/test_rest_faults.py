"""What clients do wrong over HTTP: each gets its status, the service goes on, and nothing is read beyond a limit."""

from __future__ import annotations

import io
import json
import socket
import time
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import numpy as np
import pytest

from tests.service.running import RunningServer, start_server
from tests.shipped import ROOT

KOREAN = (ROOT / "samples" / "korean.wav").read_bytes()
SAID = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
LIMIT = 300_000
PATH = "/v1/audio/transcriptions"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
FORM = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def small() -> Iterator[RunningServer]:
    """A service that takes small files, and a second of time for each."""
    with start_server("--max-upload-bytes", str(LIMIT), "--max-audio-seconds", "8") as running:
        yield running


@pytest.fixture(autouse=True)
def survived(small: RunningServer) -> Iterator[None]:
    """Each case ends with a service that answers at once and hears as before."""
    yield
    assert small.alive()
    assert sent(small, form(KOREAN))[1]["text"] == SAID


def form(file: bytes, **texts: str) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), text.encode())
        for name, text in texts.items()
    ]
    return b"".join(parts) + HEAD + file + b"\r\n--b--\r\n"


def sent(server: RunningServer, body: bytes, path: str = PATH, **headers: str) -> tuple[int, Any]:
    """Return status and JSON of a request whose whole body is sent, if it is taken."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Content-Type: {FORM}", "Connection: close"]
    lines = [
        line for line in lines if line.split(":")[0].lower() not in {name.lower().replace("_", "-") for name in headers}
    ]
    if not any(name in headers for name in ("Content_Length", "Transfer_Encoding")):
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # the answer came before the body's end
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return answer(connection)


def answer(connection: socket.socket) -> tuple[int, Any]:
    received = b""
    try:
        while piece := connection.recv(1 << 16):
            received += piece
    except ConnectionResetError:  # behind an answer to a body that was not read to its end
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    assert head, "no answer"
    return int(head.split()[1]), json.loads(body) if body.startswith(b"{") else body


def refused(answered: tuple[int, Any]) -> tuple[int, str, str | None]:
    status, body = answered
    error = body["error"]
    assert {*error} == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["message"].isprintable()
    return status, error["code"], error["param"]


def wav(seconds: float, rate: int = 16_000, channels: int = 1) -> bytes:
    found = io.BytesIO()
    with wave.open(found, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(bytes(round(seconds * rate) * 2 * channels))
    return found.getvalue()


def test_a_file_of_exactly_the_limit_is_heard_and_one_byte_more_is_not(small: RunningServer) -> None:
    padded = KOREAN + bytes(LIMIT - len(KOREAN))
    assert sent(small, form(padded))[0] == 200
    assert refused(sent(small, form(padded + b"\0"))) == (413, "request_too_large", "file")


def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(small: RunningServer) -> None:
    announced = sent(small, b"", Content_Length=str(10 << 30))
    assert refused(announced) == (413, "request_too_large", "file")
    assert str(LIMIT) in announced[1]["error"]["message"]


def test_of_a_body_without_end_no_more_is_read_than_the_limit(small: RunningServer) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Type: {FORM}\r\n"
    piece, pushed = b"10000\r\n" + b"x" * 0x10000 + b"\r\n", 0
    with closing(socket.create_connection(("127.0.0.1", small.port), timeout=20)) as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(HEAD), HEAD))
        try:
            for _ in range(4000):
                connection.sendall(piece)
                pushed += 0x10000
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert refused(answer(connection)) == (413, "request_too_large", "file")
    # Beside what is dropped, so that the client can read the answer, the kernels of both sides hold some megabytes.
    assert pushed < (64 + 16) << 20


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": "x"}, 400),
        ({"Content_Length": "10", "Transfer_Encoding": "chunked"}, 400),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Type": "multipart/form-data"}, 400),
        ({"Content_Type": "application/json"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=" + "b" * 300}, 400),
        ({"Content_Type": "multipart/form-data; boundary=other"}, 400),
    ],
)
def test_a_head_that_fits_no_form_is_refused(small: RunningServer, headers: dict[str, str], status: int) -> None:
    assert sent(small, form(KOREAN), **headers)[0] == status


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n' * 10_000 + b"--b--", None),
        (HEAD.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n") + b"z\r\n--b--", None),
        (b"\r\n" * 1_000_000, None),
        (b"--b--\r\n", "file"),
        (HEAD + KOREAN + b"\r\n" + form(KOREAN), "file"),
        (form(KOREAN).replace(b'; filename="a.wav"', b""), "file"),
        (form(KOREAN)[:-8], None),
    ],
    ids=["parts", "header", "preamble", "no file", "two files", "text", "cut off"],
)
def test_a_form_that_is_none_is_refused(small: RunningServer, body: bytes, param: str | None) -> None:
    status, _, found = refused(sent(small, body))
    assert status in (400, 413)
    assert found == param


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (b"", 400, "audio_too_short"),
        (wav(0), 400, "audio_too_short"),
        (KOREAN[:30], 400, "invalid_audio"),
        (wav(9), 413, "audio_too_long"),
        (b"<html>", 400, "unsupported_format"),
        (b"\x7fELF" + bytes(100), 400, "unsupported_format"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 400, "unsupported_format"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n", 400, "unsupported_format"),
        (wav(0.1, rate=1_000_000), 400, "unsupported_format"),
        (wav(0.01, channels=64), 400, "unsupported_format"),
    ],
    ids=["empty", "no frames", "cut", "long", "html", "elf", "ffconcat", "hls", "rate", "channels"],
)
def test_a_file_that_cannot_be_heard_is_the_clients_fault(
    small: RunningServer, file: bytes, status: int, code: str
) -> None:
    assert refused(sent(small, form(file))) == (status, code, "file")


def test_a_file_that_was_cut_off_is_heard_as_far_as_it_goes_and_told(small: RunningServer) -> None:
    status, body = sent(small, form(KOREAN[: len(KOREAN) * 3 // 4]))
    assert status == 200
    assert SAID.startswith(body["text"].rpartition(" ")[0])
    assert any("expected" in warning for warning in body["warnings"])
    assert refused(sent(small, form(KOREAN[: len(KOREAN) * 3 // 4], allow_truncated="false")))[0] == 400


def test_an_odd_byte_at_the_end_is_dropped(small: RunningServer) -> None:
    assert sent(small, form(KOREAN + b"\0"))[1]["text"] == SAID


def test_an_error_behind_the_head_of_a_stream_is_not_needed_for_what_is_known_before(small: RunningServer) -> None:
    assert refused(sent(small, form(b"<html>", stream="true"))) == (400, "unsupported_format", "file")
    assert refused(sent(small, form(KOREAN, stream="true", model="nope"))) == (404, "model_not_found", "model")


@pytest.mark.parametrize("name", ["../../etc/passwd", "%2e%2e/x", "a%00b", "m" * 300, "http://x.example/"])
def test_no_route_leads_to_a_file(small: RunningServer, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{small.url}/v1/models/{name}", timeout=10)
    with caught.value as error:
        assert error.code == 404
        assert json.loads(error.read())["error"]["code"] == "model_not_found"


def test_a_client_that_leaves_while_it_sends_leaves_nothing_behind(small: RunningServer) -> None:
    for _ in range(20):
        with closing(socket.create_connection(("127.0.0.1", small.port), timeout=20)) as connection:
            head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Type: {FORM}\r\n"
            connection.sendall(head.encode() + b"Content-Length: 150000\r\n\r\n" + HEAD + KOREAN[:50_000])
    time.sleep(0.2)
    assert not [line for line in small.lines if "Traceback" in line or '"error"' in line]


def test_a_client_that_leaves_while_it_waits_gives_its_place_back(small: RunningServer) -> None:
    for stream in ("false", "true"):
        body = form(KOREAN, stream=stream)
        head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Type: {FORM}\r\n"
        with closing(socket.create_connection(("127.0.0.1", small.port), timeout=20)) as connection:
            connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    end = time.monotonic() + 20
    while small.get("/readyz")[1]["uploads"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert not [line for line in small.lines if "Traceback" in line or '"error"' in line]


def test_nothing_of_a_request_is_logged(small: RunningServer) -> None:
    before = sum(each["event"] == "request" for each in small.log)
    sent(small, form(KOREAN, prompt="secretword", language="zz\x1b"))
    sent(small, form(KOREAN, prompt="secretword"))
    end = time.monotonic() + 20
    while sum(each["event"] == "request" for each in small.log) < before + 2:  # written behind the answers
        assert time.monotonic() < end
        time.sleep(0.02)
    log = "\n".join(small.lines)
    assert "secretword" not in log
    assert SAID.split()[0] not in log
    assert "\x1b" not in log


def test_the_place_of_a_client_that_leaves_is_free_for_the_next_one() -> None:
    with start_server("--max-uploads", "1", "--models", "nano-whisper,nano-ctc-ko") as server:
        noise = np.random.default_rng(1).integers(-9000, 9000, 600 * 16_000, dtype=np.int16).tobytes()
        body = form(wav(0)[:40] + len(noise).to_bytes(4, "little") + noise, model="nano-whisper", vad="false")
        head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: {FORM}\r\n"
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
            connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.5)  # until it is heard: whoever asks before that would have the place
            first = until(server, 429)
        assert first[1]["error"]["type"] == "rate_limit_error"
        assert first[1]["error"]["code"] == "server_busy"
        assert until(server, 200)[1]["text"] == SAID


def until(server: RunningServer, status: int, seconds: float = 20.0) -> tuple[int, Any]:
    """Ask again and again until there is such an answer."""
    end = time.monotonic() + seconds
    while (found := sent(server, form(KOREAN)))[0] != status:
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found
