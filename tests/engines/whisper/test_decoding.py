"""Which way a window is read: greedily first, with a beam where that is unsure, no further than a loop goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from malsori.engines.base import DecodeOptions
from malsori.engines.whisper.decoding import BEAM, BEAM_FRAMES, SURE, Row, WindowDecoder
from malsori.engines.whisper.network import Generated
from malsori.engines.whisper.tokens import Tokens
from tests.shipped import ROOT

LOOP = (1000, 1001, 1002, 1003) * 60
SPEECH = tuple(range(1000, 1200))


class Windows:
    """Encoded windows that are their numbers."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = list(numbers)

    def rows(self, chosen: Sequence[int]) -> Windows:
        return Windows([self.numbers[index] for index in chosen])


class Network:
    """Reads window N as `says[N]` with a likelihood for each width of beam; notes what it is asked."""

    def __init__(self, *says: tuple[Sequence[int], dict[int, float]], silent: float = 0.0) -> None:
        self.says = says
        self.silent = silent
        self.asked: list[tuple[list[int], int, int, float]] = []

    def generate(self, encoded: Any, prompts: Any, options: Any, **how: Any) -> list[Generated]:
        self.asked.append((encoded.numbers, how["beam_size"], how["budget"], how["temperature"]))
        found = [self.says[number] for number in encoded.numbers]
        return [
            Generated(tuple(said[: how["budget"]]), likely[how["beam_size"]], self.silent) for said, likely in found
        ]


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.read(ROOT / "models" / "nano-whisper")


def decoder(network: Network, tokens: Tokens, **options: Any) -> WindowDecoder:
    used: Any = network
    return WindowDecoder(used, tokens, DecodeOptions(**options))


def first(
    network: Network, tokens: Tokens, *, limit: int = 180, full: bool = False, frames: int = 800, **options: Any
) -> list[Any]:
    encoded: Any = Windows(range(len(network.says)))
    rows = [Row((1,), 0, frames, limit, limit, full)] * len(network.says)
    return decoder(network, tokens, **options).first(encoded, rows)


SURELY, HARDLY = {1: SURE + 0.1, BEAM: -0.1}, {1: SURE - 0.1, BEAM: -0.2}


def test_only_what_is_unsure_is_read_with_a_beam(tokens: Tokens):
    network = Network((SPEECH[:5], SURELY), (SPEECH[5:9], HARDLY), (SPEECH[9:12], SURELY))
    readings = first(network, tokens)
    assert [(asked[0], asked[1]) for asked in network.asked] == [([0, 1, 2], 1), ([1], BEAM)]
    assert [reading.log_probability for reading in readings] == [SURELY[1], HARDLY[BEAM], SURELY[1]]


def test_a_long_clip_is_read_with_a_beam_at_once(tokens: Tokens):
    network = Network((SPEECH[:5], SURELY), (SPEECH[5:9], HARDLY))
    first(network, tokens, frames=BEAM_FRAMES)
    assert [(asked[0], asked[1]) for asked in network.asked] == [([0, 1], BEAM)]


def test_a_beam_that_is_asked_for_is_every_windows(tokens: Tokens):
    network = Network((SPEECH[:5], {3: -0.1}), (SPEECH[:5], {3: -0.9}))
    first(network, tokens, beam_size=3)
    assert [(asked[0], asked[1]) for asked in network.asked] == [([0, 1], 3)]


def test_a_loop_is_cut_off_early(tokens: Tokens):
    network = Network((LOOP, SURELY))
    (reading,) = first(network, tokens)
    assert [asked[2] for asked in network.asked] == [92]  # 20, and 9 a second instead of 20
    assert not reading.ended


def test_speech_that_goes_on_has_all_the_tokens_that_it_may_have(tokens: Tokens):
    network = Network((SPEECH[:100], SURELY), (SPEECH[:10], SURELY))
    long, short = first(network, tokens)
    assert [(asked[0], asked[2]) for asked in network.asked] == [([0, 1], 92), ([0], 180)]
    assert (len(long.tokens), long.ended, len(short.tokens)) == (100, True, 10)


def test_a_full_window_and_a_callers_limit_are_not_looked_at_early(tokens: Tokens):
    for limit, full in ((224, True), (9, False)):
        network = Network((SPEECH, SURELY))
        first(network, tokens, limit=limit, full=full)
        assert [asked[2] for asked in network.asked] == [limit]


@pytest.mark.parametrize(("silent", "temperatures"), [(0.3, [0.0, 0.2]), (0.45, [0.0])])
def test_what_nobody_said_is_not_tried_at_another_temperature(tokens: Tokens, silent: float, temperatures: list[float]):
    network = Network((SPEECH[:5], {BEAM: -1.1}), silent=silent)
    encoded: Any = Windows([0])
    made = decoder(network, tokens, beam_size=BEAM, temperature=(0.0, 0.2))
    made.read(encoded, [Row((1,), 0, 800, 180, 180, True)])
    assert [asked[3] for asked in network.asked] == temperatures
