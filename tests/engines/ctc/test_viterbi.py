"""The best path of tokens through frames, against all paths there are, and in a band."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from malsori.engines.ctc import viterbi
from malsori.engines.ctc.viterbi import Chain, best_path

BLANK = 0


def chain_of(*tokens: int) -> Chain:
    return Chain.between_blanks(tokens, BLANK)


def path_of(chain: Chain, scores: NDArray[np.float64], **settings: int) -> list[int]:
    return best_path(chain, len(scores), lambda start, stop: scores[start:stop], **settings).tolist()


def collapsed(chain: Chain, path: list[int]) -> list[int]:
    """What CTC reads off the labels of a path: repeats once, blanks not at all."""
    labels = [int(chain.columns[state]) for state in path]
    return [label for label, _ in groupby(labels) if label != BLANK]


def best_of_all(tokens: list[int], scores: NDArray[np.float64]) -> float:
    """Return the score of the best labelling of the frames that reads as `tokens`, by trying every one."""
    frames, columns = scores.shape
    reads = (
        labels
        for labels in product(range(columns), repeat=frames)
        if [label for label, _ in groupby(labels) if label != BLANK] == tokens
    )
    return max(sum(scores[frame, label] for frame, label in enumerate(labels)) for labels in reads)


@pytest.mark.parametrize("tokens", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 2], [1, 1, 1]])
@pytest.mark.parametrize("frames", [5, 6])
def test_no_labelling_of_the_frames_is_better(tokens: list[int], frames: int) -> None:
    for seed in range(5):
        scores = np.random.default_rng(seed).normal(size=(frames, 3))
        path = path_of(chain_of(*tokens), scores)
        found = sum(scores[frame, chain_of(*tokens).columns[state]] for frame, state in enumerate(path))
        assert found == pytest.approx(best_of_all(tokens, scores))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Chain, NDArray[np.float64]]:
    """A text, and scores of no fewer frames than it needs."""
    chain = chain_of(*draw(st.lists(st.integers(1, 4), min_size=1, max_size=12)))
    frames = chain.least_frames + draw(st.integers(0, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return chain, rng.normal(size=(frames, 5)) * draw(st.sampled_from([0.0, 1.0, 100.0]))


@given(problems())
def test_the_path_reads_as_the_tokens_whatever_the_scores(problem: tuple[Chain, NDArray[np.float64]]) -> None:
    chain, scores = problem
    assert collapsed(chain, path_of(chain, scores)) == chain.columns[1::2].tolist()


@settings(deadline=None)
@given(problems(), st.integers(8, 12))
def test_a_band_and_small_blocks_still_read_as_the_tokens(
    problem: tuple[Chain, NDArray[np.float64]], narrowest: int
) -> None:
    chain, scores = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viterbi, "BLOCK", 2)  # a band has to be wider than what the best state can move in a block
        patch.setattr(viterbi, "NARROWEST", narrowest)
        assert collapsed(chain, path_of(chain, scores, cells=1)) == chain.columns[1::2].tolist()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, scores = chain_of(*[1, 2, 2, 3] * 10), np.random.default_rng(0).normal(size=(100, 4))
    whole = path_of(chain, scores)
    monkeypatch.setattr(viterbi, "BLOCK", 7)
    assert path_of(chain, scores) == whole


def test_a_band_finds_what_all_states_find_where_the_scores_are_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 5, 400)
    frames = np.cumsum(rng.integers(2, 12, 400))
    scores = rng.normal(size=(frames[-1] + 50, 5))
    scores[:, BLANK] += 8
    scores[frames, tokens] += 20
    whole = path_of(chain_of(*tokens), scores)
    monkeypatch.setattr(viterbi, "BLOCK", 16)
    monkeypatch.setattr(viterbi, "NARROWEST", 64)
    assert path_of(chain_of(*tokens), scores, cells=1) == whole
    assert [path.index(2 * index + 1) for path in [whole] for index in range(400)] == frames.tolist()


def test_two_tokens_that_are_the_same_have_a_frame_between_them() -> None:
    chain = chain_of(1, 1)
    assert chain.least_frames == 3
    assert path_of(chain, np.zeros((3, 2))) == [1, 2, 3]


def test_equal_neighbours_need_a_frame_more_each() -> None:
    assert chain_of(5, 5, 6, 6, 6).least_frames == 8
    assert chain_of().least_frames == 0


def test_no_tokens_are_one_gap() -> None:
    assert path_of(chain_of(), np.zeros((3, 2))) == [0, 0, 0]


def test_a_text_that_needs_every_frame_gets_every_frame() -> None:
    scores = np.zeros((3, 4))
    scores[:, BLANK] = 50
    assert path_of(chain_of(1, 2, 3), scores) == [1, 3, 5]


def test_the_gap_between_two_tokens_may_be_of_another_column() -> None:
    chain = Chain.of(np.array([1, 2]), np.array([0, 3, 0]))
    scores = np.log(np.array([[0.1, 0.7, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7], [0.1, 0.1, 0.7, 0.1]]))
    assert path_of(chain, scores) == [1, 2, 3]
