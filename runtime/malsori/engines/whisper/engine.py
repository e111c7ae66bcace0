"""The Whisper engine: a bundle on CTranslate2. It neither finds speech nor decodes files; `reader.py` is its way."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundles.manifest import Manifest
from ...errors import ModelCorrupt, ModelIncompatible, OptionError
from ...types import SAMPLE_RATE, UNKNOWN, Audio, Hypothesis
from ..base import HOTWORD_WEIGHT, DecodeOptions, Layer
from ..devices import choose_device, cpu_threads
from ..said import Said
from ..session import SessionOptions
from .features import HOP, STRIDE, WINDOW, LogMel
from .following import Following
from .guards import LedAstray, token_limit
from .listening import Listener
from .network import Counters, Encoded, Network, compute_type_for
from .options import LONGEST
from .reader import Reader, languages_of
from .session import WhisperSession
from .tokens import FILE as TOKENIZER
from .tokens import Tokens
from .track import Track
from .window import MARGIN, Context

FILES = ("model.bin", "config.json")
FEATURES = "preprocessor_config.json"
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")  # one of them, as CTranslate2 reads it
SOUND = {"sampling_rate": SAMPLE_RATE, "hop_length": HOP, "n_fft": 400}  # what the features are made for
DEFAULTS = DecodeOptions()
SESSION = SessionOptions()
WIDEST = 100  # hypotheses; a beam takes memory before it takes time
CTC_ONLY = ("language_model", "lm_alpha", "lm_beta", "alternatives")


class WhisperEngine:
    """One `whisper` bundle; `transcribe`, `detect_language` and `embed` may be called from several threads."""

    longest_clip = LONGEST - MARGIN  # 28.0 seconds: what the encoder sees at once, with silence behind it
    long_form = True

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        device: str = "auto",
        compute_type: str = "default",
        threads: int | None = None,
        workers: int = 1,
    ) -> None:
        """Load the bundle in `folder`; `workers` calls run at a time, each on `threads` of the cores (their share).

        `compute_type` is CTranslate2's; `default` computes as the weights are stored where the device can, floats on
        a CPU in int8; `auto` in the fastest way there is.
        Raises `ModelCorrupt` for a missing file, `ModelIncompatible` when CTranslate2 cannot load the bundle or it
        contradicts its manifest, `OptionError` for a compute type that the device does not have,
        `DeviceUnavailable` for CUDA by name where there is none.
        """
        self.manifest = manifest
        self.fills_windows = not manifest.demonstration  # those have learned from single sentences
        self.device = choose_device(device)
        for name in needed(folder, manifest):
            if not (folder / name).is_file():
                raise ModelCorrupt(str(folder / name), "a file of a Whisper bundle", "nothing")
        self._tokens = Tokens.read(folder)
        mels = _mels(folder)
        self._network = Network(
            folder,
            manifest.name,
            device=self.device,
            compute_type=compute_type_for(compute_type, manifest.quantization, self.device),
            threads=threads or max(1, cpu_threads() // workers),
            workers=workers,
        )
        self._check(folder, mels or self._network.n_mels)
        self._mel = LogMel(self._network.n_mels)

    @property
    def compute_type(self) -> str:
        """What CTranslate2 truly computes in, for example `int8_float32`."""
        return self._network.compute_type

    @property
    def counters(self) -> Counters:
        """What the network was asked for since it was loaded."""
        return self._network.counters

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for what the model does not have; return a line for each part that it will leave out."""
        self._check_options(options)
        Reader(self._network, self._tokens, self.manifest.languages, options)
        return tuple(_left_out(options))

    def batches(self, lengths: Sequence[int], options: DecodeOptions = DEFAULTS) -> list[list[int]]:
        """Return which clips, of so many samples, best share one call: with windows of one length, cut off alike."""
        context = Context.of(self.manifest, options.whisper.audio_context)

        def alike(index: int) -> tuple[int, int]:
            window = context.window(lengths[index])
            return window, token_limit(-(-lengths[index] // HOP), options.whisper, full=window == WINDOW)

        groups = (list(group) for _, group in groupby(sorted(range(len(lengths)), key=alike), alike))
        size = options.batch_size
        return [group[first : first + size] for group in groups for first in range(0, len(group), size)]

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions = DEFAULTS, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order; a clip may be longer than 30 s.

        Clips share calls of the network, `batch_size` at a time, where their windows are of one length; a clip's text
        does not depend on the others. `previous`, if any, are the texts said before each. A segment's confidence is the
        mean probability (geometric) of its window's tokens. Raises `OptionError` for what the model does not have,
        `EngineError` when CTranslate2 fails, `Cancelled` between two of its calls.
        """
        return self._read(clips, options, previous)

    def read_once(self, clip: Audio, options: DecodeOptions = DEFAULTS) -> Hypothesis | None:
        """Return what `transcribe` makes of one clip in its own window, or None where it would read it again."""
        try:
            return self._read([clip], options, once=True)[0]
        except LedAstray:
            return None

    def _read(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = (), *, once: bool = False
    ) -> list[Hypothesis]:
        self._check_options(options)
        reader = Reader(self._network, self._tokens, self.manifest.languages, options, once=once)
        context = Context.of(self.manifest, options.whisper.audio_context)
        before = [self._tokens.encode(" " + text) if text else [] for text in previous or [""] * len(clips)]
        tracks = [
            self._track(clip, context, options, [*reader.prompts.first, *said])
            for clip, said in zip(clips, before, strict=True)
        ]
        reader.read(tracks)
        return [self._hypothesis(track, options) for track in tracks]

    def follow(self, clip: Audio, said: Said, options: DecodeOptions = DEFAULTS) -> Hypothesis | None:
        """Return what was heard in a clip behind what was said, None where it is to be read by `transcribe`.

        A language that is not given is told from the clip alone; another than before must be likely. Raises as
        `transcribe` does.
        """
        self._check_options(options)
        probability = 1.0
        if options.language is None:
            languages = self.detect_language(clip, options)
            likeliest, probability = next(iter(languages.items()))
            if likeliest != said.language and probability > options.whisper.language_detection_threshold:
                return None
            probability = languages.get(said.language, 0.0)
        elif options.language != said.language:
            return None
        context = Context.of(self.manifest, options.whisper.audio_context)
        segments = Following(self._network, self._tokens, self._mel, context, options).read(clip, said)
        return Hypothesis(segments, said.language, probability) if segments else None

    def open(self, options: DecodeOptions = DEFAULTS, session: SessionOptions = SESSION) -> WhisperSession:
        """Return a session for one utterance, which gives its text while it is spoken.

        Raises `OptionError` for what the model does not have.
        """
        self._check_options(options)
        context = Context.of(self.manifest, options.whisper.audio_context)
        listener = Listener(self._network, self._tokens, self._mel, context, self.manifest.languages, options)
        return WhisperSession(listener, session)

    def detect_language(self, clip: Audio, options: DecodeOptions = DEFAULTS) -> dict[str, float]:
        """Return the model's languages with their probabilities, likeliest first; they sum to 1.

        Listens to up to `language_detection_segments` windows of 30 s, or to a window of the clip's own length if the
        model bears that, until one is surer than `language_detection_threshold`; the probabilities are their mean.
        Raises `EngineError` when CTranslate2 fails, `Cancelled` between two windows.
        """
        whisper = options.whisper
        if len(self.manifest.languages) == 1:
            return {self.manifest.languages[0]: 1.0}
        found: list[dict[str, float]] = []
        for start in range(0, max(len(clip), 1), WINDOW * HOP)[: whisper.language_detection_segments]:
            options.check_cancelled()
            encoded = self._encode(clip[start : start + WINDOW * HOP], Context.of(self.manifest, whisper.audio_context))
            found += languages_of(self._network, encoded, self.manifest.languages)
            if max(found[-1].values()) > whisper.language_detection_threshold:
                break
        mean = {code: sum(each.get(code, 0.0) for each in found) / len(found) for code in found[0]}
        return dict(sorted(mean.items(), key=lambda item: -item[1]))

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        """Return the encoder's output, float32 `(frames, d_model)`, one frame per 320 samples, the last one partial.

        A clip longer than 30 s is encoded in windows of 30 s that do not see each other. Raises `OptionError` for any
        layer but the last: CTranslate2 keeps no others.
        """
        if layer != -1:
            raise OptionError(
                f"{self.manifest.name} gives its last layer only (-1), as Whisper models do, not {layer!r}"
            )
        starts = range(0, max(len(clip), 1), WINDOW * HOP)
        features = self._mel(np.pad(clip, (0, starts[-1] + WINDOW * HOP - len(clip))))
        rows = [
            self._network.encode(features[None, :, start // HOP : start // HOP + WINDOW]).states()[0]
            for start in starts
        ]
        return np.concatenate(rows)[: -(-len(clip) // STRIDE)]

    def logits(self, clip: Audio, prompt: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return what the decoder predicts after `prompt` and after each of `tokens` when it is fed exactly these.

        Float32 `(len(tokens) + 1, vocabulary)`, from the first 30 s of the clip. `prompt` ends in `<|notimestamps|>`
        (otherwise CTranslate2 applies its rules for timestamps); `tokens` are at most 223 text tokens.
        """
        return self._network.logits(self._encode(clip, Context()), prompt, tokens)

    def _encode(self, clip: Audio, context: Context) -> Encoded:
        """Encode the first window of a clip."""
        window = context.window(len(clip))
        sound = clip[: window * HOP]
        return self._network.encode(self._mel(np.pad(sound, (0, window * HOP - len(sound))))[None])

    def _track(self, clip: Audio, context: Context, options: DecodeOptions, spoken: Sequence[int]) -> Track:
        only = self.manifest.languages[0] if len(self.manifest.languages) == 1 else None
        track = Track(clip, self._mel, context, options.language or only, list(spoken))
        several = options.whisper.language_detection_segments > 1 and len(clip) > WINDOW * HOP
        if track.language is None and several:
            track.languages = self.detect_language(clip, options)
            track.language = next(iter(track.languages))
        return track

    def _hypothesis(self, track: Track, options: DecodeOptions) -> Hypothesis:
        language = options.language or next(iter(track.languages), None) or track.language
        if language is None:  # nothing was to be heard, so nobody was asked
            return Hypothesis((), UNKNOWN, 0.0)
        return Hypothesis(track.heard(), language, 1.0 if options.language else track.languages.get(language, 1.0))

    def _check_options(self, options: DecodeOptions) -> None:
        name, languages, tasks = self.manifest.name, self.manifest.languages, self.manifest.tasks
        if options.language is not None and options.language not in languages:
            raise OptionError(
                f"{name} does not know the language {options.language!r}; it knows {', '.join(languages)}"
            )
        if options.task not in tasks:
            raise OptionError(f"{name} does not do the task {options.task!r}; it does {', '.join(tasks)}")
        for option in CTC_ONLY:
            if getattr(options, option) != getattr(DEFAULTS, option):
                raise OptionError(f"{name} has no {option}; that is an option of CTC models")
        if options.beam_size is not None and not 1 <= options.beam_size <= WIDEST:
            raise OptionError(f"beam_size: expected 1 to {WIDEST}, found {options.beam_size}")
        if not options.temperature or not all(0 <= heat < math.inf for heat in options.temperature):
            raise OptionError(f"temperature: expected numbers of 0 or more, found {options.temperature}")
        options.whisper.check()

    def _check(self, folder: Path, mels: int) -> None:
        """Refuse a bundle whose parts contradict each other."""
        network = self._network
        if self.manifest.sample_rate != SAMPLE_RATE or self.manifest.frame_stride != STRIDE:
            raise ModelIncompatible(str(folder), f"Whisper takes {SAMPLE_RATE} Hz and has {STRIDE} samples per frame")
        if network.n_mels != mels:
            raise ModelIncompatible(str(folder), f"the network takes {network.n_mels} mels, the features have {mels}")
        if not self.manifest.languages or (len(self.manifest.languages) > 1 and not network.multilingual):
            # CTranslate2 tells by the vocabulary's size: 51,865 entries or more are multilingual
            raise ModelIncompatible(str(folder), "the manifest's languages do not fit the model's vocabulary")
        if self._tokens.multilingual != network.multilingual:
            raise ModelIncompatible(str(folder), "the tokenizer is that of a model with other languages")
        if not network.multilingual and self.manifest.tasks != ("transcribe",):
            raise ModelIncompatible(str(folder), "a model that knows English only transcribes, the manifest has more")
        unknown = [code for code in self.manifest.languages if self._tokens.language(code) is None]
        if unknown and network.multilingual:
            raise ModelIncompatible(str(folder), f"the tokenizer has no token for the languages {', '.join(unknown)}")


def needed(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Return the files that such a bundle must list: those it cannot be without, and those that would be read."""
    vocabulary = next((name for name in VOCABULARIES if name in manifest.files), VOCABULARIES[0])
    read = [name for name in (FEATURES, TOKENIZER) if name in manifest.files or (folder / name).exists()]
    return (*FILES, vocabulary, *read)


def _left_out(options: DecodeOptions) -> Iterator[str]:
    """Yield a line for each part of the options that makes no difference."""
    if any(word.weight != HOTWORD_WEIGHT or word.text.endswith("*") for word in options.hotwords):
        yield "hot words lead Whisper as words said before; it has no weights for them, and no * for their endings"
    if options.whisper.multilingual and options.language is not None:
        yield f"multilingual tells no language where one is given, here {options.language}"


def _mels(folder: Path) -> int | None:
    """Return the mel bands of the bundle's features, None where no file says so; refuse other features."""
    path = folder / FEATURES
    if not path.is_file():
        return None
    try:
        settings: Any = json.loads(path.read_text("utf-8"))
        found = {name: settings.get(name, usual) for name, usual in SOUND.items()}
        mels = int(settings.get("feature_size", 80))
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelIncompatible(str(path), f"is not the settings of Whisper's features ({error})") from error
    if found != SOUND:
        raise ModelIncompatible(str(path), f"expected the features {SOUND}, found {found}")
    return mels
