"""The tokens of a segment are those of its text, from both families, in files and in streams."""

from __future__ import annotations

import pytest

from malsori.audio import decode
from malsori.engines.ctc.words import text_of
from malsori.engines.whisper.tokens import Tokens
from malsori.events import Final
from malsori.pipeline.clip import Clock
from malsori.types import SAMPLE_RATE, Segment, Span, Word
from tests.shipped import ROOT, model

WHISPER = Tokens.read(ROOT / "models" / "nano-whisper")
SAMPLES = ["korean", "numbers"]


def spelled(segment: Segment, name: str) -> str:
    """Return the text that a segment's tokens spell."""
    if name == "nano-whisper":
        assert all(token < WHISPER.eot for token in segment.tokens)
        return WHISPER.decode(segment.tokens).strip()
    engine = model(name).engine
    words, word = [], []
    for token in (*segment.tokens, *engine.vocabulary.delimiters):
        if token in engine.vocabulary.delimiters:
            words, word = [*words, text_of(word, engine.vocabulary)], []
        else:
            word.append(token)
    return " ".join(filter(None, words))


@pytest.mark.parametrize("name", ["nano-ctc-ko", "nano-whisper"])
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("options", [{}, {"word_timestamps": True}, {"beam_size": 4}])
def test_the_tokens_of_a_segment_spell_its_text(name: str, sample: str, options: dict[str, object]) -> None:
    found = model(name).transcribe(ROOT / "samples" / f"{sample}.wav", language="ko", **options)
    assert found.segments
    for segment in found.segments:
        assert spelled(segment, name) == segment.text.strip()
        assert segment.temperature == (0.0 if name == "nano-whisper" else None)
    assert "tokens" not in found.to_dict()["segments"][0]


def test_time_tokens_are_not_among_the_tokens() -> None:
    found = model("nano-whisper").transcribe(ROOT / "samples" / "korean.wav", language="ko", time_tokens=True)
    for segment in found.segments:
        assert spelled(segment, "nano-whisper") == segment.text.strip()


@pytest.mark.parametrize("context_s", [0.0, 15.0])
def test_the_tokens_of_a_final_spell_its_text_or_there_are_none(context_s: float) -> None:
    stream = model("nano-whisper").stream(language="ko", partials=False, context_s=context_s)
    sound = decode(ROOT / "samples" / "numbers.wav").samples
    finals = [event for event in stream.push(sound) + stream.flush() if isinstance(event, Final)]
    segments = [segment for final in finals for segment in final.segments]
    assert any(segment.tokens for segment in segments)
    for segment in segments:
        assert spelled(segment, "nano-whisper") in (segment.text.strip(), "")


def test_the_parts_of_a_segment_that_is_taken_apart_have_no_tokens() -> None:
    words = (Word("a", 0.0, 0.5, 1.0), Word("b", 1.5, 2.0, 1.0))
    clock = Clock((Span(0, SAMPLE_RATE), Span(9 * SAMPLE_RATE, 10 * SAMPLE_RATE)))
    parts = list(clock.placed([Segment("a b", 0.0, 2.0, 0.9, words, tokens=(1, 2), temperature=0.2)]))
    assert [(part.text, part.tokens, part.temperature) for part in parts] == [("a", (), 0.2), ("b", (), 0.2)]
    (whole,) = clock.placed([Segment("a b", 0.0, 2.0, 0.9, tokens=(1, 2))])
    assert whole.tokens == (1, 2)
