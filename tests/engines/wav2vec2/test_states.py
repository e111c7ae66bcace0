"""Which outputs are asked of the graphs for a layer, by number from either end, or for all."""

import pytest

from malsori.engines.base import Layer
from malsori.engines.wav2vec2.engine import outputs_of
from malsori.errors import OptionError

TWELVE = ("logits", "hidden", *(f"hidden_{layer}" for layer in reversed(range(12))))


@pytest.mark.parametrize(
    ("layer", "output"), [(-1, "hidden"), (12, "hidden"), (0, "hidden_0"), (11, "hidden_11"), (-13, "hidden_0")]
)
def test_a_layer_counts_from_what_goes_into_the_first_or_from_the_end(layer: int, output: str):
    assert outputs_of(layer, TWELVE, "m") == [output]


def test_all_layers_come_in_their_order_and_not_in_that_of_their_names():
    assert outputs_of("all", TWELVE, "m") == [*(f"hidden_{layer}" for layer in range(12)), "hidden"]


@pytest.mark.parametrize("layer", [13, -14, "some"])
def test_a_layer_that_there_is_not_is_refused_with_the_range(layer: Layer):
    with pytest.raises(OptionError, match=rf"m has 0 to 12 \(or -13 to -1\), found {layer!r}"):
        outputs_of(layer, TWELVE, "m")


@pytest.mark.parametrize("layer", [0, 1, -2, "all"])
def test_a_single_graph_has_its_last_layer_only(layer: Layer):
    assert outputs_of(-1, ("logits", "hidden"), "m") == ["hidden"]
    with pytest.raises(OptionError, match="m gives its last layer only"):
        outputs_of(layer, ("logits", "hidden"), "m")


def test_a_graph_without_hidden_states_says_what_it_has():
    with pytest.raises(OptionError, match="no hidden states: its graph has only logits"):
        outputs_of(-1, ("logits",), "m")
