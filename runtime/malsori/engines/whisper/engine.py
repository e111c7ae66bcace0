"""The Whisper engine: one bundle on CTranslate2, clips to hypotheses. The steps are in `reader.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...bundles.manifest import Manifest
from ...errors import ModelCorrupt, OptionError
from ...types import UNKNOWN, Audio, Hypothesis
from ..base import DecodeOptions, Layer, LeftContext, Memory
from ..machine.cpus import cpu_threads
from ..machine.devices import choose_device
from ..options import candidates
from ..session import SessionOptions
from .features import HOP, STRIDE, WINDOW, LogMel, padded
from .following import Following
from .guards import ReadingRejected
from .listening import UtteranceReader
from .model_files import check_options, check_parts, compute_type_for, left_out, mels_of, needed
from .network import Encoded, Network, NetworkCounters
from .options import LONGEST_WINDOW
from .reader import WindowReader, languages_of
from .tokens import Tokens
from .track import Track, timed
from .whisper_session import WhisperSession
from .window import MARGIN_S, Context, calls

DEFAULTS = DecodeOptions()
SESSION = SessionOptions()


class WhisperEngine:
    """One `whisper` bundle; `transcribe`, `detect_language` and `embed` may be called from several threads."""

    longest_clip = LONGEST_WINDOW - MARGIN_S  # 28.0 seconds: the encoder's longest window less a margin of silence
    long_form = True
    files = staticmethod(needed)
    check_options = staticmethod(check_options)

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        device: str = "auto",
        compute_type: str = "default",
        threads: int | None = None,
        workers: int = 1,
        memory: Memory = "normal",
        network: Callable[..., Network] = Network,
    ) -> None:
        """Load the bundle in `folder`, for `workers` calls at a time, each on `threads` threads (default: their share).

        `compute_type` is CTranslate2's; `default` computes as the weights are stored where the device can, floats on
        a CPU in int8; `auto` takes the fastest type. With `memory="low"` each call reads one window at a time and only
        one encodes: 0.2 GB less for long files (base), and slower. `network` loads the weights.

        Raises `ModelCorrupt` for a missing file, `ModelIncompatible` when CTranslate2 cannot load the bundle or it
        contradicts its manifest, `OptionError` for a compute type that the device does not have,
        `DeviceUnavailable` for CUDA by name where there is none.
        """
        self.manifest = manifest
        self.fills_windows = not manifest.demonstration  # demonstration models were trained on single sentences
        self.device = choose_device(device)
        self._single_windows = memory == "low"
        for name in needed(folder, manifest):
            if not (folder / name).is_file():
                raise ModelCorrupt(str(folder / name), "a file of a Whisper bundle", "nothing")
        # The weights are widened and rounded without the interpreter's lock, so the vocabulary is read meanwhile.
        with ThreadPoolExecutor(1, "malsori-network") as beside:
            loading = beside.submit(
                network,
                folder,
                manifest.name,
                device=self.device,
                compute_type=compute_type_for(compute_type, manifest.quantization, self.device),
                threads=threads or max(1, cpu_threads() // workers),
                workers=workers,
                memory=memory,
            )
            self._tokens = Tokens.read(folder)
            mels = mels_of(folder)
            self._network = loading.result()
        check_parts(folder, manifest, self._network, self._tokens, mels or self._network.n_mels)
        self._mel = LogMel(self._network.n_mels)

    @property
    def compute_type(self) -> str:
        """What CTranslate2 truly computes in, for example `int8_float32`."""
        return self._network.compute_type

    @property
    def counters(self) -> NetworkCounters:
        """Counts of the network's calls since it was loaded."""
        return self._network.counters

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for what the model does not have; return a line for each part that it will leave out."""
        check_options(self.manifest, options)
        reader = WindowReader(self._network, self._tokens, self.manifest.languages, options)
        return (*left_out(options), *reader.prompts.left_out())

    def batches(self, lengths: Sequence[int], options: DecodeOptions = DEFAULTS) -> list[list[int]]:
        """Return the indices of the clips that best share a call, given their lengths in samples."""
        return calls(lengths, self._window_context(options), options)

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions = DEFAULTS, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order; a clip may be longer than 30 s.

        At most `batch_size` clips are read at a time, in batches of equal windows, on a CPU several batches at once; a
        clip's text does not depend on the others. `previous` are the texts spoken before each clip, or empty. Segments
        have words where these are asked for or give the segments' times; their confidence is the geometric mean
        probability of their window's tokens. Raises `OptionError` for what the model does not have, `EngineError` when
        CTranslate2 fails, `Cancelled` between two of its calls.
        """
        return self._read(clips, options, previous)

    def read_without_retry(self, clip: Audio, options: DecodeOptions = DEFAULTS) -> Hypothesis | None:
        """Return the hypothesis of a clip from its own window alone, None where `transcribe` would read it again."""
        try:
            return self._read([clip], options, reread=False)[0]
        except ReadingRejected:
            return None

    def _read(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = (), *, reread: bool = True
    ) -> list[Hypothesis]:
        check_options(self.manifest, options)
        known, single = candidates(self.manifest, options), self._single_windows
        reader = WindowReader(self._network, self._tokens, known, options, reread=reread, single_windows=single)
        context = self._window_context(options)
        before = [self._tokens.encode(" " + text) if text else [] for text in previous or [""] * len(clips)]
        tracks = [
            self._track(clip, context, options, [*reader.prompts.first, *said])
            for clip, said in zip(clips, before, strict=True)
        ]
        reader.read(tracks)
        return [self._hypothesis(track, options) for track in tracks]

    def follow(self, clip: Audio, context: LeftContext, options: DecodeOptions = DEFAULTS) -> Hypothesis | None:
        """Return the hypothesis of a clip decoded behind its left context, None where `transcribe` is to read it.

        It is None for translations, which attention cannot align, and where the language, given or detected in the clip
        above `language_detection_threshold`, is another than the context's. Raises as `transcribe` does.
        """
        check_options(self.manifest, options)
        if options.task == "translate":
            return None
        probability = 1.0
        if options.language is None:
            languages = self.detect_language(clip, options)
            likeliest, probability = next(iter(languages.items()))
            if likeliest != context.language and probability > options.whisper.language_detection_threshold:
                return None
            probability = languages.get(context.language, 0.0)
        elif options.language != context.language:
            return None
        window = self._window_context(options)
        segments = Following(self._network, self._tokens, self._mel, window, options).read(clip, context)
        return Hypothesis(segments, context.language, probability) if segments else None

    def open(self, options: DecodeOptions = DEFAULTS, session: SessionOptions = SESSION) -> WhisperSession:
        """Return a session, which gives the text of one utterance while it is spoken.

        Raises `OptionError` for what the model does not have.
        """
        check_options(self.manifest, options)
        context = self._window_context(options)
        known = candidates(self.manifest, options)
        reader = UtteranceReader(self._network, self._tokens, self._mel, context, known, options)
        return WhisperSession(reader, session)

    def detect_language(self, clip: Audio, options: DecodeOptions = DEFAULTS) -> dict[str, float]:
        """Return the languages that it may be with their probabilities, likeliest first; they sum to 1.

        Detects in up to `language_detection_segments` windows of 30 s (a shorter clip has a window of its own length,
        if the model bears that), until one exceeds `language_detection_threshold`, and returns the mean.
        Raises `EngineError` when CTranslate2 fails, `Cancelled` between two windows.
        """
        whisper = options.whisper
        if only := self.manifest.only_language:
            return {only: 1.0}
        known, found = candidates(self.manifest, options), list[dict[str, float]]()
        for start in range(0, max(len(clip), 1), WINDOW * HOP)[: whisper.language_detection_segments]:
            options.check_cancelled()
            encoded = self._encode(clip[start : start + WINDOW * HOP], self._window_context(options))
            found += languages_of(self._network, encoded, known)
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
        features = self._mel(padded(clip, starts[-1] // HOP + WINDOW))
        rows = [
            self._network.encode(features[None, :, start // HOP : start // HOP + WINDOW]).states()[0]
            for start in starts
        ]
        return np.concatenate(rows)[: -(-len(clip) // STRIDE)]

    def logits(self, clip: Audio, prompt: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the decoder's logits after `prompt` and after each of `tokens`, which are forced.

        Float32 `(len(tokens) + 1, vocabulary)`, from the first 30 s of the clip. `prompt` ends in `<|notimestamps|>`
        (otherwise CTranslate2 applies its rules for timestamps); `tokens` are at most 223 text tokens.
        """
        return self._network.logits(self._encode(clip, Context()), prompt, tokens)

    def _window_context(self, options: DecodeOptions) -> Context:
        return Context.of(self.manifest, options.whisper.audio_context)

    def _encode(self, clip: Audio, context: Context) -> Encoded:
        """Encode the first window of a clip."""
        window = context.window(len(clip))
        sound = clip[: window * HOP]
        return self._network.encode(self._mel(padded(sound, window))[None])

    def _track(self, clip: Audio, context: Context, options: DecodeOptions, spoken: Sequence[int]) -> Track:
        language = options.language or self.manifest.only_language
        track = Track(clip, self._mel, context, language, list(spoken), timed(len(clip), options))
        several = options.whisper.language_detection_segments > 1 and len(clip) > WINDOW * HOP
        if track.language is None and several:
            track.languages = self.detect_language(clip, options)
            track.language = next(iter(track.languages))
        return track

    def _hypothesis(self, track: Track, options: DecodeOptions) -> Hypothesis:
        language = options.language or next(iter(track.languages), None) or track.language
        if language is None:  # all of it was inaudible, so nothing was decoded
            return Hypothesis((), UNKNOWN, 0.0, passed=tuple(track.passed))
        probability = 1.0 if options.language else track.languages.get(language, 1.0)
        return Hypothesis(track.heard(), language, probability, track.cut_off, tuple(track.passed))
