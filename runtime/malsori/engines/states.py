"""Which outputs of a CTC bundle's graphs are the layers that somebody asks for."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import OptionError
from .base import Layer
from .graphs import STATE

LAST = "hidden"  # what comes out of the last layer


def outputs_of(layer: Layer, there: Collection[str], name: str) -> list[str]:
    """Return the outputs, of those `there`, that hold a layer's hidden states, or all layers' in order.

    Raises `OptionError`, which calls the bundle `name`, for a layer that there is not, and for all of them or any but
    the last where the graph gives no other.
    """
    states = [*sorted((output for output in there if output.startswith(STATE)), key=_number), LAST]
    if LAST not in there:
        raise OptionError(f"{name} gives no hidden states: its graph has only {', '.join(sorted(there))}")
    if len(states) == 1 and layer != -1:
        raise OptionError(f"{name} gives its last layer only (-1), as bundles of a single graph do, not {layer!r}")
    if layer == "all":
        return states
    if not isinstance(layer, int) or not -len(states) <= layer < len(states):
        raise OptionError(f"layer: {name} has 0 to {len(states) - 1} (or -{len(states)} to -1), found {layer!r}")
    return [states[layer]]


def _number(output: str) -> int:
    return int(output.removeprefix(STATE))
