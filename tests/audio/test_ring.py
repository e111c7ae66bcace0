"""The ring buffer: a sample keeps its number, is there or is said to be gone, in one thread and in several."""

from __future__ import annotations

import random
import time
from threading import Thread
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from malsori.audio import RingBuffer
from malsori.errors import AudioError, OptionError, SoundGone


def counting(start: int, stop: int) -> np.ndarray:
    """Return samples of which each is its own number."""
    return np.arange(start, stop, dtype=np.float32)


def test_what_was_written_is_read_by_its_number() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 5))
    assert (ring.start, ring.stop) == (0, 5)
    assert ring.read(1, 4).tolist() == [1, 2, 3]


def test_the_oldest_samples_make_room_for_new_ones() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 5))
    ring.write(counting(5, 11))
    assert (ring.start, ring.stop) == (3, 11)
    assert ring.read(3, 11).tolist() == list(range(3, 11))


def test_of_a_block_longer_than_the_ring_the_tail_stays() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 3))
    ring.write(counting(3, 1_003))
    assert ring.read(995, 1_003).tolist() == list(range(995, 1_003))


def test_silence_is_read_in_a_gap() -> None:
    ring = RingBuffer(8)
    ring.write(np.ones(5, np.float32))
    ring.advance(4)
    ring.write(np.ones(2, np.float32))
    assert ring.read(3, 11).tolist() == [1, 1, 0, 0, 0, 0, 1, 1]


def test_a_gap_of_years_leaves_silence_and_the_right_numbers() -> None:
    ring = RingBuffer(8)
    ring.write(np.ones(5, np.float32))
    ring.advance(10**13)
    assert (ring.start, ring.stop) == (10**13 - 3, 10**13 + 5)
    assert not ring.read(ring.start, ring.stop).any()
    ring.write(counting(0, 3))
    assert ring.read(10**13 + 4, 10**13 + 8).tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("asked", [(2, 5), (9, 12), (2, 12), (0, 0), (-1, 4), (6, 5), (3, 10**15)])
def test_what_is_gone_or_not_yet_there_is_an_error_that_names_the_samples(asked: tuple[int, int]) -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 11))
    for ask in (ring.read, ring.parts):
        with pytest.raises(SoundGone, match=f"samples {asked[0]} to {asked[1]}, found samples 3 to 11 held") as caught:
            ask(*asked)
        assert isinstance(caught.value, LookupError)
        assert isinstance(caught.value, AudioError)
    assert not ring.holds(*asked)


def test_an_empty_ring_says_that_it_holds_nothing() -> None:
    with pytest.raises(SoundGone, match="samples 0 to 1, found no samples held"):
        RingBuffer(8).read(0, 1)
    assert RingBuffer(8).read(0, 0).tolist() == []


def test_a_copy_stays_when_the_ring_goes_on() -> None:
    ring = RingBuffer(4)
    ring.write(counting(0, 4))
    copy = ring.read(0, 4)
    ring.write(counting(4, 8))
    assert copy.tolist() == [0, 1, 2, 3]


def test_parts_are_views_one_or_two_where_the_memory_wraps() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 11))
    parts = ring.parts(5, 10)
    assert [part.tolist() for part in parts] == [[5, 6, 7], [8, 9]]
    assert [part.tolist() for part in ring.parts(5, 8)] == [[5, 6, 7]]
    ring.write(counting(11, 14))
    assert parts[0].tolist() == [13, 6, 7]  # no copies: the writer has come round


def test_parts_tell_whether_they_were_overwritten() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 8))
    assert ring.holds(2, 6)
    ring.write(counting(8, 10))
    assert ring.holds(2, 6)
    ring.advance(1)
    assert not ring.holds(2, 6)


def test_nobody_can_write_through_a_part() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 4))
    with pytest.raises(ValueError, match="read-only"):
        ring.parts(0, 4)[0][0] = 1


def test_a_ring_needs_room_for_a_sample() -> None:
    with pytest.raises(OptionError, match="at least 1 sample, not 0"):
        RingBuffer(0)


def test_waiting_ends_with_the_sample_or_with_the_time() -> None:
    ring = RingBuffer(8)
    assert not ring.wait(3, timeout=0.001)
    waited: list[bool] = []
    reader = Thread(target=lambda: waited.append(ring.wait(6)), daemon=True)
    reader.start()
    ring.write(counting(0, 3))
    ring.advance(3)
    reader.join(10)
    assert waited == [True]


def test_closing_ends_all_waiting_and_leaves_what_is_held() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 3))
    waited: list[bool] = []
    readers = [Thread(target=lambda stop=stop: waited.append(ring.wait(stop)), daemon=True) for stop in (4, 5)]
    for reader in readers:
        reader.start()
    ring.close()
    for reader in readers:
        reader.join(10)
    assert waited == [False, False]
    assert ring.wait(3)
    assert ring.read(0, 3).tolist() == [0, 1, 2]


