"""Prefix beam search and the best alignment, against sums and maxima over all alignments, one by one."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.engines.ctc.beam import LEAST, beam_search, worth_trying
from malsori.engines.ctc.decoder import greedy
from malsori.engines.ctc.viterbi import FLOOR, log_softmax
from malsori.engines.ctc.words import place
from tests.scoring import gained
from tests.shipped import ROOT, ctc_engine

EVERYTHING = 10_000  # wider than all the sequences that the small inputs allow


@st.composite
def small_logits(draw: st.DrawFn):
    """Up to five frames of up to four tokens, and which of them is the blank."""
    frames, tokens = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    values = st.floats(-6, 6, width=32)
    rows = st.lists(st.lists(values, min_size=tokens, max_size=tokens), min_size=frames, max_size=frames)
    return log_softmax(np.array(draw(rows), np.float32)), draw(st.integers(0, tokens - 1))


def collapsed(path, blank: int):
    return tuple(token for token, _ in groupby(path) if token != blank)


def alignments(log_probs, blank: int):
    """Yield each path through the frames: what it collapses to, itself, and its log-probability."""
    frames = np.arange(len(log_probs))
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        yield collapsed(path, blank), path, float(log_probs[frames, path].sum())


def sums(log_probs, blank: int):
    """Return the log-probability of each sequence, summed over its alignments."""
    found: dict[tuple[int, ...], float] = {}
    for sequence, _, probability in alignments(log_probs, blank):
        found[sequence] = np.logaddexp(found.get(sequence, -np.inf), probability)
    return found


class Prefers:
    """A scorer whose state is a hash of the sequence, and whose gains follow no pattern."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self.reach = np.full(tokens, 3.0)

    def gains(self, states, tokens):
        return 3 * np.sin(7.0 * states[:, None] + tokens)

    def advance(self, states, tokens):
        return (states * 31 + tokens + 1) % 10_007

    def finish(self, states):
        return np.cos(states.astype(float))


@settings(max_examples=60, deadline=None)
@given(small_logits())
def test_a_wide_beam_gives_every_sequence_its_sum_over_all_alignments_in_order(case):
    log_probs, blank = case
    expected = sums(log_probs, blank)
    found = beam_search(log_probs, blank, EVERYTHING, least=0)
    assert {prefix.tokens for prefix in found} == set(expected)
    for prefix in found:
        assert prefix.log_probability == pytest.approx(expected[prefix.tokens], abs=1e-9)
        assert prefix.score == prefix.log_probability
    scores = [prefix.score for prefix in found]
    assert scores == sorted(scores, reverse=True)


@settings(max_examples=60, deadline=None)
@given(small_logits())
def test_what_a_scorer_adds_is_in_the_score_and_in_the_order(case):
    log_probs, blank = case
    scorer = Prefers(log_probs.shape[1])
    expected = {tokens: value + gained(scorer, tokens)[-1] for tokens, value in sums(log_probs, blank).items()}
    found = beam_search(log_probs, blank, EVERYTHING, [scorer], least=0)
    assert {prefix.tokens for prefix in found} == set(expected)
    for prefix in found:
        assert prefix.score == pytest.approx(expected[prefix.tokens], abs=1e-9)
    scores = [prefix.score for prefix in found]
    assert scores == sorted(scores, reverse=True)


@settings(max_examples=60, deadline=None)
@given(small_logits(), st.integers(1, 4))
def test_a_narrow_beam_never_claims_more_than_the_sum(case, width: int):
    log_probs, blank = case
    expected = sums(log_probs, blank)
    found = beam_search(log_probs, blank, width, least=0)
    assert 1 <= len(found) <= width
    assert len({prefix.tokens for prefix in found}) == len(found)
    assert all(prefix.log_probability <= expected[prefix.tokens] + 1e-9 for prefix in found)


@settings(max_examples=60, deadline=None)
@given(small_logits())
def test_the_best_path_is_the_likeliest_alignment_of_its_tokens(case):
    log_probs, blank = case
    best: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}
    for sequence, path, probability in alignments(log_probs, blank):
        best[sequence] = max(best.get(sequence, (-np.inf, ())), (probability, path))
    for sequence, (probability, _) in best.items():
        tokens = place(log_probs, sequence, blank)
        path = [blank] * len(log_probs)
        for token in tokens:
            path[token.start : token.stop] = [token.index] * (token.stop - token.start)
            assert token.probability == pytest.approx(np.exp(log_probs[token.start : token.stop, token.index].max()))
        assert collapsed(path, blank) == sequence
        assert log_probs[np.arange(len(path)), path].sum() == pytest.approx(probability, abs=1e-9)


