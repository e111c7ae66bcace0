"""What Home Assistant does, with the package `wyoming` unchanged: asks what there is, and speaks."""

from __future__ import annotations

import asyncio
import time

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.ping import Ping, Pong

from tests.service.running import RunningServer, start_server
from tests.service.wyoming.conftest import LOCAL
from tests.service.wyoming.talking import (
    CHUNK,
    FORM,
    HOST,
    WAIT_S,
    answers,
    chunks,
    described,
    home_assistant,
    message,
    read_all,
    refused,
    speech,
    text_of,
    turn,
    words,
)


def test_info_has_all_that_clients_build_their_objects_of(home: RunningServer) -> None:
    info = asyncio.run(described(home.wyoming_port))
    (program,) = info.asr
    assert program.name == "malsori"
    assert program.installed
    assert program.supports_transcript_streaming
    assert program.requires_external_vad  # where it is not, Home Assistant does not end a command itself
    assert [model.name for model in program.models] == ["nano-ctc-ko", "nano-whisper"]
    assert all(model.installed and model.languages and model.version for model in program.models)
    assert {language for model in program.models for language in model.languages} == {"ko", "en"}
    assert not any((info.tts, info.handle, info.intent, info.wake, info.mic, info.snd, info.satellite))


def test_home_assistant_hears_what_was_said(home: RunningServer) -> None:
    assert asyncio.run(home_assistant(home.wyoming_port, "ko", speech("korean"))) == words("korean")


def test_without_the_name_of_a_model_one_is_taken_that_knows_the_language(home: RunningServer) -> None:
    assert asyncio.run(home_assistant(home.wyoming_port, "en-US", speech("english"))) == words("english")
    assert asyncio.run(home_assistant(home.wyoming_port, "ko_KR", speech("korean"))) == words("korean")


def test_a_model_can_be_named_and_one_that_is_not_here_touches_no_file(home: RunningServer) -> None:
    asked = {"name": "nano-whisper", "language": "en"}
    assert text_of(answers(home.wyoming_port, turn(speech("english"), asked))) == words("english")
    code, text = refused(answers(home.wyoming_port, turn(b"", {"name": "../../etc/passwd"})))
    assert code == "model_not_found"
    assert "nano-ctc-ko, nano-whisper" in text


def test_an_error_ends_the_connection_because_home_assistant_waits_for_that(home: RunningServer) -> None:
    assert asyncio.run(home_assistant(home.wyoming_port, "fr", speech("korean"))) is None
    code, text = refused(answers(home.wyoming_port, turn(speech("korean"), {"language": "fr"})))
    assert code == "invalid_value"
    assert "'fr'" in text


def test_the_log_has_a_line_for_each_turn_with_its_model_and_why_it_failed() -> None:
    with start_server("--wyoming", "tcp://127.0.0.1:0") as server:
        answers(server.wyoming_port, turn(speech("korean")))
        answers(server.wyoming_port, turn(speech("korean"), {"name": "nix"}))
        server.stop()
        heard, failed = [each for each in server.log if each["event"] == "turn"]
    assert heard["model"] == "nano-ctc-ko"
    assert heard["audio_seconds"] > 1
    assert failed["code"] == "model_not_found"


def test_without_a_request_and_without_a_start_it_is_heard_all_the_same(home: RunningServer) -> None:
    parts = [*chunks(speech("korean")), message("audio-stop")]
    assert text_of(answers(home.wyoming_port, *parts)) == words("korean")


def test_no_sound_is_an_empty_transcript(home: RunningServer) -> None:
    for parts in ([message("audio-stop")], [message("audio-start", FORM), message("audio-stop")], [turn(b"")]):
        events = answers(home.wyoming_port, *parts)
        assert [kind for kind, _ in events] == ["transcript-start", "transcript", "transcript-stop"]
        assert text_of(events) == ""


def test_silence_is_an_empty_transcript(home: RunningServer) -> None:
    assert text_of(answers(home.wyoming_port, turn(bytes(64_000)))) == ""


