"""A transcript as the body of a reply, in the shapes of OpenAI's audio API. Cues are cut by `output/`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from ...engines.whisper.guards import compression_ratio
from ...formats import CUED
from ...languages import CODES, ENGLISH
from ...output import render
from ...types import Segment, Transcript, Word
from ..hosted_shapes import languages_heard, rounded_log, token_logprob, usage
from .audio_request import AudioRequest

NAMES = {code: name for name, code in reversed(CODES.items())} | ENGLISH
MEDIA = {"text": "text/plain", "srt": "text/plain", "vtt": "text/vtt"}
MOST_HEADER = 400  # letters of the header with warnings
WARNINGS = "x-malsori-warnings"


def reply(transcript: Transcript, request: AudioRequest) -> Response:
    """Return the response to a request."""
    warnings = (*request.warnings, *transcript.warnings)
    if request.format in MEDIA:
        return Response(_text(transcript, request), headers=_warned(warnings), media_type=MEDIA[request.format])
    body = json_body(transcript, request) if request.format == "json" else verbose_body(transcript, request)
    return JSONResponse(body, headers=_warned(warnings))


def json_body(transcript: Transcript, request: AudioRequest) -> dict[str, Any]:
    """Return the members of the format json; those of ours are `warnings`, where there are any."""
    body: dict[str, Any] = {
        "text": transcript.text,
        "usage": usage(transcript.duration),
        "languages": languages(transcript),
    }
    if request.logprobs:
        body["logprobs"] = logprobs(transcript.segments)
    return body | told(transcript, request)


def verbose_body(transcript: Transcript, request: AudioRequest) -> dict[str, Any]:
    """Return the members of the format verbose_json, with those lists alone that were asked for."""
    task = request.task
    body: dict[str, Any] = {
        "task": task,
        "language": "english" if task == "translate" else NAMES.get(transcript.language, "unknown"),
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "usage": usage(transcript.duration),
    }
    if request.segments:
        body["segments"] = list(_segments(transcript.segments))
    if request.words:
        body["words"] = [_word(word) for segment in transcript.segments for word in segment.words]
    return body | told(transcript, request)


def languages(transcript: Transcript) -> list[dict[str, str]]:
    """Return the languages that were heard; none where nothing was."""
    return languages_heard((transcript.language, *(segment.language for segment in transcript.segments)))


def told(transcript: Transcript, request: AudioRequest) -> dict[str, Any]:
    """Return the member `warnings`, if there are any: of the request's own and of the recording."""
    warnings = [*request.warnings, *transcript.warnings]
    return {"warnings": warnings} if warnings else {}


def logprobs(segments: Sequence[Segment], *, first: bool = True) -> list[dict[str, Any]]:
    """Return the words of segments with the logarithms of their probabilities; joined they are the segments' text.

    With `first` no space stands before the first of them.
    """
    words = [word for segment in segments for word in _spaced(segment)]
    texts = [" " * word.spaced + word.text for word in words]
    if texts and first:
        texts[0] = texts[0].removeprefix(" ")
    return [token_logprob(text, word.probability) for text, word in zip(texts, words, strict=True)]


def text_of(segments: Sequence[Segment], *, first: bool) -> str:
    """Return the text that segments add to a transcript: joined to the one before them by a space, unless `first`."""
    return "".join(_pieces(segments, first=first))


def _pieces(segments: Sequence[Segment], *, first: bool) -> Iterator[str]:
    """Yield the text of each segment with the space before it; joined they are the transcript's text."""
    for segment in segments:
        text = segment.text.strip()
        yield f" {text}" if text and not first else text
        first = first and not text


def _spaced(segment: Segment) -> list[Word]:
    words = list(segment.words)
    return [replace(words[0], spaced=True), *words[1:]] if words else []


def _segments(segments: Sequence[Segment]) -> Iterator[dict[str, Any]]:
    for number, (segment, text) in enumerate(zip(segments, _pieces(segments, first=True), strict=True)):
        ratio = segment.compression_ratio
        yield {
            "id": number,
            "seek": round(segment.start * 100),
            "start": round(segment.start, 3),
            "end": round(segment.end, 3),
            "text": text,
            "tokens": list(segment.tokens),
            "temperature": segment.temperature or 0.0,
            "avg_logprob": rounded_log(segment.confidence),
            "compression_ratio": round(compression_ratio(text) if ratio is None else ratio, 4),
            "no_speech_prob": round(segment.no_speech_prob or 0.0, 4),
        }


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "probability": round(word.probability, 4),
    }


def _text(transcript: Transcript, request: AudioRequest) -> str:
    return render(transcript, request.format, request.cues) if request.format in CUED else f"{transcript.text}\n"


def _warned(warnings: Sequence[str]) -> dict[str, str]:
    """Return the header with warnings, in ASCII: how many there are, and as much of them as has room."""
    if not warnings:
        return {}
    lines = " | ".join(warnings).encode("ascii", "replace").decode("ascii")
    printable = "".join(letter if letter.isprintable() else " " for letter in lines)
    return {WARNINGS: f"{len(warnings)}; {printable}"[:MOST_HEADER]}