def test_the_sum_over_alignments_can_beat_the_best_alignment():
    # the classic: "-" is the best path with 0.36, "a" has 0.64 in three alignments
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert greedy(log_probs.astype(np.float32), 0) == []
    best, second = beam_search(log_probs, 0, 2)
    assert (best.tokens, best.log_probability) == ((1,), pytest.approx(np.log(0.64)))
    assert (second.tokens, second.log_probability) == ((), pytest.approx(np.log(0.36)))


def test_a_token_said_twice_needs_a_blank_between():
    log_probs = log_softmax(8 * np.eye(2, dtype=np.float32)[[1, 1, 0, 1]])
    assert beam_search(log_probs, 0, 4)[0].tokens == (1, 1)
    assert beam_search(log_probs[:2], 0, 4)[0].tokens == (1,)


def test_a_sequence_that_left_the_beam_and_came_back_is_still_one_sequence():
    rng = np.random.default_rng(5)
    for _ in range(200):
        log_probs = log_softmax(rng.normal(0, 2, (12, 3)).astype(np.float32))
        found = [prefix.tokens for prefix in beam_search(log_probs, 0, 3, least=0)]
        assert len(set(found)) == len(found)


def test_no_frames_are_the_empty_sequence_for_certain():
    (found,) = beam_search(np.zeros((0, 4)), 0, 8)
    assert (found.tokens, found.score) == ((), 0.0)


def test_impossible_tokens_stay_finite():
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]]))
    best = beam_search(log_probs, 0, 4, least=0)[0]
    assert (best.tokens, best.score) == ((1,), 0.0)
    assert all(prefix.score >= 3 * FLOOR for prefix in beam_search(log_probs, 0, 4, least=0))


def test_flat_frames_try_no_more_tokens_than_the_beam_can_hold():
    for flat in (np.zeros((50, 1205)), np.random.default_rng(0).normal(0, 0.1, (50, 1205))):
        tried = worth_trying(log_softmax(flat.astype(np.float32)), 0, 16, (), LEAST)
        assert {len(tokens) for tokens in tried} <= {16 + 1, 16 + 2}


def test_bounding_the_tokens_of_a_flat_frame_loses_none_of_the_best():
    frame = log_softmax(np.random.default_rng(1).normal(0, 0.5, (1, 60)).astype(np.float32))
    assert beam_search(frame, 0, 4) == beam_search(frame, 0, 60)[:4]


@pytest.fixture(scope="module")
def real_logits():
    """The two Korean samples through the small bundle, and once more with noise 2 dB below the speech."""
    engine = ctc_engine()
    clean = [decode(ROOT / "samples" / f"{name}.wav").samples for name in ("korean", "numbers")]
    rng = np.random.default_rng(0)
    noisy = [clip + 0.8 * clip.std() * rng.normal(0, 1, len(clip)).astype(np.float32) for clip in clean]
    return engine.vocabulary.blank, engine.logits([*clean, *noisy])


def test_leaving_out_improbable_tokens_changes_nothing_on_real_logits(real_logits):
    blank, clips = real_logits
    for logits in clips:
        all_tokens, few = (beam_search(log_softmax(logits), blank, 16, least=least) for least in (0, LEAST))
        assert [prefix.tokens for prefix in few[:4]] == [prefix.tokens for prefix in all_tokens[:4]]
        assert few[0].score == pytest.approx(all_tokens[0].score, abs=0.05)


def test_where_the_sound_is_clear_the_beam_reads_what_greedy_reads_at_the_same_frames(real_logits):
    blank, clips = real_logits
    for logits in clips[:2]:
        log_probs, read = log_softmax(logits), greedy(logits, blank)
        best = beam_search(log_probs, blank, 16)[0]
        assert best.tokens == tuple(token.index for token in read)
        aligned = place(log_probs, best.tokens, blank)
        assert [(token.start, token.stop) for token in aligned] == [(token.start, token.stop) for token in read]
        assert [token.probability for token in aligned] == pytest.approx(
            [token.probability for token in read], rel=1e-5
        )
