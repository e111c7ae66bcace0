"""The shapes of replies: OpenAI's members with numbers that are numbers, and warnings that are not lost."""

from __future__ import annotations

import json
from dataclasses import replace
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.bundles import find_bundle
from malsori.joining import joined
from malsori.languages import ENGLISH
from malsori.pipeline import TranscribeOptions
from malsori.service.rest.audio_request import AudioRequest
from malsori.service.rest.model_list import model_entry
from malsori.service.rest.replies import json_body, logprobs, reply, verbose_body
from malsori.types import Segment, Transcript, Word

WORDS = (Word("침실", 0.5, 0.9, 0.5), Word("온도를", 1.0, 1.4, 0.0))
SEGMENTS = (
    Segment("침실 온도를", 0.5, 1.4, 0.5, WORDS, no_speech_prob=0.25, compression_ratio=1.23456),
    Segment("OK.", 2.0, 2.5, 1.0, (Word("OK", 2.0, 2.4, 1.0), Word(".", 2.4, 2.5, 1.0, spaced=False))),
)
HEARD = Transcript("침실 온도를 OK.", "ko", 0.9, 3.0004, SEGMENTS, "nano")
ASKED = AudioRequest("nano", TranscribeOptions())


def test_json_has_the_text_the_seconds_and_the_language() -> None:
    assert json_body(HEARD, ASKED) == {
        "text": "침실 온도를 OK.",
        "usage": {"type": "duration", "seconds": 3.0},
        "languages": [{"code": "ko"}],
    }


def test_a_segment_has_all_members_that_clients_require() -> None:
    (first, second) = verbose_body(HEARD, ASKED)["segments"]
    assert first == {
        "id": 0,
        "seek": 50,
        "start": 0.5,
        "end": 1.4,
        "text": "침실 온도를",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(log(0.5), 4),
        "compression_ratio": 1.2346,
        "no_speech_prob": 0.25,
    }
    assert (second["text"], second["avg_logprob"], second["no_speech_prob"]) == (" OK.", 0.0, 0.0)
    assert second["compression_ratio"] > 0


@pytest.mark.parametrize(
    ("words", "segments", "lists"),
    [(False, True, {"segments"}), (True, False, {"words"}), (True, True, {"words", "segments"})],
)
def test_only_the_lists_that_were_asked_for_are_there(words: bool, segments: bool, lists: set[str]) -> None:
    body = verbose_body(HEARD, replace(ASKED, words=words, segments=segments))
    assert {*body} & {"words", "segments"} == lists
    assert {*body} - lists == {"task", "language", "duration", "text", "usage"}


def test_words_have_times_and_no_spaces() -> None:
    words = verbose_body(HEARD, replace(ASKED, words=True))["words"]
    assert words[0] == {"word": "침실", "start": 0.5, "end": 0.9, "probability": 0.5}
    assert [each["word"] for each in words] == ["침실", "온도를", "OK", "."]


@given(st.lists(st.text(max_size=6), max_size=6))
def test_the_texts_of_segments_joined_are_the_text(texts: list[str]) -> None:
    segments = tuple(Segment(text, 0.0, 1.0, 0.9) for text in texts)
    heard = replace(HEARD, text=joined(segments), segments=segments)
    assert "".join(each["text"] for each in verbose_body(heard, ASKED)["segments"]) == heard.text


def test_the_language_is_its_english_name() -> None:
    names = {code: verbose_body(replace(HEARD, language=code), ASKED)["language"] for code in ENGLISH}
    assert names == ENGLISH
    assert verbose_body(replace(HEARD, language="ga"), ASKED)["language"] == "irish"
    assert verbose_body(replace(HEARD, language="und"), ASKED)["language"] == "unknown"
    translation = AudioRequest("nano", TranscribeOptions(task="translate"))
    assert verbose_body(HEARD, translation)["language"] == "english"
    assert json_body(replace(HEARD, language="und"), ASKED)["languages"] == []


def test_probabilities_are_finite_logarithms_of_tokens_that_are_the_text() -> None:
    found = logprobs(SEGMENTS)
    assert "".join(each["token"] for each in found) == HEARD.text
    assert [each["logprob"] for each in found] == [-0.6931, -69.0776, 0.0, 0.0]
    assert bytes(found[1]["bytes"]).decode() == " 온도를"
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("format", "media", "body"),
    [
        ("text", "text/plain; charset=utf-8", "침실 온도를 OK.\n"),
        ("srt", "text/plain; charset=utf-8", "1\n00:00:00,500 -->"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00.500 -->"),
    ],
)
def test_texts_and_subtitles_are_utf_8(format: str, media: str, body: str) -> None:
    response = reply(HEARD, replace(ASKED, format=format))
    assert response.headers["content-type"] == media
    assert bytes(response.body).decode().startswith(body)
    assert "x-malsori-warnings" not in response.headers


def test_warnings_are_a_member_and_a_header_in_ascii() -> None:
    heard = replace(HEARD, warnings=("침실\nleft out", "x" * 1000))
    response = reply(heard, replace(ASKED, warnings=("of the request",)))
    body: Any = json.loads(bytes(response.body))
    assert body["warnings"] == ["of the request", "침실\nleft out", "x" * 1000]
    header = response.headers["x-malsori-warnings"]
    assert header.startswith("3; of the request | ?? left out | xxx")
    assert len(header) == 400
    assert header.isprintable()
    assert header.isascii()


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        ("openai/whisper-base", "openai"),
        ("https://huggingface.co/Systran/faster-whisper-base", "Systran"),
        ("/home/somebody/models/own", "malsori"),
        ("", "malsori"),
    ],
)
def test_a_models_owner_is_who_published_it_and_never_a_path(source: str, owner: str) -> None:
    entry = model_entry(replace(find_bundle("nano-ctc-ko").manifest(), source=source), 7)
    assert (entry["id"], entry["object"], entry["created"], entry["owned_by"]) == ("nano-ctc-ko", "model", 7, owner)
    assert (entry["tasks"], entry["languages"]) == (["transcribe"], ["ko"])
