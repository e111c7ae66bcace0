"""OpenAI's own client, unchanged, and curl, against a service that runs."""

from __future__ import annotations

import asyncio
import http.server
import io
import json
import shutil
import subprocess
import threading
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from malsori.audio import decode
from tests.service.running import RunningServer
from tests.shipped import ROOT

openai = pytest.importorskip("openai")

KOREAN = ROOT / "samples" / "korean.wav"
SAID, IN_ENGLISH = ((ROOT / "samples" / f"korean{ending}").read_text("utf-8").strip() for ending in (".txt", ".en.txt"))


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Any]:
    with openai.OpenAI(base_url=server.url + "/v1", api_key="any") as found:
        yield found


@pytest.mark.parametrize(
    "file",
    [KOREAN, KOREAN.read_bytes(), ("한 국.wav", KOREAN.read_bytes()), ("x", KOREAN.read_bytes(), "audio/wav")],
    ids=["path", "bytes", "named", "typed"],
)
def test_a_file_may_come_in_any_form_that_the_client_takes(client: Any, file: Any) -> None:
    assert client.audio.transcriptions.create(file=file, model="whisper-1").text == SAID


def test_a_file_in_memory_and_one_on_the_disk_are_heard_the_same(client: Any) -> None:
    with KOREAN.open("rb") as file:
        on_disk = client.audio.transcriptions.create(file=file, model="nano-whisper")
    in_memory = client.audio.transcriptions.create(file=io.BytesIO(KOREAN.read_bytes()), model="nano-whisper")
    assert on_disk.text == in_memory.text == SAID
    assert on_disk.usage.type == "duration"
    assert on_disk.usage.seconds == pytest.approx(4.427, abs=0.001)
    assert [each.code for each in on_disk.languages] == ["ko"]


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_each_format_comes_in_the_shape_that_the_client_knows(client: Any, model: str) -> None:
    def asked(**more: Any) -> Any:
        return client.audio.transcriptions.create(file=KOREAN, model=model, **more)

    assert asked(response_format="text") == SAID + "\n"
    assert asked(response_format="srt").startswith("1\n00:00:00,")
    assert asked(response_format="vtt").startswith("WEBVTT\n\n00:00.")
    verbose = asked(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert (verbose.language, verbose.text, verbose.task) == ("korean", SAID, "transcribe")
    assert verbose.duration == pytest.approx(4.427, abs=0.001)
    assert [word.word for word in verbose.words] == SAID.split()
    assert all(0 <= word.start < word.end <= verbose.duration for word in verbose.words)
    assert "".join(segment.text for segment in verbose.segments) == SAID
    assert all(segment.avg_logprob <= 0 and segment.no_speech_prob >= 0 for segment in verbose.segments)
    assert asked(response_format="verbose_json", timestamp_granularities=["word"]).segments is None
    assert asked(response_format="verbose_json").words is None


def test_the_logarithms_of_probabilities_are_those_of_the_words(client: Any) -> None:
    found = client.audio.transcriptions.create(file=KOREAN, model="nano-whisper", include=["logprobs"])
    assert "".join(each.token for each in found.logprobs) == SAID
    assert bytes(int(each) for each in found.logprobs[0].bytes).decode() == found.logprobs[0].token
    assert all(-5 < each.logprob <= 0 for each in found.logprobs)


def test_a_file_is_streamed_in_deltas_that_joined_are_its_text(client: Any) -> None:
    events = list(client.audio.transcriptions.create(file=KOREAN, model="nano-whisper", stream=True))
    assert [event.type for event in events[-2:]] == ["transcript.text.delta", "transcript.text.done"]
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == SAID


def test_a_longer_file_is_streamed_while_it_is_heard(client: Any) -> None:
    sound = repeated(12, pause_s=2.0)
    events = list(client.audio.transcriptions.create(file=sound, model="nano-ctc-ko", stream=True))
    assert len(events) > 4
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == " ".join([SAID] * 12)


def test_a_file_without_speech_has_no_deltas(client: Any) -> None:
    events = list(client.audio.transcriptions.create(file=silence(), model="nano-whisper", stream=True))
    assert [(event.type, event.text) for event in events] == [("transcript.text.done", "")]
    whole = client.audio.transcriptions.create(file=silence(), model="nano-whisper", response_format="verbose_json")
    assert (whole.text, whole.language, whole.segments) == ("", "unknown", [])


def test_an_error_before_the_first_words_has_a_status_of_its_own(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="file: expected a sound file, found an HTML page") as caught:
        client.audio.transcriptions.create(file=b"<html>not found</html>", model="nano-whisper", stream=True)
    assert caught.value.param == "file"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # so the client calls translations
def test_korean_is_translated(client: Any) -> None:
    assert client.audio.translations.create(file=KOREAN, model="nano-whisper").text == IN_ENGLISH
    verbose = client.audio.translations.create(file=KOREAN, model="nano-whisper", response_format="verbose_json")
    assert (verbose.language, verbose.text) == ("english", IN_ENGLISH)
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.translations.create(file=KOREAN, model="nano-ctc-ko")
    assert (caught.value.code, caught.value.param) == ("unsupported_task", "model")


def test_languages_keywords_and_strategies_arrive(client: Any) -> None:
    def asked(**more: Any) -> Any:
        return client.audio.transcriptions.create(file=KOREAN, model="nano-whisper", **more)

    assert [each.code for each in asked(languages=["en"]).languages] == ["en"]
    assert asked(languages=["en", "ko"]).text == SAID
    assert asked(chunking_strategy={"type": "server_vad", "threshold": 0.4}).text == SAID
    assert asked(chunking_strategy="auto", temperature=0).text == SAID
    with pytest.raises(openai.BadRequestError) as caught:
        asked(chunking_strategy={"type": "server_vad", "threshold": 4})
    assert caught.value.param == "chunking_strategy"


def test_warnings_reach_the_client_in_members_or_in_a_header(client: Any) -> None:
    asked: dict[str, Any] = {"file": KOREAN, "model": "nano-ctc-ko", "prompt": "침실"}
    (warning,) = client.audio.transcriptions.create(**asked).warnings
    assert warning.startswith("prompt is left out: nano-ctc-ko has no initial_prompt")
    raw = client.audio.transcriptions.with_raw_response.create(**asked, response_format="text")
    assert raw.headers["x-malsori-warnings"].startswith("1; prompt is left out")
    assert raw.parse() == SAID + "\n"


def test_models_are_listed_and_found(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["nano-ctc-ko", "nano-whisper"]
    found = client.models.retrieve("nano-whisper")
    assert (found.id, found.object, found.owned_by) == ("nano-whisper", "model", "malsori")
    assert client.models.retrieve("whisper-1").id == "nano-ctc-ko"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("../../etc/passwd")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("fields", "kind", "code"),
    [
        ({"model": "gpt-9"}, openai.NotFoundError, "model_not_found"),
        ({"language": "xx"}, openai.BadRequestError, "invalid_value"),
        ({"response_format": "diarized_json"}, openai.BadRequestError, "invalid_value"),
        ({"temperature": 7}, openai.BadRequestError, "invalid_value"),
        ({"file": b"\0" * 100}, openai.BadRequestError, "unsupported_format"),
        ({"file": b""}, openai.BadRequestError, "audio_too_short"),
    ],
)
def test_errors_are_those_that_the_client_knows(client: Any, fields: dict[str, Any], kind: Any, code: str) -> None:
    asked = {"file": KOREAN, "model": "nano-whisper", **fields}
    with pytest.raises(kind) as caught:
        client.with_options(max_retries=0).audio.transcriptions.create(**asked)
    assert caught.value.code == code
    assert {*caught.value.body} == {"message", "type", "param", "code"}


def test_the_asynchronous_client_hears_and_streams(server: RunningServer) -> None:
    async def ask() -> tuple[str, list[str]]:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="any") as client:
            create = client.audio.transcriptions.create
            whole, stream = await asyncio.gather(
                create(file=KOREAN, model="nano-whisper"), create(file=KOREAN, model="nano-ctc-ko", stream=True)
            )
            return whole.text, [event.delta async for event in stream if event.type == "transcript.text.delta"]

    text, deltas = asyncio.run(ask())
    assert text == "".join(deltas) == SAID


