"""What nano-whisper is shown: windows of sound with one or several sentences, and the token rows that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import WhisperFeatureExtractor

from export.log_mel import TorchLogMel
from export.nano.batches import LONGEST_SILENCE, Batches, vary_voice
from export.nano.nano_whisper import CompactVocabulary
from export.nano.speech import Augmenter, Corpus, Utterance
from malsori.engines.whisper.features import HOP, STRIDE, WINDOW
from malsori.types import SAMPLE_RATE

FULL = WINDOW * HOP  # samples
SEVERAL_SHARE, FULL_SHARE = 0.12, 0.15  # of the batches: several sentences in one window; the full 30 s
FULL_FROM = 1_500  # step: the full window costs ten times as much and teaches nothing at first


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of a window, with its times in seconds."""

    utterance: Utterance
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Window:
    """Sound (float32, 16 kHz) and what is said in it, all in one language."""

    audio: NDArray[np.float32]
    parts: list[Part]

    @property
    def language(self) -> str:
        """The language spoken."""
        return self.parts[0].utterance.language

    @property
    def text(self) -> str:
        """Everything said, as it was said."""
        return " ".join(part.utterance.text for part in self.parts)

    @classmethod
    def of(cls, utterance: Utterance) -> Window:
        """Surround one utterance by a tenth of a second before and 0.9 s after."""
        audio = np.pad(utterance.audio.astype(np.float32) / 32768, (1_600, 14_400))
        return cls(audio, [Part(utterance, 0.1, 0.1 + utterance.seconds)])


class Windows:
    """Draw batch number `step`, a pure function of corpus, seed and step."""

    def __init__(self, corpus: Corpus, batch_size: int, seed: int) -> None:
        self.languages = [corpus.only("ko"), corpus.only("en")]
        self.batches = Batches(corpus, batch_size, seed)
        self.batch_size, self.seed = batch_size, seed

    def draw(self, step: int) -> list[Window]:
        """Return the windows of a batch: mostly single sentences, some with several, a few 30 s long."""
        rng = np.random.default_rng([self.seed, step, 3])
        kind = rng.random()
        if kind < FULL_SHARE and step >= FULL_FROM:
            windows = [self._join(rng, int(rng.integers(1, 5))) for _ in range(self.batch_size // 4)]
            return [Window(np.pad(w.audio, (0, FULL - len(w.audio))), w.parts) for w in windows]
        if kind > 1 - SEVERAL_SHARE:
            return [self._join(rng, int(rng.integers(2, 4))) for _ in range(self.batch_size // 2)]
        return [self._lay([u], rng) for u in self.batches.pick(step)]

    def _join(self, rng: np.random.Generator, count: int) -> Window:
        utterances = self.languages[int(rng.integers(2))].utterances
        chosen = [utterances[i] for i in rng.choice(len(utterances), count, replace=False)]
        return self._lay([vary_voice(u, rng) for u in chosen], rng)

    def _lay(self, utterances: list[Utterance], rng: np.random.Generator) -> Window:
        position = int(rng.uniform(0, LONGEST_SILENCE) * SAMPLE_RATE)
        pieces, parts = [np.zeros(position, np.float32)], []
        for utterance in utterances:
            start = position / SAMPLE_RATE
            parts.append(Part(utterance, start, start + utterance.seconds))
            gap = int(rng.uniform(0.3, 1.2) * SAMPLE_RATE)
            pieces += [utterance.audio.astype(np.float32) / 32768, np.zeros(gap, np.float32)]
            position += len(utterance.audio) + gap
        return Window(Augmenter(rng)(np.concatenate(pieces))[:FULL], parts)


def stack(windows: list[Window]) -> Tensor:
    """Pad the sound of a batch with silence to one whole number of encoder frames; float32 `(batch, samples)`."""
    longest = max(len(w.audio) for w in windows)
    longest = min(-(-longest // STRIDE) * STRIDE, FULL)
    return torch.from_numpy(np.stack([np.pad(w.audio, (0, longest - len(w.audio))) for w in windows]))


@cache
def log_mel() -> TorchLogMel:
    """Return Whisper's features, in 80 mels."""
    return TorchLogMel(WhisperFeatureExtractor(feature_size=80))


@dataclass(frozen=True, slots=True)
class Rows:
    """Decoder rows: `inputs`, `targets` (-1: not scored), `corruptible`, all `(rows, tokens)`; `window` is the batch
    index that each row listens to.
    """

    inputs: Tensor
    targets: Tensor
    corruptible: Tensor
    window: Tensor


class TokenSequences:
    """Spell windows as decoder rows: Korean both transcribed and translated, half of them with times."""

    def __init__(self, vocabulary: CompactVocabulary) -> None:
        self.vocabulary = vocabulary

    def rows(self, windows: list[Window], generator: torch.Generator) -> Rows:
        """Return all rows of a batch, padded with end-of-text."""
        spelled = []
        for i, window in enumerate(windows):
            for task in ("transcribe", "translate") if window.language == "ko" else ("transcribe",):
                timed = bool(torch.rand((), generator=generator) < 0.5)
                spelled.append((i, *self._spell(window, task, timed)))
        end, nobody = (self.vocabulary.special(token) for token in ("<|endoftext|>", "<|nocaptions|>"))
        width = max(len(ids) for _, ids, _ in spelled) - 1
        inputs = torch.full((len(spelled), width), end)
        targets = torch.full((len(spelled), width), -1)
        corruptible = torch.zeros((len(spelled), width), dtype=torch.bool)
        for row, (i, ids, prompt) in enumerate(spelled):
            length = len(ids) - 1
            inputs[row, :length] = torch.tensor(ids[:-1])
            targets[row, 0] = ids[1] if windows[i].text else nobody  # predicted; the rest of the prompt is given
            targets[row, prompt - 1 : length] = torch.tensor(ids[prompt:])
            corruptible[row, prompt:length] = True
        return Rows(inputs, targets, corruptible, torch.tensor([i for i, _, _ in spelled]))

    def random_text(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Return random text tokens."""
        return torch.randint(len(self.vocabulary.text), shape, generator=generator)

    def _spell(self, window: Window, task: str, timed: bool) -> tuple[list[int], int]:
        """Return the whole row and the length of its prompt."""
        words = self.vocabulary
        prompt = ["<|startoftranscript|>", f"<|{window.language}|>", f"<|{task}|>"] + (
            [] if timed else ["<|notimestamps|>"]
        )
        ids = [words.special(token) for token in prompt]
        if not window.text:
            ids += [words.timestamp(0)] if timed else []
        for part in window.parts if window.text else []:
            sentence = part.utterance.sentence
            text = words.encode(sentence.en if task == "translate" else part.utterance.text)
            ids += [words.timestamp(part.start), *text, words.timestamp(part.end)] if timed else text
        return [*ids, words.special("<|endoftext|>")], len(prompt)