def test_a_closed_ring_takes_no_more_sound() -> None:
    ring = RingBuffer(8)
    ring.close()
    for more in (lambda: ring.write(counting(0, 1)), lambda: ring.advance(1)):
        with pytest.raises(AssertionError, match="closed"):
            more()


@pytest.mark.parametrize(("capacity", "longest"), [(64, 24), (7, 24), (1_000, 50), (1, 3)])
def test_a_million_random_operations_do_what_plain_history_does(capacity: int, longest: int) -> None:
    operations, draw = 250_000, random.Random(f"{capacity} {longest}")
    history = np.random.default_rng(capacity).random(operations * longest, np.float32)  # all that will be written
    ring, written, failed, checked = RingBuffer(capacity), 0, 0, 0
    for kind in draw.choices("wwwrrrrp_", k=operations):
        size = int(draw.random() * (longest + 1))
        if kind == "w":
            ring.write(history[written : written + size])
            written += size
        elif kind == "_":
            ring.advance(size)
            history[written : written + size] = 0
            written += size
        else:
            start = written - int(draw.random() * capacity * 1.1)
            stop = start + size
            held = max(0, written - capacity) <= start and stop <= written
            try:
                found = ring.read(start, stop).tobytes() if kind == "r" else _joined(ring, start, stop)
            except SoundGone:
                failed += 1
                assert not held, (start, stop, written)
            else:
                checked += 1
                assert held, (start, stop, written)
                assert found == history[start:stop].tobytes(), (start, stop, written)
    assert (ring.start, ring.stop) == (max(0, written - capacity), written)
    assert min(failed, checked) > operations // 200


def _joined(ring: RingBuffer, start: int, stop: int) -> bytes:
    parts = ring.parts(start, stop)
    assert len(parts) <= 2
    return b"".join(part.tobytes() for part in parts)


class RingMachine(RuleBasedStateMachine):
    """The ring against a list of all samples ever written; `compared` counts the reads of all runs."""

    compared: ClassVar = {"held": 0, "gone": 0}

    def __init__(self) -> None:
        super().__init__()
        self.ring, self.history = RingBuffer(13), []

    @rule(size=st.integers(0, 40))
    def write(self, size: int) -> None:
        block = counting(len(self.history) + 1, len(self.history) + 1 + size)
        self.ring.write(block)
        self.history += block.tolist()

    @rule(size=st.integers(0, 40))
    def advance(self, size: int) -> None:
        self.ring.advance(size)
        self.history += [0.0] * size

    @rule(back=st.integers(0, 30), size=st.integers(0, 15))
    def read(self, back: int, size: int) -> None:
        start = len(self.history) - back
        stop = start + size
        if max(0, len(self.history) - 13) <= start and stop <= len(self.history):
            assert self.ring.read(start, stop).tolist() == self.history[start:stop]
            assert np.concatenate(self.ring.parts(start, stop)).tolist() == self.history[start:stop]
            assert self.ring.holds(start, stop)
            self.compared["held"] += 1
        else:
            with pytest.raises(SoundGone):
                self.ring.read(start, stop)
            assert not self.ring.holds(start, stop)
            self.compared["gone"] += 1

    @invariant()
    def all_that_is_held_can_be_read(self) -> None:
        assert self.ring.stop == len(self.history)
        assert self.ring.read(self.ring.start, self.ring.stop).tolist() == self.history[-13:]


def test_any_sequence_of_operations_agrees_with_a_list() -> None:
    run_state_machine_as_test(RingMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
    assert min(RingMachine.compared.values()) > 0


def test_readers_in_other_threads_read_every_sample_as_its_own_number() -> None:
    total, ring, wrong = 2_000_000, RingBuffer(1_000), []  # below 2**24, so that float32 holds every number
    outcomes = {"copies": 0, "views": 0}

    def follow(seed: int) -> None:
        at, draw = 0, random.Random(seed)
        while at < total:
            stop, copied = min(total, at + draw.randint(1, 300)), draw.random() < 0.5
            ring.wait(stop)
            try:
                found = ring.read(at, stop) if copied else np.concatenate(ring.parts(at, stop))
            except SoundGone:
                at = max(at, ring.start)
                continue
            if copied or ring.holds(at, stop):  # views that were overwritten meanwhile do not count
                outcomes["copies" if copied else "views"] += 1
                if not np.array_equal(found, counting(at, stop)):
                    wrong.append((at, stop))
            at = stop

    readers = [Thread(target=follow, args=(seed,), daemon=True) for seed in range(3)]
    for reader in readers:
        reader.start()
    at, draw = 0, random.Random(7)
    while at < total:
        stop = min(total, at + draw.randint(1, 400))
        ring.write(counting(at, stop))
        at = stop
        if draw.random() < 0.2:
            time.sleep(1e-4)  # a writer that never rests outruns all readers, and nothing is read
    for reader in readers:
        reader.join(60)
    assert not any(reader.is_alive() for reader in readers)
    assert wrong == []
    assert min(outcomes.values()) > 100
