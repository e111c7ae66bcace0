"""What a caller may ask of a model and of a transcription, the latter checked once before any work is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, get_args

from ..audio.tracks import check_track
from ..bundles import Bundle
from ..bundles.languages import alternatives_to, code_of
from ..bundles.manifest import Manifest, knows
from ..engines.base import HOTWORD_WEIGHT, DecodeOptions, Engine, HotWord, Memory, Task
from ..engines.load import check_options, load_engine
from ..engines.whisper.options import WhisperOptions
from ..errors import OptionError
from ..numeric import is_finite
from ..vad import GateOptions
from .values import check_numbers, check_types

DECODING = DecodeOptions()
HEAVIEST = 100.0


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


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """The options of `transcribe` and `transcribe_many`; both also take each one as a keyword.

    language: what is spoken, by its ISO 639-1 code or its English name ("ko", "Korean"), kept as the code; None detects
        it, once per recording.
    task: "transcribe", or "translate" to English where the model can.
    word_timestamps: also give each word its times and probability. A segment then begins with its first word and ends
        with its last; without, it does so too, but for Whisper where the decoder writes times (`time_tokens`), in steps
        of 0.02 s.
    align_with: a CTC bundle (name, path, or loaded) that finds the words' times anew, where Whisper's are coarse. By
        name or path it is loaded as the model itself was: device, threads, memory, and whether its sums are checked.
    vad: recognise only where speech is found; False hands over the whole recording: to Whisper in one clip, to CTC
        models in stretches of up to 120 s, cut where it is quietest.
    gate: how speech is found (thresholds, shortest and longest stretch, padding). A `max_speech_s` that is given is the
        longest stretch that any model gets, also with `vad=False`.
    initial_prompt, temperature: for Whisper models; the prompt was said before each stretch of speech, temperatures are
        tried in order until one passes.
    beam_size: hypotheses kept; None is 1 (greedy), for Whisper 5 where that is unsure or a window has 20 s of sound and
        more, and for CTC 16 where an option below needs a beam.
    hotwords: words to listen for, in a list or as a mapping to weights (8.0 without). With CTC models a reading with a
        hot word wins over one without that is up to e^weight times likelier, and `침실*` also takes 침실을. Whisper
        takes them for words said before, and so hears them in noise, too: a reading of little else than them (or of the
        initial prompt) is made again without, which counts where the model then hears nobody.
    language_model, lm_alpha, lm_beta: for CTC models; the path of a KenLM file, the weight of its log-probabilities,
        and what each word adds.
    alternatives: for CTC models; how many of the likeliest texts each segment carries with their scores, if above 1.
    whisper: for Whisper models; how they decode. Each field of it is also a keyword of `transcribe`.
    clip_timestamps: seconds "start, end, start, end, ..." of what is to be recognised, instead of the gate; the last
        end may be left out.
    batch_size: how many stretches of speech are read at a time at most; of memory and speed, never of the words.
        Whisper is given up to twice as many, and reads several windows at a time on a CPU, each on a thread of its own;
        a CTC model reads them in one call, in int8 one after another.
    cancelled: asked before each engine call and as a recording is read; once it returns True, `Cancelled` is raised.
        What was held is given back.
    allow_truncated: transcribe what is there of a file that was cut off or damaged, with a warning and with silence in
        place of what does not decode, instead of an error.
    track: the sound track to read where a file has several: a number from 1 on, or a language as the file tags it
        ("kor"). None is the one that the file calls its default, else the first.
    start_at_zero: leave out the silence that stands for sound which begins later than the file, so that times count
        from the first sound.
    sample_rate: Hz of the samples when the source is an array (16,000); files say theirs.
    """

    language: str | None = DECODING.language
    task: Task = DECODING.task
    word_timestamps: bool = DECODING.word_timestamps
    align_with: str | os.PathLike[str] | Loaded | None = None
    vad: bool = True
    gate: GateOptions = field(default_factory=GateOptions)
    initial_prompt: str | None = DECODING.initial_prompt
    beam_size: int | None = DECODING.beam_size
    temperature: float | tuple[float, ...] = DECODING.temperature
    batch_size: int = DECODING.batch_size
    hotwords: Mapping[str, float] | Collection[str] = ()
    language_model: str | os.PathLike[str] | None = None
    lm_alpha: float = DECODING.lm_alpha
    lm_beta: float = DECODING.lm_beta
    alternatives: int = DECODING.alternatives
    whisper: WhisperOptions = DECODING.whisper
    clip_timestamps: tuple[float, ...] | list[float] = ()
    cancelled: Callable[[], bool] | None = None
    allow_truncated: bool = False
    track: int | str | None = None
    start_at_zero: bool = False
    sample_rate: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.language, str):
            object.__setattr__(self, "language", code_of(self.language))

    def check(self, manifest: Manifest) -> None:
        """Raise `OptionError` for what no model has or the manifest rules out, whether or not there will be speech."""
        self.check_values()
        if self.task not in manifest.tasks:
            there = ", ".join(manifest.tasks)
            can = "; a multilingual Whisper can: malsori models pull base, then --model base"
            way_out = can if self.task == "translate" else ""
            raise OptionError(f"{manifest.name} cannot {self.task}, only {there}{way_out}")
        if self.language is not None and manifest.languages and not knows(manifest.languages, self.language):
            told = alternatives_to(self.language, manifest.languages, f"malsori models show {manifest.name}")
            raise OptionError(f"{manifest.name} does not know the language {self.language!r}{told}")
        check_options(manifest, self.decoding(self.language))

    def check_values(self) -> None:
        """Raise `OptionError` for the first value that no model has: before one is loaded, and a recording read."""
        if self.task not in get_args(Task):
            raise OptionError(f"no task {self.task!r}; there are {', '.join(get_args(Task))}")
        if self.align_with is not None and self.task != "transcribe":
            raise OptionError(f"align_with finds the words that were spoken, and the task {self.task} writes others")
        check_types(self)
        check_numbers(self)
        check_track(self.track)
        self.whisper.check()
        self.decoding(None)  # whose hot words may have weights that cannot be
        _check_aligner(self.align_with)

    def decoding(self, language: str | None) -> DecodeOptions:
        """Return the engine's share of the options, for clips spoken in `language`."""
        return DecodeOptions(
            language=language,
            task=self.task,
            word_timestamps=self.word_timestamps or self._needs_words,
            initial_prompt=self.initial_prompt,
            beam_size=self.beam_size,
            temperature=tuple(self.temperature) if isinstance(self.temperature, (tuple, list)) else (self.temperature,),
            batch_size=self.batch_size,
            hotwords=hot_words(self.hotwords),
            language_model=None if self.language_model is None else Path(self.language_model),
            lm_alpha=self.lm_alpha,
            lm_beta=self.lm_beta,
            alternatives=self.alternatives,
            whisper=self.whisper,
            cancelled=self.cancelled,
        )

    @property
    def _needs_words(self) -> bool:
        """Whether something else needs the words' times."""
        return self.align_with is not None or self.whisper.hallucination_silence_threshold is not None


