"""How many streams an engine bears: the simulation by its extremes and directions, measuring by a clock of its own."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.engines.base import DecodeOptions
from malsori.engines.session import SessionOptions, TextSoFar
from malsori.errors import EmptyAudio, OptionError
from malsori.pipeline import Transcriber
from malsori.pipeline.capacity.admission import admission
from malsori.pipeline.capacity.costs import LENGTHS, Costs, costs_of, on_line
from malsori.pipeline.capacity.simulation import TALK, Talk, simulated
from malsori.types import SAMPLE_RATE, Audio, Hypothesis
from tests.loudness import LoudnessDetector, LoudnessEngine, recording

FREE = Costs(((1.0, 0.0),), ((1.0, 0.0),))
SPEECH = np.ones(SAMPLE_RATE, np.float32)
REGULAR = Talk(speech_s=2.0, spread=0.0, shortest_pause_s=2.0, pause_s=1e-6)


def even(speed: float, sharing: float = 1.0, partial: float | None = None) -> Costs:
    """Costs of `speed` seconds for a second of sound; four finals cost `4 * sharing` times one."""
    partials = () if partial is None else ((1.0, partial), (8.0, partial))
    return Costs(((1.0, speed),), ((1.0, 4 * sharing * speed),), partials, step_s=0.5)


def test_an_engine_that_costs_nothing_bears_as_many_as_are_looked_for() -> None:
    assert admission(FREE, bound=37).streams == 37
    assert admission(replace(FREE, partials=((1.0, 0.0), (2.0, 0.0))), bound=37).streams == 37


def test_an_engine_that_is_too_slow_for_one_bears_none_and_its_figures_say_why() -> None:
    found = admission(even(2.0))
    assert found.streams == 0
    assert found.p95_s > found.limit_s == 1.0


def test_a_slower_machine_bears_no_more_streams_and_a_much_slower_one_fewer() -> None:
    counts = [admission(even(0.05, 0.8, 0.01).scaled(factor)).streams for factor in (0.5, 1, 1.5, 2, 2.5)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2] > counts[4] > 0


def test_the_number_is_the_largest_that_keeps_the_limit() -> None:
    costs = even(0.05, 1.0, 0.01)
    found = admission(costs, most_stale=1.0)
    assert 1 < found.streams < 256
    assert simulated(costs, found.streams).p95_s == found.p95_s < 1.0
    assert simulated(costs, found.streams + 1).p95_s >= 1.0


def test_the_same_costs_give_the_same_number_and_more_patience_more_streams() -> None:
    costs = even(0.05)
    assert admission(costs) == admission(costs)
    assert admission(costs, 0.5).streams < admission(costs, 1.0).streams < admission(costs, 4.0).streams


def test_finals_that_share_their_cost_let_more_streams_in_where_the_engine_lets_them_share() -> None:
    shared = even(0.1, sharing=0.3)
    alone = admission(shared, batches=lambda lengths, options: [[index] for index in range(len(lengths))])
    assert alone.streams < admission(shared).streams


def test_an_engine_is_asked_which_finals_share_a_call_where_somebody_waits() -> None:
    asked: list[bool] = []

    def batches(lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        asked.append(options.live)
        return [[*range(len(lengths))]]

    simulated(even(0.3), 8, batches=batches)
    assert asked
    assert all(asked)


def test_partials_give_way_to_finals_and_are_counted_as_dropped() -> None:
    quiet, busy = simulated(even(0.02), 20), simulated(even(0.02, partial=0.05), 20)
    assert quiet.stale == 0
    assert busy.stale > 0.1
    assert busy.busy > quiet.busy
    assert quiet.p95_s < busy.p95_s <= quiet.p95_s + 0.05 + 0.15  # one step that had begun, its catching up, the queue


def test_fewer_streams_are_let_in_where_their_partials_are_to_come_too() -> None:
    costs = even(0.02, partial=0.02)
    finals, words = admission(costs, bound=64, most_stale=1.0), admission(costs, bound=64)
    assert 0 < words.streams < finals.streams
    assert words.stale <= 0.1 < finals.stale


def test_what_listening_takes_of_the_machine_is_missing_to_the_engine() -> None:
    costs = even(0.02)
    assert simulated(replace(costs, listening=0.05), 10) == simulated(costs.scaled(2.0), 10)
    assert admission(replace(FREE, listening=1.0), bound=3).streams == 3  # an engine that costs nothing needs nothing
    assert admission(replace(costs, listening=1 / 20), bound=64).streams < 20


def test_a_single_stream_waits_for_its_own_final_only() -> None:
    found = simulated(even(0.1), 1, talk=replace(TALK, spread=0.0))
    assert found.p50_s == found.p95_s == pytest.approx(0.25)
    assert found.finals > 300


def test_an_utterance_of_minutes_costs_all_of_its_minutes() -> None:
    talk = Talk(speech_s=90.0, spread=0.0, longest_s=120.0)
    assert simulated(even(0.1), 1, talk=talk).p95_s == pytest.approx(9.0)


def test_the_engine_works_for_as_long_as_its_jobs_take() -> None:
    found = simulated(even(0.1, partial=0.1), 1, talk=REGULAR, seconds=400.0)
    assert found.busy == pytest.approx((0.2 + 3 * 0.1) / 4, rel=0.02)  # a final, and partials at 0.5, 1 and 1.5 s


def test_a_partial_that_waits_as_its_utterance_ends_is_dropped() -> None:
    found = simulated(even(0.005, partial=3.4), 1, talk=REGULAR, seconds=400.0)
    assert found.stale == pytest.approx(2 / 3)  # of 0.5, 1 and 1.5 s: the first is being done until 3.9 s


def test_a_partial_that_is_late_has_more_to_catch_up_with_in_its_own_utterance() -> None:
    costs = replace(even(1.6, partial=0.1), catch_up=1.0)
    found = simulated(costs, 1, talk=REGULAR, seconds=2000.0)
    # The final before is done until 1.2 s, 2.4 steps, have been said; a step and the final follow.
    assert found.busy == pytest.approx((0.24 + 0.1 + 3.2) / 4, abs=0.01)


def test_more_than_can_be_done_is_seen_and_given_up() -> None:
    found = simulated(even(0.2), 50, limit_s=1.0)
    assert math.isinf(found.p95_s)
    assert simulated(even(0.2), 50).p95_s > 5.0


def test_utterances_of_a_speaker_follow_each_other_with_a_pause() -> None:
    spoken = TALK.utterances(random.Random(1))
    drawn = [next(spoken) for _ in range(500)]
    for (start, length), (following, _) in pairwise(drawn):
        assert TALK.shortest_s <= length <= TALK.longest_s
        assert following >= start + length + TALK.shortest_pause_s
    assert drawn[-1][0] / 500 == pytest.approx(TALK.period_s, rel=0.1)


@settings(max_examples=25, deadline=None)
@given(
    speed=st.floats(0.001, 0.5),
    partial=st.one_of(st.none(), st.floats(0.0, 0.3)),
    streams=st.integers(1, 12),
    seed=st.integers(0, 5),
)
def test_every_final_comes_out_and_none_sooner_than_the_engine_can(
    speed: float, partial: float | None, streams: int, seed: int
) -> None:
    found = simulated(even(speed, 1.0, partial), streams, seconds=60.0, seed=seed)
    expected = simulated(FREE, streams, seconds=60.0, seed=seed).finals
    assert found.finals == expected
    assert expected == 0 or found.p95_s >= found.p50_s >= 0.5 * speed
    assert 0 <= found.busy <= 1 + 1e-9


def test_costs_lie_on_lines_between_the_points_and_beyond() -> None:
    points = ((1.0, 0.3), (2.0, 0.5), (4.0, 1.5))
    assert [on_line(points, at) for at in (1.0, 1.5, 3.0, 6.0, 0.5)] == pytest.approx([0.3, 0.4, 1.0, 2.5, 0.2])
    assert on_line(((2.0, 0.5),), 4.0) == 1.0
    assert on_line(((1.0, 0.1), (2.0, 1.1)), 0.5) == 0.0  # never less than nothing


def test_a_call_of_several_costs_between_one_and_four_of_the_longest() -> None:
    costs = Costs(((1.0, 0.1),), ((1.0, 0.25),), ((1.0, 0.02), (2.0, 0.04)), step_s=0.5, catch_up=0.5)
    assert [costs.call([2.0] * count) for count in (1, 2, 4)] == pytest.approx([0.2, 0.3, 0.5])
    assert costs.call([0.1, 2.0]) == costs.call([2.0, 2.0])
    assert costs.partial(2.0, 0.5) == pytest.approx(0.04)
    assert costs.partial(2.0, 1.5) == pytest.approx(0.08)
    assert costs.scaled(3.0).call([2.0]) == pytest.approx(0.6)


class TimedEngine:
    """Moves a clock of its own instead of working."""

    longest_clip = 30.0
    long_form = False
    fills_windows = False
    manifest: Any = None

    def __init__(self, speed: float) -> None:
        self.now = 0.0
        self.speed = speed
        self.calls: list[tuple[int, float]] = []

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        assert options.live
        self.calls.append((len(clips), len(clips[0]) / SAMPLE_RATE))
        self.now += self.speed * (0.5 + 0.5 * len(clips)) * len(clips[0]) / SAMPLE_RATE
        return [Hypothesis((), "ko", 1.0) for _ in clips]

    def open(self, options: DecodeOptions, session: SessionOptions) -> TimedSession:
        assert options.live
        return TimedSession(self, round((session.step_s or 1.0) * SAMPLE_RATE))

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        return ()

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        return [[index] for index in range(len(lengths))]

    def detect_language(self, clip: Audio, options: DecodeOptions | None = None) -> dict[str, float]:
        return {}

    def embed(self, clip: Audio, layer: Any = -1) -> Any:
        return clip


class TimedSession:
    """Takes longer the more was said, and half as much again for each further step."""

    def __init__(self, engine: TimedEngine, step: int) -> None:
        self.engine, self.step, self.said = engine, step, 0.0

    def push(self, sound: Audio) -> TextSoFar:
        self.said += len(sound) / SAMPLE_RATE
        self.engine.now += self.engine.speed * self.said / 10 * (0.5 + 0.5 * len(sound) / self.step)
        return TextSoFar("", "")


def measured(speed: float, session: SessionOptions | None, budget_s: float = 6.0) -> tuple[Costs, TimedEngine]:
    engine = TimedEngine(speed)
    return costs_of(engine, SPEECH, session=session, budget_s=budget_s, clock=lambda: engine.now), engine


def test_what_is_measured_is_what_the_engine_takes() -> None:
    costs, _ = measured(0.01, SessionOptions(step_s=0.5))
    for length in (*LENGTHS, 16.0):
        assert costs.call([length]) == pytest.approx(0.01 * length)
        assert costs.call([length] * 4) == pytest.approx(0.025 * length)
    assert costs.step_s == 0.5
    for said in (2.0, 7.0):
        assert costs.partial(said, 0.5) == pytest.approx(0.001 * said, rel=0.05)
    assert costs.catch_up == pytest.approx(0.5, abs=0.15)


def test_listening_is_measured_as_a_share_of_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malsori.pipeline.capacity.costs.cpu_threads", lambda: 4)
    engine = TimedEngine(0.01)

    def listen(block: Audio) -> None:
        engine.now += 0.2 * len(block) / SAMPLE_RATE

    assert costs_of(engine, SPEECH, listen=listen, clock=lambda: engine.now).listening == pytest.approx(0.05)


def test_without_a_session_there_are_no_partials() -> None:
    costs, _ = measured(0.01, None)
    assert costs.partials == ()


def test_of_a_slow_engine_less_is_measured_and_the_rest_is_in_proportion() -> None:
    costs, engine = measured(2.0, SessionOptions(), budget_s=1.0)
    assert engine.calls == [(1, 1.0), (1, 1.0), (1, 4.0), (4, 2.0)]
    assert costs.call([8.0]) == pytest.approx(16.0)
    assert costs.call([8.0] * 4) == pytest.approx(2.5 * 16.0)
    assert len(costs.partials) >= 2


@pytest.mark.parametrize("partials", [True, False])
def test_a_transcriber_measures_itself_and_says_how_many_streams_it_bears(partials: bool) -> None:
    engine = LoudnessEngine("ko")
    found = Transcriber(engine, detector=LoudnessDetector).admission(recording((10, 2.0)), partials=partials)
    assert found.streams > 1
    assert found.p95_s < found.limit_s == 1.0
    assert all(options.live for options in engine.options)
    assert bool(engine.sessions) == partials


def test_a_transcriber_bears_as_many_streams_as_its_costs_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = even(0.05, 0.8, 0.02)
    monkeypatch.setattr("malsori.pipeline.capacity.admission.costs_of", lambda *_: costs)
    used = Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector)
    expected = admission(costs, 0.5, most_stale=0.1, batches=used.engine.batches)
    assert used.admission(SPEECH, limit_s=0.5, most_stale=0.1) == expected
    assert expected.streams < used.admission(SPEECH).streams


def test_a_transcriber_drops_no_more_partials_than_the_simulation_does(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = even(0.05, 0.8, 0.05)  # partials are dropped before finals come late
    monkeypatch.setattr("malsori.pipeline.capacity.admission.costs_of", lambda *_: costs)
    used = Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector)
    assert used.admission(SPEECH) == admission(costs, batches=used.engine.batches)


def test_an_option_that_no_stream_has_is_refused_before_anything_is_measured() -> None:
    engine = LoudnessEngine("ko")
    with pytest.raises(OptionError, match="a stream has one track"):
        Transcriber(engine, detector=LoudnessDetector).admission(SPEECH, track=2)
    assert not engine.calls


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limit_s": 0}, "limit_s: expected a number above 0, found 0"),
        ({"most_stale": 2}, "most_stale: expected a number from 0 to 1, found 2"),
    ],
)
def test_what_no_machine_can_be_asked_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector).admission(SPEECH, **wrong)


def test_a_recording_without_sound_measures_nothing() -> None:
    with pytest.raises(EmptyAudio):
        Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector).admission([])


@pytest.mark.parametrize("speed", [0.1, 0.2, 0.35, 0.5])
def test_a_limit_may_be_relative_so_that_a_slower_machine_never_admits_more(speed: float) -> None:
    alone = admission(even(speed), bound=1)
    found = admission(even(speed), relative=4.0)
    assert found.limit_s == pytest.approx(max(1.0, 4.0 * alone.p95_s))
    assert found.streams >= 1
    assert found.p95_s < found.limit_s
    assert found.streams <= admission(even(0.8 * speed), relative=4.0).streams
