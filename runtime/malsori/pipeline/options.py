"""What a caller may ask of a model and of a transcription, the latter checked once before any work is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from ..bundles import Bundle
from ..bundles.manifest import Manifest
from ..engines.base import Engine, Memory
from ..engines.ctc.language_model import check_file
from ..engines.load import check_options, load_engine
from ..engines.options import DecodeOptions, check_asked
from ..errors import OptionError
from ..option import check, nearest, non_defaults, options_of, put
from ..sound_options import SourceOptions, SpeechOptions

ALIASES = {"vad_filter": "vad", "vad_parameters": "gate", "logprob_threshold": "log_prob_threshold"}  # faster-whisper's
SOURCE, SPEECH, DECODING = SourceOptions(), SpeechOptions(), DecodeOptions()


@dataclass(frozen=True, slots=True)
class Loading:
    """How a model was loaded, as `load` takes it; one that is needed beside it (`align_with`) is loaded the same way.

    The compute type is not among it: bundles have their own.
    """

    device: str = "auto"
    threads: int | None = None
    memory: Memory = "normal"
    verify: bool = True

    def engine(self, bundle: Bundle, compute_type: str = "default", workers: int = 1) -> Engine:
        """Return the engine of a bundle, loaded this way. Raises as `load_engine` does."""
        return load_engine(
            bundle.folder,
            bundle.manifest,
            device=self.device,
            compute_type=compute_type,
            threads=self.threads,
            workers=workers,
            memory=self.memory,
        )


LOADING = Loading()


class Loaded(Protocol):
    """A model that was loaded, such as a `Transcriber`."""

    engine: Engine


@dataclass(frozen=True, slots=True, init=False)
class TranscribeOptions:
    """The options of `transcribe` and `transcribe_many`, in groups that each go where they are needed.

    source: how a recording is read.
    speech: which stretches of it are heard.
    decoding: how they become words. `wanted` also asks for their times where something else needs those.
    align_with: a CTC bundle (name, path, or loaded) that finds the words' times anew, where Whisper's are coarse. By
        name or path it is loaded as the model itself was: device, threads, memory, and whether its sums are checked.

    Each option of the groups is a keyword by itself, here and of `transcribe`: `TranscribeOptions(language="ko",
    track=2, patience=2)`. docs/options.md has all of them; faster-whisper's names are understood.
    """

    source: SourceOptions
    speech: SpeechOptions
    decoding: DecodeOptions
    align_with: str | os.PathLike[str] | Loaded | None

    def __init__(
        self,
        *,
        source: SourceOptions = SOURCE,
        speech: SpeechOptions = SPEECH,
        decoding: DecodeOptions = DECODING,
        align_with: str | os.PathLike[str] | Loaded | None = None,
        **options: Any,
    ) -> None:
        """Put each option into its group.

        Raises `TypeError` for a keyword that there is not and for one that is given under two names, `OptionError` for
        a key of `vad_parameters` that there is not. What a value may be is for `check` to say.
        """
        left = _by_own_name(options)
        source, speech, decoding = put(source, left), put(speech, left), put(decoding, left)
        for name in options:
            if ALIASES.get(name, name) in left:
                raise TypeError(f"there is no option {name!r}{nearest(name, [*_places(), 'align_with', *ALIASES])}")
        for name, value in (("source", source), ("speech", speech), ("decoding", decoding), ("align_with", align_with)):
            object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # or mypy would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Raise `AttributeError`, which says in which group an option of this name stands."""
            place = _places().get(ALIASES.get(name, name))
            hint = f"; that is .{place}" if place else ""
            raise AttributeError(f"TranscribeOptions has no attribute {name!r}{hint}", name=name, obj=self)

    def changed(self, **options: Any) -> TranscribeOptions:
        """Return the options with those of the keywords put in. Raises as the constructor does."""
        return replace(self, **options)

    def check(self, manifest: Manifest) -> None:
        """Raise `OptionError` for what no model has or the manifest rules out, whether or not there will be speech."""
        self.check_values()
        check_asked(manifest, self.decoding)
        check_options(manifest, self.decoding)

    def check_values(self) -> None:
        """Raise `OptionError` for the first value that no model has: before one is loaded, and a recording read."""
        for each in (self.source, self.speech, self.decoding):
            check(each)
        if self.source.speakers and self.source.channels != "split":
            raise OptionError("speakers: expected channels='split' with them, whose channels they name")
        if self.align_with is not None and self.decoding.task != "transcribe":
            raise OptionError(
                f"align_with finds the words that were spoken, and the task {self.decoding.task} writes others"
            )
        if self.decoding.ctc.language_model is not None:
            try:
                check_file(self.decoding.ctc.language_model)
            except OptionError as error:
                raise OptionError(f"language_model: {error}") from error
        named = isinstance(self.align_with, (str, os.PathLike)) and self.align_with != ""
        if not (self.align_with is None or named or hasattr(self.align_with, "engine")):
            raise OptionError(f"align_with must be a name, a path or a loaded model, found {self.align_with!r}")


def wanted(options: TranscribeOptions | None, overrides: Mapping[str, Any]) -> TranscribeOptions:
    """Return the options, or the defaults, with the keywords put in, as a run is to have them.

    Words get their times also where something else needs those. Raises `OptionError` for another object.
    """
    if options is not None and not isinstance(options, TranscribeOptions):
        raise OptionError(f"options: expected TranscribeOptions, found {options!r}; a keyword is language='ko'")
    chosen = (options or USUAL).changed(**overrides)
    drops_silence = "hallucination_silence_threshold" in non_defaults(chosen.decoding)
    return chosen.changed(word_timestamps=True) if chosen.align_with is not None or drops_silence else chosen


def _by_own_name(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by the options' own names. Raises `TypeError` for an option that is given under two names."""
    for alias, name in ALIASES.items():
        if alias in options and name in options:
            raise TypeError(f"{alias} and {name} are two names of one option; give one of them")
    return {ALIASES.get(name, name): value for name, value in options.items()}


def _places() -> dict[str, str]:
    """Return where each option of the groups stands in `TranscribeOptions`, such as `decoding.whisper.patience`."""
    groups: dict[str, type] = {"source": SourceOptions, "speech": SpeechOptions, "decoding": DecodeOptions}
    return {
        name: ".".join(filter(None, (place, kept.group, name)))
        for place, group in groups.items()
        for name, kept in options_of(group).items()
    }


USUAL = TranscribeOptions()
