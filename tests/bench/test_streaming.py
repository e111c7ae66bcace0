"""The parts of the streaming benches that need no model: what is told of partial texts, and the peer's loop."""

import numpy as np
import pytest

from bench.streaming.peer import Loop, Read, Timed, agreed
from bench.streaming.utterances import Partial, Spoken, Story
from bench.whisper.clips import RATE

SPOKEN = Spoken(np.zeros(4 * RATE, np.float32), ("it", "will", "rain"), (1.0, 2.0, 3.0))
TOLD = [
    Partial(1.0, "it", ""),
    Partial(2.0, "it was", "it"),
    Partial(3.0, "it will rain", "it"),
    Partial(4.0, "it will rain", "it will rain"),
]


def story(partials):
    told = Story()
    told.add(SPOKEN, partials)
    return told


def test_words_that_were_shown_and_changed_are_counted_per_minute():
    assert story(TOLD).flicker == 60 * 1 / 4


def test_a_word_counts_as_shown_from_when_it_stood_for_good():
    assert story(TOLD).shown_after == [0.0, 1.0, 0.0]


def test_a_word_counts_as_stable_from_when_it_was_called_so():
    assert story(TOLD).stable_after == [1.0, 2.0, 1.0]


def test_stable_words_that_were_not_said_are_counted():
    told = story([Partial(1.0, "it was rain", "it was")])
    assert told.contradicted == 50
    assert told.error_rate == pytest.approx(100 / 3)


def said(*texts):
    return tuple(Timed(index, index + 1.0, text) for index, text in enumerate(texts))


def test_the_peer_commits_what_two_readings_agree_on():
    readings = iter([Read(said("it", "will"), (2.0,)), Read(said("it", "will", "rain"), (3.0,))])
    loop = Loop(lambda buffer: next(readings))
    assert loop.push(np.zeros(RATE, np.float32)) == ("it will", "")
    assert loop.push(np.zeros(RATE, np.float32)) == ("it will rain", "it will")


def test_the_peer_passes_over_what_it_has_committed():
    readings = iter([Read(said("it", "will"), (2.0,))] * 2 + [Read(said("it", "will", "rain"), (3.0,))])
    loop = Loop(lambda buffer: next(readings))
    told = [loop.push(np.zeros(RATE, np.float32)) for _ in range(3)]
    assert told[-1] == ("it will rain", "it will")


def test_the_peer_cuts_its_buffer_behind_the_last_segment_but_one():
    lengths = []

    def read(buffer):
        lengths.append(len(buffer) / RATE)
        return Read(said("it", "will", "rain"), (2.0, 3.0))

    loop = Loop(read)
    for _ in range(3):
        loop.push(np.zeros(8 * RATE, np.float32))
    assert lengths == [8.0, 16.0, 22.0]


def test_agreement_ends_at_the_first_difference():
    assert agreed(said("a", "b", "c"), said("a", "x", "c")) == 1
