"""An engine that is shared with streams: its calls wait for their turn in the scheduler's queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...engines.base import DecodeOptions, Engine, Layer
from ...engines.session import Session, SessionOptions
from ...types import Audio, Hypothesis

Result = TypeVar("Result")
DEFAULTS = DecodeOptions()
SESSION = SessionOptions()
# Attributes that an engine may have beside those of `Engine`: calls of the network, which wait for a turn, and others.
NETWORK = ("detect_language", "logits", "hidden", "follow")
KNOWN = ("frames", "vocabulary", "decode", "device", "compute_type")


class Turns(Protocol):
    """Runs calls of engines in turn, as a scheduler does."""

    def batch(
        self, engine: Engine, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order, once it is the caller's turn."""
        ...

    def run(self, engine: Engine, work: Callable[[], Result], cancelled: Callable[[], bool] | None = None) -> Result:
        """Return what `work` gives, once it is the caller's turn. Raises `Cancelled` soon after `cancelled` said so."""
        ...


class SharedEngine:
    """The engine `bare`, whose calls of the network go through `turns`; other attributes are its own."""

    def __init__(self, bare: Engine, turns: Turns) -> None:
        self.bare = bare
        self.manifest = bare.manifest
        self.longest_clip = bare.longest_clip
        self.long_form = bare.long_form
        self.fills_windows = bare.fills_windows
        self._turns = turns
        # As attributes of the object: from Python 3.12 on `isinstance` does not ask `__getattr__` what a protocol has.
        for name in (each for each in (*NETWORK, *KNOWN) if hasattr(bare, each)):
            found = getattr(bare, name)
            setattr(self, name, partial(self._in_turn, found) if name in NETWORK else found)

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Return what the engine's own `check` returns, or raise what it raises."""
        return self.bare.check(options)

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        """Return the engine's own batches."""
        return self.bare.batches(lengths, options)

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions = DEFAULTS, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in turn. Raises as the engine does, or as a closed scheduler."""
        return self._turns.batch(self.bare, clips, options, previous)

    def open(self, options: DecodeOptions, session: SessionOptions = SESSION) -> Session:
        """Return the engine's own session, whose steps get their turns by `Scheduling.partial`."""
        return self.bare.open(options, session)

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        """Return hidden states as the engine's own `embed`, in turn."""
        return self._turns.run(self.bare, lambda: self.bare.embed(clip, layer))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"an engine that is shared has no {name!r}; its `bare` may, and does not wait for a turn")

    def _in_turn(self, call: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        options = [each for each in (*arguments, *named.values()) if isinstance(each, DecodeOptions)]
        cancelled = options[0].cancelled if options else None
        return self._turns.run(self.bare, partial(call, *arguments, **named), cancelled)
