"""The network's seam to CTranslate2: what its answers mean, and that its errors stay behind it."""

from pathlib import Path
from types import SimpleNamespace

import ctranslate2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.whisper.network import Encoded, Generated, Network, room
from malsori.errors import EngineError


def answer(tokens, score):
    return SimpleNamespace(sequences_ids=[tokens], scores=[score], no_speech_prob=0.1)


@pytest.mark.parametrize("penalty", [0.0, 0.5, 1.0])
def test_a_prefix_counts_in_the_length_of_the_score_and_not_in_the_mean(penalty):
    found = Generated.of(answer([1, 2, 3, 4], -6.0 / 4**penalty), 2, penalty)
    assert found.tokens == (1, 2, 3, 4)
    assert found.log_probability == pytest.approx(-6.0 / 3)  # two tokens were chosen, and the end


def test_a_reading_of_nothing_has_a_probability_that_is_a_number():
    assert Generated.of(answer([], float("-inf")), 0, 1.0).log_probability == 0.0


@given(st.integers(0, 223), st.integers(1, 4), st.integers(0, 113))
def test_what_leads_what_is_given_and_what_is_read_fit_the_decoders_positions(leading, orders, prefix):
    left = room(leading + orders + prefix, prefix)
    assert 0 < left <= 224
    assert leading + orders - 1 + prefix + left <= 448


def test_windows_in_half_precision_can_be_chosen_from():
    stored = ctranslate2.StorageView.from_array(np.arange(12, dtype=np.float32).reshape(3, 2, 2))
    encoded = Encoded(stored.to(ctranslate2.DataType.bfloat16))
    assert encoded.rows([2, 0]).states().tolist() == [[[8, 9], [10, 11]], [[0, 1], [2, 3]]]


@pytest.mark.parametrize("error", [MemoryError("bad_alloc"), RuntimeError("CUDA failed"), ValueError("a shape")])
def test_what_ctranslate2_raises_while_running_is_an_error_of_the_engine(error):
    def fail(storage):
        raise error

    model = SimpleNamespace(n_mels=80, is_multilingual=True, compute_type="float32", detect_language=fail)
    network = Network(
        Path(),
        "a-model",
        device="cpu",
        compute_type="float32",
        threads=1,
        replicas=lambda *_, **__: SimpleNamespace(model=model),
    )
    with pytest.raises(EngineError, match="a-model: CTranslate2 failed"):
        network.languages(Encoded(None))
