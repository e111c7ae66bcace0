"""How the bench of streams looks for the most that keep the limit, without a model."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from bench.streaming import streams_runs
from bench.streaming.streams import rows
from bench.streaming.streams_runs import Case, Run, fed, measured, percentile, streamed
from malsori import TranscribeOptions, Transcriber
from malsori.engines.base import DecodeOptions
from malsori.errors import EngineError
from malsori.events import Event, StreamWarning
from malsori.pipeline.capacity.admission import Admission
from malsori.types import Audio, Hypothesis
from tests.loudness import LoudnessDetector, LoudnessEngine, recording

CASE = Case("a model", LoudnessEngine(), True)  # type: ignore[arg-type]


def run(count: int, most: int) -> Run:
    """So many streams of which `most` keep the limit."""
    return Run(count, (0.5 if count <= most else 1.5,), 90, 10, 0.0)


@pytest.mark.parametrize(("first", "most"), [(1, 0), (1, 1), (2, 1), (10, 14), (20, 3), (13, 1)])
def test_the_search_ends_between_one_that_keeps_the_limit_and_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch, first: int, most: int
) -> None:
    monkeypatch.setattr(streams_runs, "streamed", lambda _case, _options, _tracks, count: run(count, most))
    runs = measured(CASE, TranscribeOptions(), [], first, 1.3)
    kept = max((each.streams for each in runs if each.kept), default=0)
    assert kept <= most < min(each.streams for each in runs if not each.kept)
    assert most - kept <= 0.3 * most


def test_a_search_for_what_an_engine_bears_without_end_ends() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams_runs, "streamed", lambda _case, _options, _tracks, count: run(count, 10**9))
        assert len(measured(CASE, TranscribeOptions(), [], 1, 1.3)) == streams_runs.RUNS


def test_the_number_stands_beside_the_foretold_one_and_beside_it_that_with_partials() -> None:
    foretold = [Admission(7, 0.9, 1.0, 0.0, 1.0), Admission(3, 0.9, 1.0, 0.0, 1.0)]
    made = list(rows(CASE, foretold, [run(4, 6), run(6, 6), run(8, 6)]))
    assert [(row.ours, row.peers) for row in made[:2]] == [(6, {"foretold": 7}), (6, {"foretold": 3})]
    assert [row.ours for row in made[2:]] == [0.5, 10.0, 0.5, 10.0, 1.5, 10.0]


def test_what_95_percent_are_at_most() -> None:
    assert percentile([float(number) for number in range(100, 0, -1)]) == 95.0
    assert percentile([]) == 0.0


class Fed:
    """A stream that keeps its blocks."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def push(self, block: np.ndarray) -> list[Event]:
        self.blocks.append(block)
        return []


def test_every_stream_gets_the_recording_without_a_gap_round_and_round() -> None:
    track = np.arange(5_000, dtype=np.float32)
    opened = [Fed(), Fed()]
    fed(opened, [track], 0.5)  # type: ignore[arg-type]
    for stream in opened:
        heard = np.concatenate(stream.blocks)
        assert len(heard) == 8_000
        assert set(np.diff(heard)) == {1.0, -4_999.0}


def test_without_finals_the_limit_was_not_kept() -> None:
    assert Run(1, (0.5,), 0, 0, 0.0).kept
    assert not Run(1, (), 0, 0, 0.0).kept


def run_of(engine: LoudnessEngine, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A short run of one stream with one utterance."""
    monkeypatch.setattr(streams_runs, "LONGEST_S", 2.3)
    case = Case("a model", Transcriber(engine, detector=LoudnessDetector), False)
    return streamed(case, TranscribeOptions(), [recording((20, 0.6), pause=0.9)], 1)


def test_a_run_of_an_engine_that_works_has_the_time_of_its_final(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(run_of(LoudnessEngine(), monkeypatch).waits) == 1


def test_a_final_that_fails_is_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="the engine choked"):
        run_of(LoudnessEngine(poison=20), monkeypatch)


def test_a_stream_that_warns_of_an_engine_error_ends_the_run() -> None:
    class Broken(Fed):
        def push(self, block: np.ndarray) -> list[Event]:
            return [StreamWarning("dropped_partials", "late", 0.0), StreamWarning("engine_error", "broke", 0.0)]

    with pytest.raises(EngineError, match="broke"):
        fed([Broken()], [np.zeros(5_000, np.float32)], 0.2)  # type: ignore[list-item]


class StuckEngine(LoudnessEngine):
    """Gives no answer before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        assert self.go.wait(30.0)
        return super().transcribe(clips, options, previous)


def test_a_final_that_never_came_is_late_and_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_runs, "GIVEN_UP_S", 0.0)
    engine = StuckEngine()
    assert len(run_of(engine, monkeypatch).waits) == 1
    engine.go.set()
