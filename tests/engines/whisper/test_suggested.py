"""Hot words and prompts that are heard in noise: what is read with them counts where without them somebody is heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from malsori.engines.base import DecodeOptions, HotWord
from malsori.engines.whisper.features import LogMel
from malsori.engines.whisper.network import Generated
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.reader import WindowReader
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.track import Track
from malsori.engines.whisper.window import Context
from tests.shipped import ROOT

HOT = (HotWord("kitchen", 8.0), HotWord("bedroom", 8.0))
CLIP = np.random.default_rng(0).normal(0, 0.1, 2 * 16_000).astype(np.float32)  # so short that the decoder writes times
ECHO = ("kitchen, bedroom", -0.4, 0.1)  # a text, its mean log-probability, the no-speech probability before it
NOISE, SPEECH = ("Thank you.", -0.9, 0.8), ("kit chin", -0.9, 0.2)


class Windows:
    """Encoded windows, of which only the number matters."""

    def __init__(self, count: int) -> None:
        self.count = count

    def rows(self, chosen: Sequence[int]) -> Windows:
        return Windows(len(chosen))


class Network:
    """Reads one thing behind words that were said before, and another without; notes whether there were any."""

    def __init__(self, tokens: Tokens, led: tuple[str, float, float], plain: tuple[str, float, float]) -> None:
        self.tokens, self.led, self.plain = tokens, led, plain
        self.asked: list[str] = []

    def lanes(self, windows: int, *, live: bool) -> int:
        return 1

    def encode(self, features: Any, *, retry: bool = False) -> Windows:
        return Windows(len(features))

    def generate(self, encoded: Windows, prompts: Sequence[Sequence[int]], options: Any, **how: Any) -> list[Generated]:
        assert encoded.count == len(prompts)
        return [self._read(self.tokens.sot_prev in prompt) for prompt in prompts]

    def _read(self, led: bool) -> Generated:
        self.asked.append("led" if led else "plain")
        text, likely, silent = self.led if led else self.plain
        begin = self.tokens.timestamp_begin
        return Generated((begin, *self.tokens.encode(f" {text}"), begin + 50), likely, silent)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.read(ROOT / "models" / "nano-whisper")


def heard(network: Network, floor: float = 5.0, **fields: Any) -> str:
    used: Any = network
    options = DecodeOptions(language="en", temperature=(0.0,), beam_size=1, **fields)
    reader = WindowReader(used, network.tokens, ("en",), options)
    track = Track(CLIP, LogMel(80), Context(floor), "en", [*reader.prompts.first], timed=True)
    reader.read([track])
    return " ".join(segment.text for segment in track.heard())


@pytest.mark.parametrize("floor", [5.0, 30.0])
@pytest.mark.parametrize("fields", [{"hotwords": HOT}, {"initial_prompt": "The bedroom and the kitchen."}])
def test_an_echo_in_noise_is_not_kept(tokens: Tokens, floor: float, fields: dict[str, Any]):
    network = Network(tokens, ECHO, NOISE)
    assert heard(network, floor, **fields) == ""
    assert set(network.asked) == {"led", "plain"}


def test_a_hot_word_that_somebody_says_is_kept_though_without_it_another_is_heard(tokens: Tokens):
    assert heard(Network(tokens, ECHO, SPEECH), hotwords=HOT) == "kitchen, bedroom"


def test_what_is_heard_without_the_hot_words_takes_the_place_of_their_echo(tokens: Tokens):
    assert heard(Network(tokens, ECHO, ("open the door", -0.3, 0.5)), hotwords=HOT) == "open the door"


def test_other_words_that_are_likely_are_not_asked_for_again(tokens: Tokens):
    network = Network(tokens, ("open the bedroom door", -0.4, 0.1), NOISE)
    assert heard(network, hotwords=HOT) == "open the bedroom door"
    assert network.asked == ["led"]


def test_other_words_that_are_unlikely_are_doubted_too(tokens: Tokens):
    assert heard(Network(tokens, ("Thanks for watching.", -0.95, 0.3), NOISE), hotwords=HOT) == ""


def test_without_hot_words_nothing_is_read_twice(tokens: Tokens):
    network = Network(tokens, ECHO, ECHO)
    assert heard(network) == "kitchen, bedroom"
    assert network.asked == ["plain"]


def test_without_a_threshold_of_silence_an_echo_stands(tokens: Tokens):
    whisper = WhisperOptions(no_speech_threshold=None)
    assert heard(Network(tokens, ECHO, NOISE), hotwords=HOT, whisper=whisper) == "kitchen, bedroom"