async def streamed(port: int, sound: bytes) -> list[tuple[float, Event]]:
    """Send sound in real time, read meanwhile, and return the events, each with the second at which it came."""
    began = time.monotonic()
    events: list[tuple[float, Event]] = []
    async with AsyncTcpClient(HOST, port, read_timeout=WAIT_S) as client:

        async def listen() -> None:
            while (event := await client.read_event()) is not None:
                events.append((time.monotonic() - began, event))

        listening = asyncio.create_task(listen())
        await client.write_event(Transcribe(language="ko").event())
        await client.write_event(AudioStart(**FORM).event())
        for at in range(0, len(sound), CHUNK):
            await client.write_event(AudioChunk(**FORM, audio=sound[at : at + CHUNK]).event())
            await asyncio.sleep(CHUNK / 2 / 16_000 / 4)
        stopped = time.monotonic() - began
        events.append((stopped, Event("stopped")))
        await client.write_event(AudioStop().event())
        await listening
    return sorted(events, key=lambda each: each[0])


def test_a_transcript_is_streamed_in_chunks_that_make_it_and_is_never_sent_before_the_stop(home: RunningServer) -> None:
    sound = speech("korean") + bytes(48_000) + speech("korean") + bytes(48_000)
    events = [event for _, event in asyncio.run(streamed(home.wyoming_port, sound))]
    kinds = [event.type for event in events]
    assert TranscriptStart.is_type(kinds[0])
    assert kinds[-2:] == ["transcript", "transcript-stop"]
    assert kinds.index("transcript-chunk") < kinds.index("stopped") < kinds.index("transcript")
    assert kinds.count("transcript") == kinds.count("transcript-start") == kinds.count("transcript-stop") == 1
    assert TranscriptStop.is_type(kinds[-1])
    pieces = [TranscriptChunk.from_event(event).text for event in events if TranscriptChunk.is_type(event.type)]
    (transcript,) = [Transcript.from_event(event) for event in events if Transcript.is_type(event.type)]
    assert len(pieces) == 2
    assert "".join(pieces) == transcript.text == f"{words('korean')} {words('korean')}"
    assert transcript.language == "ko"


async def pinged(port: int, *texts: str | None) -> list[str | None]:
    found = []
    async with AsyncTcpClient(HOST, port, read_timeout=WAIT_S) as client:
        for text in texts:
            await client.write_event(Ping(text).event())
            event = await client.read_event()
            assert event is not None
            found.append(Pong.from_event(event).text)
    return found


def test_a_ping_gets_its_text_back(home: RunningServer) -> None:
    assert asyncio.run(pinged(home.wyoming_port, "거실", None)) == ["거실", None]


def test_half_a_surrogate_pair_comes_back_as_something_that_is_utf_8(home: RunningServer) -> None:
    ping = b'{"type": "ping", "data": {"text": "\\ud800"}}\n'
    assert answers(home.wyoming_port, ping, message("audio-stop"))[0] == ("pong", {"text": "?"})


def test_messages_of_unknown_types_are_passed_over(home: RunningServer) -> None:
    strange = [message("select-program", {"name": "other"}), message("played"), message("x", {"a": 1}, b"12345")]
    parts = [*strange, message("audio-start", FORM), *strange, *chunks(speech("korean")), message("audio-stop")]
    assert text_of(answers(home.wyoming_port, *parts)) == words("korean")


def test_a_client_that_closes_its_side_behind_the_stop_still_gets_its_transcript(home: RunningServer) -> None:
    assert text_of(answers(home.wyoming_port, turn(speech("korean")), half_close=True)) == words("korean")


def test_info_comes_within_a_second_while_the_model_is_not_there_and_all_places_are_taken() -> None:
    async def busy(port: int) -> str:
        _, held = await asyncio.open_connection(HOST, port)
        held.write(message("audio-start", FORM))
        await held.drain()
        await asyncio.sleep(0.3)
        for _ in range(3):
            await described(port)
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(turn(speech("korean")))
        found = await asyncio.wait_for(reader.read(-1), WAIT_S)
        writer.close()
        held.close()
        return text_of(read_all(found))

    with start_server("--max-streams", "1", *LOCAL, ready=False) as loading:
        port = loading.wyoming_port
        asyncio.run(described(port))
        assert not any(each["event"] == "ready" for each in loading.log)
        assert asyncio.run(home_assistant(port, "ko", speech("korean"))) == words("korean")
        loading.wait_for("ready")
        assert asyncio.run(busy(port)) == words("korean")
        assert loading.alive()


@pytest.mark.parametrize("language", ["ko", "auto", "", None, "Korean"])
def test_a_language_may_be_left_out_or_written_in_other_ways(home: RunningServer, language: str | None) -> None:
    assert text_of(answers(home.wyoming_port, turn(speech("korean"), {"language": language}))) == words("korean")
