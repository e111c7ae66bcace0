"""How the bench of streams looks for the most that keep the limit, without a model."""

from __future__ import annotations

import numpy as np
import pytest

from bench import streams
from bench.streams import Case, Run, fed, measured, percentile, rows
from malsori import TranscribeOptions
from malsori.pipeline.live.admission import Admission
from tests.loudness import LoudnessEngine

CASE = Case("a model", LoudnessEngine(), True)  # type: ignore[arg-type]


def run(count: int, most: int) -> Run:
    """So many streams of which `most` keep the limit."""
    return Run(count, (0.5 if count <= most else 1.5,), 90, 10, 0.0)


@pytest.mark.parametrize(("first", "most"), [(1, 0), (1, 1), (2, 1), (10, 14), (20, 3), (13, 1)])
def test_the_search_ends_between_one_that_keeps_the_limit_and_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch, first: int, most: int
) -> None:
    monkeypatch.setattr(streams, "streamed", lambda _case, _options, _tracks, count: run(count, most))
    runs = measured(CASE, TranscribeOptions(), [], first, 1.3)
    kept = max((each.streams for each in runs if each.kept), default=0)
    assert kept <= most < min(each.streams for each in runs if not each.kept)
    assert most - kept <= 0.3 * most


def test_a_search_for_what_an_engine_bears_without_end_ends() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "streamed", lambda _case, _options, _tracks, count: run(count, 10**9))
        assert len(measured(CASE, TranscribeOptions(), [], 1, 1.3)) == streams.RUNS


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

    def push(self, block: np.ndarray) -> None:
        self.blocks.append(block)


def test_every_stream_gets_the_recording_without_a_gap_round_and_round() -> None:
    track = np.arange(5_000, dtype=np.float32)
    opened = [Fed(), Fed()]
    fed(opened, [track], 0.5)  # type: ignore[arg-type]
    for stream in opened:
        heard = np.concatenate(stream.blocks)
        assert len(heard) == 8_000
        assert set(np.diff(heard)) == {1.0, -4_999.0}
