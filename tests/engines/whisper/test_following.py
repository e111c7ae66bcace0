"""A clip read behind what was said: what the decoder is given, what of its reading is the clip's own, and when."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import pytest

from malsori.engines.base import DecodeOptions, Said
from malsori.engines.whisper.decoding import BEAM
from malsori.engines.whisper.features import LogMel
from malsori.engines.whisper.following import EARLY, UNREAD, Following
from malsori.engines.whisper.network import Generated, Network
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.segments import PRECISION
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.window import Context
from malsori.types import SAMPLE_RATE, Segment
from tests.loudness import tone
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-whisper"
GIVEN = ((" turn", 0.5), (" on", 1.5))  # words with the second at which the decoder comes to them
OWN = ((" the", 3.2), (" light", 3.6), (".", 4.2), (" Now", 4.4), (".", 4.8))
BEGIN, END = 3.0, 5.0  # of the clip, behind what was said


@cache
def tokens() -> Tokens:
    return Tokens.read(BUNDLE)


@cache
def mel() -> LogMel:
    return LogMel(80)


class Scripted:
    """A network that reads the same words whatever it is given, up to second `end`; keeps what it was asked."""

    def __init__(self, *own: tuple[str, float], end: float = END) -> None:
        self.own = own
        self.end = end
        self.prompts: list[list[int]] = []
        self.beams: list[int] = []
        self.aligned: list[list[int]] = []

    def encode(self, features: Any) -> Any:
        window = SimpleNamespace()
        window.rows = lambda chosen: window
        return window

    def generate(
        self, encoded: Any, prompts: Sequence[list[int]], options: Any, *, beam_size: int, prefix: int, **asked: Any
    ) -> list[Generated]:
        self.prompts += prompts
        self.beams.append(beam_size)
        own = [token for text, _ in self.own for token in tokens().encode(text)]
        return [Generated((*prompts[0][len(prompts[0]) - prefix :], *own), -0.1, 0.0)]

    def align(self, encoded: Any, start: Any, texts: Sequence[list[int]], frames: Any) -> list[Any]:
        self.aligned += texts
        times = [at for text, at in (*GIVEN, *self.own) for _ in tokens().encode(text)]
        path = [(token, round(at / PRECISION)) for token, at in enumerate([*times, self.end])]
        return [SimpleNamespace(alignments=path, text_token_probs=[0.9] * len(times))]


def read(network: Scripted, *, beam: int | None = 1, **whisper: Any) -> tuple[Segment, ...]:
    options = DecodeOptions(language="en", beam_size=beam, whisper=WhisperOptions(**whisper))
    following = Following(cast("Network", network), tokens(), mel(), Context(10.0), options)
    before, clip = (tone(0.1, round(seconds * SAMPLE_RATE)) for seconds in (BEGIN, END - BEGIN))
    return following.read(clip, Said(before, "turn on", "en"))


@pytest.mark.parametrize("whisper", [{}, {"time_tokens": True}], ids=["by default", "with time tokens"])
def test_the_decoder_is_given_the_words_that_were_said_and_no_times(whisper: dict[str, Any]):
    network = Scripted(*OWN)
    read(network, **whisper)
    assert network.prompts == [[*tokens().start("en", "transcribe", timestamps=False), *tokens().encode(" turn on")]]


def test_a_reading_is_aligned_once_with_what_was_given():
    network = Scripted(*OWN)
    read(network)
    assert network.aligned == [tokens().encode(" turn on the light. Now.")]


def test_sentences_have_their_words_on_the_clock_of_the_clip():
    found = read(Scripted(*OWN))
    assert [(segment.text, [word.text for word in segment.words]) for segment in found] == [
        ("the light.", ["the", "light."]),
        ("Now.", ["Now."]),
    ]
    times = [(word.start, word.end) for segment in found for word in segment.words]
    assert times == [pytest.approx(each, abs=0.03) for each in ((0.2, 0.6), (0.6, 1.4), (1.4, 2.0))]
    assert [(segment.start, segment.end) for segment in found] == [
        (segment.words[0].start, segment.words[-1].end) for segment in found
    ]


def test_a_word_that_the_decoder_heard_before_the_clip_begins_with_it():
    (found,) = read(Scripted((" the", 2.7), (" light", 3.4)))
    assert (found.start, found.words[0].start) == (0.0, 0.0)
    assert found.words[0].end == pytest.approx(0.4, abs=0.03)


def test_a_token_that_ends_a_word_that_was_given_is_none_of_the_clip():
    (found,) = read(Scripted(("to", 2.9), (" the", 3.2), (" light", 3.6)))
    assert found.text == "the light"


def test_a_mark_that_ends_what_was_given_is_no_sentence():
    assert [segment.text for segment in read(Scripted((".", 2.9), (" Light", 3.2), (".", 4.0)))] == ["Light."]


@pytest.mark.parametrize(("late", "stands"), [(0.1, True), (-0.1, False)])
def test_a_reading_whose_first_word_ended_before_the_clip_does_not_stand(late: float, stands: bool):
    assert bool(read(Scripted((" the", 2.0), (" light", BEGIN - EARLY + late)))) is stands


@pytest.mark.parametrize(("late", "stands"), [(0.1, True), (-0.1, False)])
def test_a_reading_that_leaves_the_end_of_the_clip_unread_does_not_stand(late: float, stands: bool):
    assert bool(read(Scripted((" the", 3.0), (" light", 3.2), end=END - UNREAD + late))) is stands


@pytest.mark.parametrize("own", [(), (("to", 4.0),), ((".", 4.0),)], ids=["nothing", "an ending", "a mark"])
def test_a_reading_without_a_word_of_its_own_does_not_stand(own: tuple[tuple[str, float], ...]):
    assert read(Scripted(*own)) == ()


@pytest.mark.parametrize(("asked", "beam"), [(None, BEAM), (2, 2)])
def test_a_reading_has_a_beam_as_named_or_as_wide_as_usual(asked: int | None, beam: int):
    network = Scripted(*OWN)
    read(network, beam=asked)
    assert network.beams == [beam]


def test_a_reading_that_fails_is_not_aligned():
    network = Scripted((".", 4.0))
    assert read(network) == ()
    assert network.aligned == []