@pytest.mark.parametrize("size", [27 << 20, 60 << 20])
def test_a_file_that_is_too_large_is_told_to_every_client(
    server: RunningServer, client: Any, tmp_path: Path, size: int
) -> None:
    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="any", max_retries=0) as asking:
            await asking.audio.transcriptions.create(file=bytes(size), model="nano-whisper")

    with pytest.raises(openai.APIStatusError, match="Maximum content size limit") as caught:
        asyncio.run(ask())
    assert (caught.value.status_code, caught.value.param) == (413, "file")
    once = client.with_options(max_retries=0)
    with pytest.raises(openai.APIStatusError, match="Maximum content size limit"):
        once.audio.transcriptions.create(file=bytes(size), model="nano-whisper")
    large = tmp_path / "large"
    large.write_bytes(bytes(size))
    assert curl(server, "-F", f"file=@{large}")[0] == 413
    assert curl(server, "-F", f"file=@{large}", "-H", "Expect:")[0] == 413


def test_a_client_that_was_told_to_come_again_does(server: RunningServer) -> None:
    with busy_before(server.url, times=2) as (url, asked):
        with openai.OpenAI(base_url=url + "/v1", api_key="any") as client:
            assert client.audio.transcriptions.create(file=KOREAN, model="nano-whisper").text == SAID
        assert len(asked) == 3


