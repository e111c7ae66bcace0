"""Windows over long clips, batches and normalisation, on a graph of a few lines of numpy and on the small bundle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.engines.base import DecodeOptions
from malsori.engines.ctc.frames import Frames
from malsori.engines.wav2vec2 import acoustic
from malsori.engines.wav2vec2.acoustic import AcousticModel, windows
from malsori.engines.wav2vec2.batches import Grouping
from tests.shipped import ROOT, ctc_engine

FRAMES = Frames((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))


@given(st.integers(1, 400), st.integers(3, 60), st.data())
def test_windows_keep_every_frame_once_in_order_and_far_from_their_ends(frames, longest, data):
    side = data.draw(st.integers(0, (longest - 1) // 2))
    cut = windows(frames, longest, side)
    assert [frame for window in cut for frame in range(window.keep, window.until)] == list(range(frames))
    assert all(window.stop - window.start == min(frames, longest) for window in cut)
    assert all(window.start == 0 or window.keep - window.start >= side for window in cut)
    assert all(window.stop == frames or window.stop - window.until >= side for window in cut)


class FirstSamples:
    """A graph whose frames tell the first sample that they see, and how many clips shared their call."""

    outputs = {"logits": 2}  # noqa: RUF012

    def run(self, outputs, clips):
        count = max(FRAMES.count(len(clip)) for clip in clips)
        rows = [np.resize(clip[::320][:count], count) for clip in clips]
        return [np.stack([np.stack([row, np.full(count, len(clips))], 1) for row in rows]).astype(np.float32)]


def model(grouping=Grouping.MASKED):
    return AcousticModel(FirstSamples(), FRAMES, False, grouping)


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.025, 1, 29.9, 30.1, 61, 200])
def test_a_clip_of_any_length_gives_its_frames_in_order(seconds):
    clip = np.arange(round(seconds * 16_000), dtype=np.float32)
    ((logits,),) = model().run(["logits"], [clip], 4)
    assert logits[:, 0].tolist() == clip[: FRAMES.count(len(clip)) * 320 : 320].tolist()


def test_clips_come_back_in_the_order_given_whatever_shares_a_batch():
    clips = [np.arange(16_000 * seconds, dtype=np.float32) + seconds for seconds in (3, 40, 1, 3, 2)]
    results = model().run(["logits"], clips, 8)
    assert [logits[0, 0] for (logits,) in results] == [3, 40, 1, 3, 2]
    assert [len(logits) for (logits,) in results] == [FRAMES.count(len(clip)) for clip in clips]
    assert results[0][0][0, 1] == 2  # the two of 3 s shared a call
    assert results[2][0][0, 1] == 1


def test_a_batch_is_as_large_as_asked_for_unless_the_graphs_take_fewer():
    clips = [np.zeros(16_000, np.float32)] * 5
    for largest, shared in ((None, 5), (2, 2), (8, 5)):
        results = replace(model(), largest_batch=largest).run(["logits"], clips, 5)
        assert results[0][0][0, 1] == shared


@pytest.fixture(scope="module")
def engine():
    return ctc_engine()


def test_a_sentence_in_windows_reads_as_in_one_pass(engine, monkeypatch):
    """Of 3 s with sides of 1 s: the small bundle has learned from single sentences, and reads a minute badly itself."""
    clip = decode(ROOT / "samples" / "korean.wav").samples

    def words():
        (hypothesis,) = engine.transcribe([clip], DecodeOptions(word_timestamps=True))
        return [(word.text, round(word.start, 1)) for word in hypothesis.segments[0].words]

    in_one_pass = words()
    monkeypatch.setattr(acoustic, "WINDOW", 3 * 16_000)
    monkeypatch.setattr(acoustic, "SIDE", 16_000)
    assert words() == in_one_pass
    monkeypatch.setattr(acoustic, "SIDE", 0)  # the other assertion could not fail if the sides did no harm
    assert words() != in_one_pass


def test_hidden_states_of_a_long_clip_have_its_frames(engine):
    clip = np.random.default_rng(0).normal(0, 0.1, 31 * 16_000).astype(np.float32)
    assert engine.hidden([clip])[0].shape == (engine.frames.count(len(clip)), 192)
