"""The network on CTranslate2, in batches of windows: encode, detect languages, decode, align."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineError, brief
from ..base import Memory
from ..machine.devices import Device
from .options import MOST_TOKENS, TEXT_POSITIONS, WhisperOptions
from .replicas import Replicas
from .segments import PRECISION

# Windows that a GPU encodes at once. A CPU is as fast with one after the other, and eight of 30 s at once take 0.6 GB
# for their attention (base); only the decoder gains from a batch.
MOST_TOGETHER = 8


@dataclass(slots=True)
class NetworkCounters:
    """Counts since the network was loaded, over all threads.

    `windows` encoded, in `encodings` calls; `retries` are those of them that were encoded because the reading of a
    shorter window was rejected.
    """

    encodings: int = 0
    windows: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Generated:
    """The decoder's output for one window, forced tokens included.

    `log_probability` is the mean over the decoded tokens and the end token, natural.
    """

    tokens: tuple[int, ...]
    log_probability: float
    no_speech_prob: float

    @classmethod
    def of(cls, result: Any, given: int, length_penalty: float) -> Generated:
        """Return CTranslate2's result for a reading whose first `given` tokens were forced."""
        tokens = tuple(result.sequences_ids[0])
        # The score is the sum over the length to that power; forced tokens add to the length, but not to the sum.
        total = result.scores[0] * len(tokens) ** length_penalty if tokens else 0.0
        return cls(tokens, float(total / (len(tokens) - given + 1)), float(result.no_speech_prob))


