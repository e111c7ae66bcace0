"""Options of single recordings of a run: those of the run, changed by what a recording asks for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...audio import AudioSource
from ...errors import OptionError
from ..options import TranscribeOptions, wanted

OF_THE_RUN = ("align_with", "cancelled", "source", "speech", "decoding")  # whole groups would undo the run's options


@dataclass(frozen=True, slots=True, eq=False)
class SourceRequest:
    """A source for `transcribe_many` with options of its own, which go before those of the run.

    `options` are keywords of `transcribe`, such as `{"language": "ko", "hotwords": ["침실"]}`: all but `align_with` and
    `cancelled`, which are the run's. A wrong one is an `OptionError` of this recording, in its place among the results.
    """

    source: AudioSource
    options: Mapping[str, Any] = field(default_factory=dict)


def request_of(source: AudioSource | SourceRequest) -> SourceRequest:
    """Return the request for a source, which may be one."""
    return source if isinstance(source, SourceRequest) else SourceRequest(source)


@dataclass(frozen=True, slots=True)
class ResolvedOptions:
    """The options of a recording, which were checked, and the `warnings` that its transcript begins with.

    `check` returns these for other options, or raises `OptionError`. `own` tells that the recording asked for some
    itself, so that a wrong one is its own error and not the run's.
    """

    options: TranscribeOptions
    check: Callable[[TranscribeOptions], tuple[str, ...]]
    warnings: tuple[str, ...] = ()
    own: bool = False

    def changed(self, asked: Mapping[str, Any]) -> ResolvedOptions:
        """Return them with what a recording asks for itself. Raises `OptionError`."""
        if not isinstance(asked, Mapping):
            raise OptionError(f"options of a recording: expected keywords and their values, found {asked!r}")
        if refused := [name for name in OF_THE_RUN if name in asked]:
            raise OptionError(f"{refused[0]} is an option of the whole run, not of a single recording")
        if not asked:
            return self
        try:
            chosen = wanted(self.options, asked)
        except TypeError as error:  # there is no such keyword
            raise OptionError(str(error)) from error
        return ResolvedOptions(chosen, self.check, self.check(chosen), own=True)