def hot_words(given: Mapping[str, float] | Collection[str]) -> tuple[HotWord, ...]:
    """Return the hot words of a list or of a mapping to weights. Raises `OptionError` for a weight that cannot be."""
    # The letters of a text would each be taken for a word, and an iterator would be empty at the second batch.
    if isinstance(given, str) or not isinstance(given, Collection) or not all(isinstance(word, str) for word in given):
        raise OptionError(f"hotwords: expected a list of words or a mapping from words to weights, found {given!r}")
    pairs = given.items() if isinstance(given, Mapping) else ((word, HOTWORD_WEIGHT) for word in given)
    words = tuple(HotWord(word, weight) for word, weight in pairs)
    for word in words:
        if not (is_finite(word.weight) and 0 < word.weight <= HEAVIEST):
            raise OptionError(
                f"hotwords: expected a weight above 0, at most {HEAVIEST:g}, for {word.text!r}, found {word.weight!r}"
            )
    return words


def _check_aligner(model: object) -> None:
    """Refuse what names no model to align with, and is none."""
    if not (
        model is None
        or isinstance(model, os.PathLike)
        or hasattr(model, "engine")
        or (isinstance(model, str) and model)
    ):
        raise OptionError(f"align_with must be a name, a path or a loaded model, found {model!r}")