class Network:
    """One loaded model; safe to call from several threads."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        device: Device,
        compute_type: str,
        threads: int,
        workers: int = 1,
        memory: Memory = "normal",
        replicas: Callable[..., Replicas] = Replicas,
    ) -> None:
        """Load the weights by `replicas`; with `memory="low"` calls from several threads encode in turn.

        Raises `ModelIncompatible` when CTranslate2 cannot load them, `EngineError` where memory is short.
        """
        self.name = name
        self.counters = NetworkCounters()
        self._lock = threading.Lock()
        self._drawing = threading.Lock()
        self._replicas = replicas(folder, device=device, compute_type=compute_type, threads=threads, workers=workers)
        self._together = 1 if device == "cpu" else MOST_TOGETHER
        self._turn = threading.Lock() if memory == "low" else nullcontext()
        model = self._replicas.model
        self.n_mels = int(model.n_mels)
        self.multilingual = bool(model.is_multilingual)
        self.compute_type = str(model.compute_type)

    def lanes(self, windows: int, *, live: bool = False) -> int:
        """Return how many calls at a time are best for so many windows, and prepare for them unless `live`."""
        return self._replicas.lanes(windows, live=live)

    def encode(self, features: NDArray[np.float32], *, retry: bool = False) -> Encoded:
        """Return the encoder's output for windows of one length, features `(windows, n_mels, mel frames)`."""
        with self._lock:
            self.counters.encodings += 1
            self.counters.windows += len(features)
            self.counters.retries += len(features) * retry
        starts = range(0, len(features), self._together)
        with self._failures(), self._turn:
            parts = [self._encoded(features[start : start + self._together]) for start in starts]
        return parts[0] if len(parts) == 1 else Encoded.joined(parts)

    def _encoded(self, features: NDArray[np.float32]) -> Encoded:
        from ctranslate2 import StorageView

        return Encoded(self._replicas.model.encode(StorageView.from_array(np.ascontiguousarray(features))))

    def languages(self, encoded: Encoded) -> list[dict[str, float]]:
        """Return for each window the languages with their probabilities, the likeliest first."""
        with self._failures():
            found = self._replicas.model.detect_language(encoded.storage)
        return [{token.strip("<|>"): float(probability) for token, probability in row} for row in found]

    def generate(
        self,
        encoded: Encoded,
        prompts: Sequence[Sequence[int]],
        options: WhisperOptions,
        *,
        beam_size: int,
        temperature: float,
        budget: int,
        suppressed: Sequence[int],
        given: int = 0,
    ) -> list[Generated]:
        """Return the likeliest reading per window; CTranslate2 needs prompts of one length.

        The last `given` tokens of a prompt are forced, and at most `budget` others follow. At a temperature above 0 it
        is the likeliest of `best_of` samples.
        """
        leading, longest = len(prompts[0]) - given - 1, given + budget
        search: dict[str, Any] = (
            {"beam_size": 1, "num_hypotheses": options.best_of, "sampling_topk": 0, "sampling_temperature": temperature}
            if temperature > 0
            else {"beam_size": beam_size, "patience": options.patience}
        )
        asked = {
            "length_penalty": options.length_penalty,
            "repetition_penalty": options.repetition_penalty,
            "no_repeat_ngram_size": options.no_repeat_ngram_size,
            # CTranslate2 takes the smaller of half of it and of what is left of it behind the previous text
            "max_length": min(TEXT_POSITIONS, max(2 * longest, leading + longest)),
            "return_scores": True,
            "return_no_speech_prob": True,
            "suppress_blank": options.suppress_blank,
            "suppress_tokens": list(suppressed),
            "max_initial_timestamp_index": round(options.max_initial_timestamp / PRECISION),
            **search,
        }
        token_lists = [list(each) for each in prompts]
        with self._failures():
            if temperature > 0 and self._replicas.on_cpu:
                results = [self._drawn(encoded.rows([row]), prompt, asked) for row, prompt in enumerate(token_lists)]
            else:
                results = self._replicas.model.generate(encoded.storage, token_lists, **asked)
        return [Generated.of(result, given, options.length_penalty) for result in results]

    def _drawn(self, encoded: Encoded, prompt: list[int], asked: dict[str, Any]) -> Any:
        """Return the samples of one window, reproducibly.

        CTranslate2 (4.8) reads its seed only when a worker samples for the first time. So each window is sampled by a
        new worker; loading the weights takes less time than sampling.
        """
        with self._drawing:
            return self._replicas.unused().generate(encoded.storage, [prompt], **asked)[0]

    def align(
        self, encoded: Encoded, start: Sequence[int], texts: Sequence[Sequence[int]], frames: Sequence[int]
    ) -> list[Any]:
        """Return CTranslate2's alignments of each window's text tokens with its first `frames` mel frames."""
        with self._failures():
            model, lengths = self._replicas.model, list(frames)
            found: list[Any] = model.align(encoded.storage, list(start), [list(text) for text in texts], lengths)
            return found

    def logits(self, encoded: Encoded, prompt: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits after `prompt` and after each of `tokens`, float32 `(len(tokens) + 1, vocabulary)`."""
        steps = len(tokens) + 1
        with self._failures():
            result = self._replicas.model.generate(
                encoded.storage,
                [[*prompt, *tokens]],
                beam_size=1,
                max_length=2 * max(steps, len(prompt)),
                suppress_blank=False,
                suppress_tokens=[],
                return_logits_vocab=True,
            )[0]
            return np.stack([host_array(step) for step in result.logits[0][:steps]])

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn CTranslate2's exceptions into `EngineError`."""
        try:
            yield
        except (RuntimeError, ValueError, MemoryError) as error:
            raise EngineError(f"{self.name}: CTranslate2 failed ({brief(error)})") from error


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoder's output for some windows of one length, on CTranslate2's device."""

    storage: Any

    def __len__(self) -> int:
        return int(self.storage.shape[0])

    def rows(self, chosen: Sequence[int]) -> Encoded:
        """Return the windows with these indices, in this order."""
        if list(chosen) == list(range(len(self))):
            return self
        from ctranslate2 import StorageView

        # As float32, since numpy has no bfloat16; CTranslate2 converts it to the type that it computes in.
        return Encoded(StorageView.from_array(np.ascontiguousarray(self.states()[list(chosen)])))

    @classmethod
    def joined(cls, parts: Sequence[Encoded]) -> Encoded:
        """Return the windows of all parts, in order."""
        from ctranslate2 import StorageView

        return cls(StorageView.from_array(np.concatenate([part.states() for part in parts])))

    def states(self) -> NDArray[np.float32]:
        """Return the output as float32 in main memory, `(windows, frames, d_model)`."""
        return host_array(self.storage)


def host_array(storage: Any) -> NDArray[np.float32]:
    """Return a CTranslate2 `StorageView` as a float32 array in main memory, whatever device and type it has."""
    from ctranslate2 import DataType, Device

    return np.array(storage.to_device(Device.cpu).to(DataType.float32))


def room(prompt: int, given: int) -> int:
    """Return how many tokens can be decoded behind a prompt of that length, of which the last `given` are forced."""
    return min(MOST_TOKENS, TEXT_POSITIONS - (prompt - given - 1)) - given