def curl(server: RunningServer, *arguments: str, path: str = "/v1/audio/transcriptions") -> tuple[int, str]:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    command = ["curl", "-sS", "-m", "30", "-w", "\n%{http_code}", *arguments, server.url + path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_curl_sends_a_form(server: RunningServer) -> None:
    status, body = curl(server, "-F", f"file=@{KOREAN}", "-F", "response_format=text", "-F", "beam_size=1")
    assert (status, body) == (200, SAID + "\n")
    status, body = curl(server, "-F", f"file=@{KOREAN}", "-F", "stream=true")
    lines = [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line]
    assert status == 200
    assert [line["type"] for line in lines] == ["transcript.text.delta", "transcript.text.done"]


def test_curl_is_told_what_it_forgot(server: RunningServer) -> None:
    assert curl(server, "-F", "file=hello")[0] == 400
    assert curl(server, "-F", "model=nano-whisper")[0] == 400
    assert curl(server, "-d", "model=nano-whisper")[0] == 415
    assert curl(server)[0] == 405
    assert json.loads(curl(server, path="/v1/audio/speech")[1])["error"]["code"] == "not_found"


def written(samples: bytes) -> io.BytesIO:
    found = io.BytesIO()
    with wave.open(found, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples)
    return io.BytesIO(found.getvalue())


def silence(seconds: float = 3.0) -> io.BytesIO:
    return written(bytes(round(seconds * 16_000) * 2))


def repeated(times: int, pause_s: float) -> io.BytesIO:
    sound = np.clip(decode(KOREAN).samples * 32767, -32768, 32767).astype("<i2").tobytes()
    return written((sound + bytes(round(pause_s * 16_000) * 2)) * times)


@contextmanager
def busy_before(url: str, times: int) -> Iterator[tuple[str, list[int]]]:
    """Stand before a service and answer the first requests as a busy one does."""
    asked: list[int] = []

    class Busy(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append(len(body))
            if len(asked) <= times:
                status, reply = (
                    429,
                    b'{"error":{"message":"busy","type":"rate_limit_error","param":null,"code":"server_busy"}}',
                )
            else:
                kind = {"content-type": self.headers["content-type"]}
                with urllib.request.urlopen(urllib.request.Request(url + self.path, body, kind), timeout=30) as found:
                    status, reply = found.status, found.read()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply)))
            self.send_header("retry-after", "0.05")
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as before:
        thread = threading.Thread(target=before.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{before.server_address[1]}", asked
        finally:
            before.shutdown()
            thread.join()
