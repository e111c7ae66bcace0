"""The Whisper engine: a bundle on CTranslate2, with faster-whisper's tokenizer, features and decoding.

It neither finds speech nor decodes files; the way through a clip is in `whisper_longform`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundles.manifest import Manifest
from ..errors import EngineError, ModelCorrupt, ModelIncompatible, OptionError, brief
from ..types import SAMPLE_RATE, Audio, Hypothesis
from .base import DecodeOptions, Layer
from .devices import Device, choose_device, compute_types, cpu_threads
from .whisper_longform import LongForm, cut
from .whisper_windows import STRIDE, Windows, host_array

FILES = ("model.bin", "config.json", "vocabulary.json", "tokenizer.json", "preprocessor_config.json")
DEFAULTS = DecodeOptions()
CTC_ONLY = ("hotwords", "language_model", "lm_alpha", "lm_beta", "alternatives")
WIDENED = {"int8_float16": "int8_float32", "float16": "float32"}  # for a device without half precision, as most CPUs


class WhisperEngine:
    """One `whisper` bundle; `transcribe`, `detect_language` and `embed` may be called from several threads."""

    longest_clip = 30.0  # seconds: what the encoder sees at once
    long_form = True

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        device: str = "auto",
        compute_type: str = "default",
        threads: int | None = None,
    ) -> None:
        """Load the bundle in `folder`; `threads` defaults to the cores this process may use.

        `compute_type` is CTranslate2's; `default` computes as the weights are stored where the device can, `auto` in
        the fastest way there is.
        Raises `ModelCorrupt` for a missing file, `ModelIncompatible` when CTranslate2 cannot load the bundle or it
        contradicts its manifest, `OptionError` for a compute type that the device does not have,
        `DeviceUnavailable` for CUDA by name where there is none.
        """
        self.manifest = manifest
        self.device = choose_device(device)
        _check_files(folder)
        computing = _compute_type(compute_type, manifest.quantization, self.device)
        self._model = _load(folder, self.device, computing, threads or cpu_threads())
        self._check(folder)

    @property
    def compute_type(self) -> str:
        """What CTranslate2 truly computes in, for example `int8_float32`."""
        return str(self._model.model.compute_type)

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for what the model does not have; nothing of the rest is left out."""
        self._check_options(options)
        return ()

    def transcribe(self, clips: Sequence[Audio], options: DecodeOptions = DEFAULTS) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order; a clip may be longer than 30 s.

        A segment's confidence is the mean probability (geometric) of its window's tokens. Raises `OptionError` for a
        language or task that the model does not have, `EngineError` when CTranslate2 fails.
        """
        self._check_options(options)
        with self._failures():
            return [self._transcribe(clip, options) for clip in clips]

    def detect_language(self, clip: Audio) -> dict[str, float]:
        """Return the model's languages with their probabilities in the first 30 s, likeliest first; they sum to 1."""
        with self._failures():
            return self._languages(Windows(self._model, clip))

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        """Return the encoder's output, float32 `(frames, d_model)`, one frame per 320 samples, the last one partial.

        A clip longer than 30 s is encoded in windows of 30 s that do not see each other. Raises `OptionError` for any
        layer but the last: CTranslate2 keeps no others.
        """
        if layer != -1:
            raise OptionError(
                f"{self.manifest.name} gives its last layer only (-1), as Whisper models do, not {layer!r}"
            )
        with self._failures():
            return Windows(self._model, clip).states()

    def logits(self, clip: Audio, prompt: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return what the decoder predicts after `prompt` and after each of `tokens` when it is fed exactly these.

        Float32 `(len(tokens) + 1, vocabulary)`, from the first 30 s of the clip. `prompt` ends in `<|notimestamps|>`
        (otherwise CTranslate2 applies its rules for timestamps); `tokens` are at most 223 text tokens.
        """
        steps = len(tokens) + 1
        with self._failures():
            result = self._model.model.generate(
                Windows(self._model, clip).encode(0),
                [[*prompt, *tokens]],
                beam_size=1,
                max_length=2 * max(steps, len(prompt)),  # CTranslate2 takes half of it for what follows the prompt
                suppress_blank=False,
                suppress_tokens=[],
                return_logits_vocab=True,
            )[0]
            return np.stack([host_array(step) for step in result.logits[0][:steps]])

    def _transcribe(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
        windows = Windows(self._model, clip)
        languages = {options.language: 1.0} if options.language else self._languages(windows)
        language, probability = next(iter(languages.items()))
        tokenizer = self._tokenizer(language, options.task)
        segments = LongForm(self._model, tokenizer, windows, options).segments()
        return Hypothesis(tuple(cut(segments, len(clip) / SAMPLE_RATE)), language, probability)

    def _languages(self, windows: Windows) -> dict[str, float]:
        known = self.manifest.languages
        if len(known) == 1:
            return {known[0]: 1.0}
        guesses = self._model.model.detect_language(windows.encode(0))[0]
        found = {token.strip("<|>"): probability for token, probability in guesses if token.strip("<|>") in known}
        total = sum(found.values())
        return {code: probability / total for code, probability in found.items()}

    def _tokenizer(self, language: str, task: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        return Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, task=task, language=language)

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
        if options.beam_size is not None and options.beam_size < 1:
            raise OptionError(f"beam_size: expected 1 or more, found {options.beam_size}")
        if not options.temperature or min(options.temperature) < 0:
            raise OptionError(f"temperature: expected numbers of 0 or more, found {options.temperature}")

    def _check(self, folder: Path) -> None:
        """Refuse a bundle whose parts contradict each other."""
        network, mels = self._model.model, len(self._model.feature_extractor.mel_filters)
        if self.manifest.sample_rate != SAMPLE_RATE or self.manifest.frame_stride != STRIDE:
            raise ModelIncompatible(str(folder), f"Whisper takes {SAMPLE_RATE} Hz and has {STRIDE} samples per frame")
        if network.n_mels != mels:
            raise ModelIncompatible(str(folder), f"the network takes {network.n_mels} mels, the features have {mels}")
        if not self.manifest.languages or (len(self.manifest.languages) > 1 and not network.is_multilingual):
            # CTranslate2 tells by the vocabulary's size: 51,865 entries or more are multilingual
            raise ModelIncompatible(str(folder), "the manifest's languages do not fit the model's vocabulary")
        unknown = [code for code in self.manifest.languages if not self._has_token(f"<|{code}|>")]
        if unknown and network.is_multilingual:
            raise ModelIncompatible(str(folder), f"the tokenizer has no token for the languages {', '.join(unknown)}")

    def _has_token(self, token: str) -> bool:
        return self._model.hf_tokenizer.token_to_id(token) is not None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what CTranslate2 raises while running into `EngineError`."""
        try:
            yield
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{self.manifest.name}: CTranslate2 failed ({brief(error)})") from error


def _check_files(folder: Path) -> None:
    # Without tokenizer.json faster-whisper would ask the network for another model's.
    for name in FILES:
        if not (folder / name).is_file():
            raise ModelCorrupt(str(folder / name), "a file of a Whisper bundle", "nothing")


def _compute_type(asked: str, stored: str, device: Device) -> str:
    """Return what CTranslate2 is to compute in; left to itself, it writes on stderr when it cannot do as stored."""
    there = compute_types(device)
    if asked == "default":
        return next((kind for kind in (stored, WIDENED.get(stored)) if kind in there), "auto")
    if asked not in (*there, "auto"):
        choices = ", ".join(["default", "auto", *there])
        raise OptionError(f"compute type {asked!r} is not to be had on {device} here; there are {choices}")
    return asked


def _load(folder: Path, device: str, compute_type: str, threads: int) -> Any:
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True
        )
    except Exception as error:  # tokenizers raises Exception itself for a file that it cannot read
        if isinstance(error, MemoryError) or "out of memory" in str(error):
            raise EngineError(f"{folder}: too little memory on {device} for {compute_type} ({brief(error)})") from error
        raise ModelIncompatible(str(folder), f"CTranslate2 cannot load it ({brief(error)})") from error
